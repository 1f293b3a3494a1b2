// What all sockets share: tables around an inner one, and the wait until the kernel says that they can go on.

#include "floor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

bool any_descriptor;
static int events;

void *inner_of(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_rawget(L, 1);
    void *inner = lua_touserdata(L, -1);
    luaL_argcheck(L, inner, 1, "socket expected");
    return inner;
}

int wait_for(lua_State *L, const void *class, Descriptor *descriptor, int (*try)(lua_State *L, Descriptor *self)) {
    wait_in_task(L);
    see_unreplaced(L, class);
    if (!descriptor->watched) {
        // Once for all: the kernel tells of whatever becomes ready, until it is closed.
        struct epoll_event every = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = descriptor };
        if (epoll_ctl(events, EPOLL_CTL_ADD, descriptor->number, &every)) {
            return luaL_error(L, "a socket cannot be watched");
        }
        any_descriptor = descriptor->watched = true;
    }
    descriptor->waiting = L;
    descriptor->try = try;
    return lua_yield(L, 0);
}

void look_at_descriptors(lua_State *L, int milliseconds) {
    // What they carry goes on at once; nobody but its own task closes a socket here, so none is gone meanwhile.
    struct epoll_event ready[256];
    int count = epoll_wait(events, ready, 256, milliseconds);
    for (int each = 0; each < count; each++) {
        // Of thousands, none is in the cache: the next ones are fetched meanwhile.
        if (each + 4 < count) {
            __builtin_prefetch(ready[each + 4].data.ptr);
        }
        if (each + 2 < count) {
            const char *task = (const char *)((Descriptor *)ready[each + 2].data.ptr)->waiting;
            __builtin_prefetch(task);
            __builtin_prefetch(task + 64);
        }
        Descriptor *descriptor = ready[each].data.ptr;
        lua_State *task = descriptor->waiting;
        descriptor->ready = true;
        int results = task ? descriptor->try(task, descriptor) : 0;
        if (results) {
            descriptor->waiting = NULL;
            resume_task(L, task, results);
        }
    }
}

int socket_getsockname(lua_State *L) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    getsockname(((Descriptor *)inner_of(L))->number, (struct sockaddr *)&address, &length);
    lua_pushstring(L, inet_ntoa(address.sin_addr));
    lua_pushinteger(L, ntohs(address.sin_port));
    return 2;
}

static int close_inner(lua_State *L) {
    Descriptor *descriptor = lua_touserdata(L, 1);
    if (descriptor->number >= 0) {
        close(descriptor->number);
        descriptor->number = -1;
    }
    return 0;
}

void *push_socket(lua_State *L, int metatable, size_t size) {
    metatable = lua_absindex(L, metatable);
    lua_createtable(L, 0, 1);
    Descriptor *descriptor = lua_newuserdatauv(L, size, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &events);
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "inner_sock");
    lua_pushvalue(L, metatable);
    lua_setmetatable(L, -2);
    return descriptor;
}

// The collector closes what nobody has any more.
void open_sockets(lua_State *L) {
    events = epoll_create1(EPOLL_CLOEXEC);
    lua_newtable(L);
    lua_pushcfunction(L, close_inner);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &events);
}
