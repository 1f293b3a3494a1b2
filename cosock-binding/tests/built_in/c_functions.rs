//! C functions of a program that wait by the protocol and go on after each wait, with values of their own below what
//! they yield.
#![cfg(since_lua53)]

use std::ffi::c_int;

use mlua::ffi;

use crate::support::{run, state};

/// `wait_twice(object)`: waits for the object twice, each time for a moment, and returns it.
unsafe extern "C-unwind" fn wait_twice(lua: *mut ffi::lua_State) -> c_int {
    // SAFETY: as there.
    unsafe { wait(lua, ffi::LUA_OK, 2) }
}

unsafe extern "C-unwind" fn wait(
    lua: *mut ffi::lua_State,
    _status: c_int,
    left: ffi::lua_KContext,
) -> c_int {
    // SAFETY: Lua calls it with a live state and room for 20 values, of which these are 4; nothing here has a
    // destructor, which a jump out of it would pass over.
    unsafe {
        ffi::lua_settop(lua, 1);
        if left == 0 {
            return 1;
        }
        ffi::lua_createtable(lua, 1, 0);
        ffi::lua_pushvalue(lua, 1);
        ffi::lua_rawseti(lua, -2, 1);
        ffi::lua_pushnil(lua);
        ffi::lua_pushnumber(lua, 0.001);
        ffi::lua_yieldk(lua, 3, left - 1, Some(wait))
    }
}

#[test]
fn values_of_a_waiting_c_function_stay_its_own() {
    let lua = state();
    // SAFETY: it is a C function as Lua wants it.
    let function = unsafe { lua.create_c_function(wait_twice) }.expect("there is memory");
    lua.globals()
        .set("wait_twice", function)
        .expect("there is memory");
    run(
        &lua,
        "
        local _, rx = channel.new()
        local foreign = { setwaker = function() end }
        local results = {}
        for place, object in ipairs { rx, foreign, assert(socket.udp4()) } do
            cosock.spawn(function()
                assert(wait_twice(object) == object)
                results[place] = true
            end)
        end
        -- In a coroutine of the program's own, which passes the waits on.
        cosock.spawn(function()
            local co = coroutine.create(wait_twice)
            local recvr, sendr, err = foreign
            for _ = 1, 2 do
                local fine, recvt, sendt, timeout = coroutine.resume(co, recvr, sendr, err)
                assert(fine and recvt[1] == foreign and sendt == nil and timeout == 0.001)
                recvr, sendr, err = coroutine.yield({}, sendt, timeout)
            end
            local fine, object = coroutine.resume(co, recvr, sendr, err)
            assert(fine and object == foreign)
            results[4] = true
        end)
        cosock.run()
        assert(results[1] and results[2] and results[3] and results[4])",
    );
}
