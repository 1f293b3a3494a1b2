// Tasks, and whose turn it is.

#include "floor.h"

#include <stdint.h>
#include <stdlib.h>

lua_State *running, *values;

// A ring of tasks, and of channels whose readers are to run, which are odd; `mask` is its length less one.
static uintptr_t *ring;
static unsigned first, last, mask;
static int alive;

// What is free of `values`: a list through `following`.
static int *following;
static int free_slots, slots = NOTHING;

int take_slot(void) {
    if (!free_slots) {
        int more = 256;
        if (!lua_checkstack(values, more)) {
            abort();
        }
        lua_settop(values, slots + more);
        following = realloc(following, (size_t)(slots + more + 1) * sizeof *following);
        for (int slot = slots + more; slot > slots; slot--) {
            free_slot(slot);
        }
        slots += more;
    }
    int slot = free_slots;
    free_slots = following[slot];
    return slot;
}

void free_slot(int slot) {
    following[slot] = free_slots;
    free_slots = slot;
}

// The slot that keeps a task alive. Lua leaves this room before every coroutine to whoever embeds it.
static int *slot_of(lua_State *task) {
    return lua_getextraspace(task);
}

static void grow_ring(void) {
    unsigned length = mask + 1, longer = 2 * length;
    uintptr_t *wider = malloc(longer * sizeof *wider);
    for (unsigned place = first; place != last; place++) {
        wider[place & (longer - 1)] = ring[place & mask];
    }
    free(ring);
    ring = wider;
    mask = longer - 1;
}

static void append(uintptr_t ready) {
    if (last - first > mask) {
        grow_ring();
    }
    ring[last++ & mask] = ready;
}

void make_ready(lua_State *task) {
    append((uintptr_t)task);
}

void make_reader_ready(Channel *channel) {
    append((uintptr_t)channel | 1);
}

static void resume_next(lua_State *L) {
    uintptr_t next = ring[first++ & mask];
    if (next & 1) {
        resume_reader(L, (Channel *)(next - 1));
    } else {
        resume_task(L, (lua_State *)next, 0);
    }
}

void wait_in_task(lua_State *L) {
    if (L != running) {
        luaL_error(L, "only tasks wait");
    }
}

// spawn(function, name): upvalue 1 is the metatable of handles.
int spawn(lua_State *L) {
    bool named = !lua_isnoneornil(L, 2);
    lua_State *task = lua_newthread(L);
    // The only reference, until somebody asks for coroutine.running.
    int slot = *slot_of(task) = take_slot();
    lua_xmove(L, values, 1);
    lua_replace(values, slot);
    lua_pushvalue(L, 1);
    lua_xmove(L, task, 1);
    make_ready(task);
    alive++;
    // The handle, whose name programs read. It does not keep the coroutine; how it would find it is left out.
    lua_createtable(L, 0, 0);
    if (named) {
        lua_pushvalue(L, 2);
        lua_setfield(L, -2, "name");
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, -2);
    return 1;
}

void resume_task(lua_State *L, lua_State *task, int arguments) {
    int results;
    running = task;
    int status = lua_resume(task, L, arguments, &results);
    if (status == LUA_YIELD) {
        return;
    }
    running = NULL;
    if (status != LUA_OK) {
        lua_xmove(task, L, 1);
        lua_error(L);
    }
    int slot = *slot_of(task);
    lua_copy(values, NOTHING, slot);
    free_slot(slot);
    alive--;
}

// sleep(seconds)
int sleep_for(lua_State *L) {
    wait_in_task(L);
    // A whole number is had for less than any.
    int is_whole;
    lua_Number seconds = (lua_Number)lua_tointegerx(L, 1, &is_whole);
    if (!is_whole) {
        seconds = lua_tonumber(L, 1);
    }
    if (seconds > 0) {
        start_timer(L, seconds);
    } else {
        make_ready(L);
    }
    return lua_yield(L, 0);
}

int run(lua_State *L) {
    // How many may run before sockets and timers are looked at: a system call costs as much as several of them.
    enum { MANY = 256 };
    for (unsigned looked = first; alive;) {
        for (unsigned end = last; first != end;) {
            resume_next(L);
        }
        if (first != last && first - looked < MANY) {
            continue;
        }
        looked = first;
        int milliseconds = any_timer() ? end_timers() : -1;
        if (first != last || !alive) {
            milliseconds = 0;
        }
        if (any_descriptor || milliseconds > 0) {
            look_at_descriptors(L, milliseconds);
        } else if (milliseconds < 0) {
            return luaL_error(L, "all tasks wait for ever");
        }
    }
    return 0;
}

void open_tasks(lua_State *L) {
    mask = 1023;
    ring = malloc((mask + 1) * sizeof *ring);
    values = lua_newthread(L);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(values, NOTHING);
}
