// The least that a round trip over TCP can cost on a stock Lua 5.4, to hold ours against; see ci/jobs/floor.
//
// It has what the rock's objects promise, and nothing else: sockets are tables around an inner one, of which each
// may have been given another `setwaker`, `_wake` or `timeout` before every wait. One read gets one line, one write
// takes all; no errors, no closing, no timeouts, no second reader, and two tasks at most.

#define _GNU_SOURCE

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <lauxlib.h>
#include <lua.h>

enum { MOST = 8 };

typedef struct {
    int fd, readable;
    lua_State *reader;
} Socket;

static lua_State *fresh[MOST];
static int spawned, alive, events = -1;
static const void *setwaker, *wake;
static const char token;
static char buffer[65536];

// Upvalue 1 of every method is the name of the field.
static Socket *inner_of(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_rawget(L, 1);
    Socket *socket = lua_touserdata(L, -1);
    luaL_argcheck(L, socket, 1, "socket expected");
    return socket;
}

static int stream_send(lua_State *L) {
    Socket *socket = inner_of(L);
    size_t length;
    const char *data = luaL_checklstring(L, 2, &length);
    ssize_t sent = send(socket->fd, data, length, MSG_NOSIGNAL);
    luaL_argcheck(L, sent == (ssize_t)length, 2, "not all was taken");
    lua_pushnumber(L, (lua_Number)sent);
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
}

// Pushes a line if one has come.
static int try_line(lua_State *L, Socket *socket) {
    ssize_t length = recv(socket->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    // A short read has emptied the socket.
    socket->readable = 0;
    char *end = length > 0 ? memchr(buffer, '\n', (size_t)length) : NULL;
    if (end) {
        lua_pushlstring(L, buffer, (size_t)(end - buffer));
    }
    return end != NULL;
}

static int stream_receive(lua_State *L) {
    Socket *socket = inner_of(L);
    if (socket->readable && try_line(L, socket)) {
        return 1;
    }
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_gettable(L, 1);
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_gettable(L, 1);
    luaL_argcheck(L, lua_topointer(L, -2) == setwaker, 1, "setwaker was replaced");
    luaL_argcheck(L, lua_topointer(L, -1) == wake, 1, "_wake was replaced");
    lua_pushvalue(L, lua_upvalueindex(4));
    lua_gettable(L, 1);
    luaL_argcheck(L, lua_isnil(L, -1), 1, "there are no timeouts");
    socket->reader = L;
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)&token);
    return lua_yield(L, 2);
}

static int stream_setwaker(lua_State *L) {
    return luaL_error(L, "there are no wakers");
}

static int stream_wake(lua_State *L) {
    return luaL_error(L, "nobody is woken by hand");
}

static void push_socket(lua_State *L, int fd) {
    lua_createtable(L, 0, 1);
    Socket *socket = lua_newuserdatauv(L, sizeof *socket, 0);
    *socket = (Socket){ .fd = fd, .readable = 1 };
    lua_setfield(L, -2, "inner_sock");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, -2);
    struct epoll_event every = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = socket };
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) || epoll_ctl(events, EPOLL_CTL_ADD, fd, &every)) {
        luaL_error(L, "a socket cannot be made ready");
    }
}

// stream.pair(): two ends of a connection over loopback; upvalue 1 is their metatable.
static int stream_pair(lua_State *L) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1)
        || getsockname(listener, (struct sockaddr *)&address, &length)
        || connect(client, (struct sockaddr *)&address, length)) {
        return luaL_error(L, "there is no loopback");
    }
    push_socket(L, client);
    push_socket(L, accept(listener, NULL, NULL));
    return 2;
}

static int spawn(lua_State *L) {
    luaL_argcheck(L, spawned < MOST, 1, "too many tasks");
    fresh[spawned++] = lua_newthread(L);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 1);
    lua_xmove(L, fresh[spawned - 1], 1);
    alive++;
    return 0;
}

static void resume(lua_State *L, lua_State *task, int arguments) {
    int results, status = lua_resume(task, L, arguments, &results);
    if (status > LUA_YIELD) {
        lua_xmove(task, L, 1);
        lua_error(L);
    }
    alive -= status == LUA_OK;
}

static int run(lua_State *L) {
    for (int each = 0; each < spawned; each++) {
        resume(L, fresh[each], 0);
    }
    while (alive) {
        struct epoll_event ready[MOST];
        int count = epoll_wait(events, ready, MOST, -1);
        for (int each = 0; each < count; each++) {
            Socket *socket = ready[each].data.ptr;
            socket->readable |= (ready[each].events & EPOLLIN) != 0;
            lua_State *task = socket->reader;
            if (task && socket->readable && lua_topointer(task, -1) == &token && try_line(task, socket)) {
                socket->reader = NULL;
                resume(L, task, 1);
            }
        }
    }
    return 0;
}

int luaopen_stream(lua_State *L) {
    events = epoll_create1(EPOLL_CLOEXEC);
    lua_createtable(L, 0, 3);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "inner_sock");
    lua_pushcclosure(L, stream_send, 1);
    lua_setfield(L, -2, "send");
    lua_pushliteral(L, "inner_sock");
    lua_pushliteral(L, "setwaker");
    lua_pushliteral(L, "_wake");
    lua_pushliteral(L, "timeout");
    lua_pushcclosure(L, stream_receive, 4);
    lua_setfield(L, -2, "receive");
    lua_pushcfunction(L, stream_setwaker);
    setwaker = lua_topointer(L, -1);
    lua_setfield(L, -2, "setwaker");
    lua_pushcfunction(L, stream_wake);
    wake = lua_topointer(L, -1);
    lua_setfield(L, -2, "_wake");
    lua_setfield(L, -2, "__index");
    lua_pushcclosure(L, stream_pair, 1);
    lua_setfield(L, -2, "pair");
    lua_pushcfunction(L, spawn);
    lua_setfield(L, -2, "spawn");
    lua_pushcfunction(L, run);
    lua_setfield(L, -2, "run");
    return 1;
}
