//! Scripts: where they come from, how they begin, and what surrounds them.

use rstest::rstest;

use crate::support::Case;

#[rstest]
#[case::plain("print('ran', ...)")]
#[case::for_the_shell("#!/usr/bin/env lua\nprint('ran', debug.getinfo(1, 'l').currentline)")]
#[case::with_any_first_line("# not Lua\nprint('ran')")]
#[case::only_a_first_line("#!/usr/bin/env lua")]
#[case::with_a_byte_order_mark("\u{feff}print('ran')")]
#[case::with_windows_lines("print('ran')\r\nprint('again')\r\n")]
#[case::without_a_last_line("return")]
#[case::empty("")]
#[case::with_a_nul_byte("print(#'a\0b')")]
#[case::with_an_error_on_line_three("#!lua\n\nerror('here')")]
#[case::that_names_itself("print(debug.getinfo(1, 'S').source, debug.getinfo(1, 'S').short_src)")]
fn script(#[case] code: &str) {
    Case::new()
        .file("script.lua", code)
        .args(["script.lua", "a"])
        .assert_same();
    Case::new().input(code).args(["-", "a"]).assert_same();
    Case::new().input(code).assert_same();
}

#[test]
fn precompiled_script() {
    let compile = "local out = io.open('script.luac', 'wb')
        out:write(string.dump(loadstring and loadstring(\"print('ran', ...)\") or load(\"print('ran', ...)\")))
        out:close()";
    // Each runs its own: releases of LuaJIT do not read each other's.
    Case::new()
        .args(["-e", compile, "script.luac", "a"])
        .assert_same();
}

#[test]
fn script_shares_its_input() {
    let ending = Case::new()
        .file(
            "script.lua",
            "for line in io.lines() do print('line', line) end",
        )
        .args(["script.lua"])
        .input("one\ntwo")
        .assert_same();
    assert_eq!(ending.stdout, "line\tone\nline\ttwo\n");
}

/// Holds only if the built-in Lua is compiled with the compatibility options (`LUA_COMPAT_...`) of the
/// stock one, which come from its makefile and not from its sources.
#[test]
fn libraries_have_the_stock_functions() {
    // In order: a table that has two names is listed under the first.
    let list = "
        local seen = {[package.loaded] = true, [package.preload] = true}
        local function walk(prefix, t)
            seen[t] = true
            local keys = {}
            for key in pairs(t) do keys[#keys + 1] = tostring(key) end
            table.sort(keys)
            for _, key in ipairs(keys) do
                local value = t[key] or t[tonumber(key)]
                print(prefix .. key, type(value))
                if type(value) == 'table' and not seen[value] then walk(prefix .. key .. '.', value) end
            end
        end
        walk('', _G)
    ";
    Case::new().args(["-e", list]).assert_same();
}

#[rstest]
#[case::mode("print(pcall(collectgarbage, 'incremental'))")]
#[case::running("print(pcall(collectgarbage, 'isrunning'))")]
#[case::version("print(_VERSION)")]
#[case::main_coroutine(
    "print(coroutine.running() ~= nil, coroutine.isyieldable and coroutine.isyieldable())"
)]
#[case::yield_outside("print(pcall(coroutine.yield))")]
#[case::locale("print(os.setlocale())")]
#[case::level(
    "print(debug.getinfo(1, 'S').what, debug.getinfo(2, 'S').what, debug.getinfo(3, 'S'))"
)]
fn surroundings(#[case] code: &str) {
    Case::new().args(["-e", code]).assert_same();
}
