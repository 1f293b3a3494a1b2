// Objects that need not be asked before every wait how they are waited on: they tell.

#include "floor.h"

#include <string.h>

static bool is_replaced;

// __newindex of objects and of their classes: called for fields that are not there yet.
static int assign(lua_State *L) {
    static const char *const asked[] = { "setwaker", "_wake", "timeout" };
    for (size_t each = 0; each < 3; each++) {
        is_replaced |= lua_type(L, 2) == LUA_TSTRING && !strcmp(lua_tostring(L, 2), asked[each]);
    }
    lua_rawset(L, 1);
    return 0;
}

static int not_by_hand(lua_State *L) {
    return luaL_error(L, "nobody waits or is woken by hand");
}

// Pushes a metatable of objects that have what the table at `index` has, and tell.
static void push_metatable(lua_State *L, int index) {
    lua_newtable(L);
    lua_pushvalue(L, index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, assign);
    lua_setfield(L, -2, "__newindex");
}

const void *push_class(lua_State *L, const luaL_Reg *methods, const char *upvalue) {
    // What may be replaced is one step further away than the class, so that assignments to the class are told too.
    lua_newtable(L);
    lua_pushcfunction(L, not_by_hand);
    lua_setfield(L, -2, "setwaker");
    lua_pushcfunction(L, not_by_hand);
    lua_setfield(L, -2, "_wake");
    lua_newtable(L);
    lua_pushstring(L, upvalue);
    luaL_setfuncs(L, methods, 1);
    push_metatable(L, lua_gettop(L) - 1);
    lua_setmetatable(L, -2);
    push_metatable(L, lua_gettop(L));
    lua_replace(L, -3);
    lua_pop(L, 1);
    return lua_topointer(L, -1);
}

void see_unreplaced(lua_State *L, const void *class) {
    if (is_replaced || !lua_getmetatable(L, 1) || lua_topointer(L, -1) != class) {
        luaL_error(L, "other wakers and timeouts are not waited with");
    }
}
