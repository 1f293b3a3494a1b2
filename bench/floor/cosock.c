// The module.

#include "floor.h"

#define EXPORTED __attribute__((visibility("default")))

static void push_socket_module(lua_State *L) {
    lua_newtable(L);
    lua_pushcfunction(L, sleep_for);
    lua_setfield(L, -2, "sleep");
    open_tcp(L);
    open_udp(L);
}

EXPORTED int luaopen_cosock(lua_State *L) {
    open_tasks(L);
    open_sockets(L);
    lua_newtable(L);
    push_socket_module(L);
    lua_setfield(L, -2, "socket");
    open_channels(L);
    lua_newtable(L);
    lua_pushcclosure(L, spawn, 1);
    lua_setfield(L, -2, "spawn");
    lua_pushcfunction(L, run);
    lua_setfield(L, -2, "run");
    return 1;
}

// Programs ask for it by this name as well.
EXPORTED int luaopen_cosock_socket(lua_State *L) {
    luaL_requiref(L, "cosock", luaopen_cosock, 0);
    lua_getfield(L, -1, "socket");
    return 1;
}
