// The least that a channel of tables can cost on a stock Lua 5.4, to hold ours against; see ci/jobs/floor. It calls
// itself cosock, so that ci/bench.d/pingpong.lua runs on it.
//
// It has what the rock's objects promise, and nothing else: both halves are tables, of which each may have been
// given another `setwaker` or `timeout` before every wait, and a message stays in a Lua table until its reader
// runs. No errors, no closing, no timeouts, no second reader, and two tasks at most.

#include <lauxlib.h>
#include <lua.h>

enum { SLOTS = 8, MOST = 8 };

typedef struct {
    int sent, received;
    lua_State *reader;
    // Each half has a metatable for itself, which identifies it; the messages are at 1 in it.
    const void *halves[2];
} Queue;

static Queue queues[MOST];
static int count;
static lua_State *ready[MOST];
static unsigned first, last;
static int alive;
static const void *setwaker;
static const char token;

// The queue of the half with the metatable at the top.
static Queue *find(lua_State *L) {
    const void *metatable = lua_topointer(L, -1);
    for (Queue *queue = queues; queue < queues + count; queue++) {
        if (queue->halves[0] == metatable || queue->halves[1] == metatable) {
            return queue;
        }
    }
    return NULL;
}

static Queue *open_half(lua_State *L) {
    Queue *queue = lua_getmetatable(L, 1) ? find(L) : NULL;
    luaL_argcheck(L, queue, 1, "channel expected");
    return queue;
}

static int channel_send(lua_State *L) {
    Queue *queue = open_half(L);
    lua_rawgeti(L, -1, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, queue->sent++ % SLOTS + 1);
    if (queue->reader) {
        ready[last++ % MOST] = queue->reader;
        queue->reader = NULL;
    }
    lua_pushboolean(L, 1);
    return 1;
}

// Takes the oldest message, with the metatable of a half at the top.
static int take(lua_State *L, Queue *queue) {
    int slot = queue->received++ % SLOTS + 1;
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -1, slot);
    lua_pushnil(L);
    lua_rawseti(L, -3, slot);
    return 1;
}

static int channel_receive(lua_State *L) {
    Queue *queue = open_half(L);
    int metatable = lua_gettop(L);
    if (queue->sent != queue->received) {
        return take(L, queue);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_gettable(L, 1);
    luaL_argcheck(L, lua_topointer(L, -1) == setwaker, 1, "setwaker was replaced");
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_gettable(L, 1);
    luaL_argcheck(L, lua_isnil(L, -1), 1, "there are no timeouts");
    queue->reader = L;
    lua_pushvalue(L, metatable);
    lua_pushlightuserdata(L, (void *)&token);
    return lua_yield(L, 2);
}

static int channel_setwaker(lua_State *L) {
    return luaL_error(L, "there are no wakers");
}

// channel.new(): upvalues 1 and 2 are the methods of senders and of receivers.
static int channel_new(lua_State *L) {
    luaL_argcheck(L, count < MOST, 1, "too many channels");
    Queue *queue = &queues[count++];
    lua_createtable(L, SLOTS, 0);
    for (int half = 0; half < 2; half++) {
        lua_createtable(L, 0, 1);
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "link");
        lua_createtable(L, 1, 1);
        lua_pushvalue(L, 1);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, lua_upvalueindex(half + 1));
        lua_setfield(L, -2, "__index");
        queue->halves[half] = lua_topointer(L, -1);
        lua_setmetatable(L, -2);
    }
    return 2;
}

static int spawn(lua_State *L) {
    lua_State *task = lua_newthread(L);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 1);
    lua_xmove(L, task, 1);
    ready[last++ % MOST] = task;
    alive++;
    return 0;
}

static int run(lua_State *L) {
    while (first != last) {
        lua_State *task = ready[first++ % MOST];
        int arguments = 0;
        if (lua_status(task) == LUA_YIELD && lua_topointer(task, -1) == &token) {
            lua_pop(task, 1);
            arguments = take(task, find(task));
        }
        int results, status = lua_resume(task, L, arguments, &results);
        if (status > LUA_YIELD) {
            lua_xmove(task, L, 1);
            return lua_error(L);
        }
        alive -= status == LUA_OK;
    }
    return alive ? luaL_error(L, "a task waits for ever") : 0;
}

int luaopen_cosock(lua_State *L) {
    lua_createtable(L, 0, 3);
    lua_createtable(L, 0, 1);
    lua_newtable(L);
    lua_pushcfunction(L, channel_send);
    lua_setfield(L, -2, "send");
    lua_newtable(L);
    lua_pushliteral(L, "setwaker");
    lua_pushliteral(L, "timeout");
    lua_pushcclosure(L, channel_receive, 2);
    lua_setfield(L, -2, "receive");
    lua_pushcfunction(L, channel_setwaker);
    setwaker = lua_topointer(L, -1);
    lua_setfield(L, -2, "setwaker");
    lua_pushcclosure(L, channel_new, 2);
    lua_setfield(L, -2, "new");
    lua_setfield(L, -2, "channel");
    lua_pushcfunction(L, spawn);
    lua_setfield(L, -2, "spawn");
    lua_pushcfunction(L, run);
    lua_setfield(L, -2, "run");
    return 1;
}
