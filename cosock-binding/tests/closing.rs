//! A state that ends, whatever is going on in it: nothing stays open, and nothing crashes.

use std::time::{Duration, Instant};

#[path = "built_in/descriptors.rs"]
mod descriptors;
#[path = "built_in/support.rs"]
mod support;

use descriptors::{alone, descriptors};
use support::{run, state, try_run};

/// Asserts that no descriptor stays open beyond the `before` that were. A look-up's thread may have one
/// for as long as that takes: now, or when they were counted.
#[track_caller]
fn assert_descriptors(before: usize) {
    let limit = Instant::now() + Duration::from_secs(100);
    let mut left = descriptors();
    // The first count that is low enough tells: after it, the next look-up may begin.
    while left > before && Instant::now() < limit {
        std::thread::yield_now();
        left = descriptors();
    }
    assert!(left <= before, "{left} are open, {before} were before");
}

/// Runs `code` in a state that then ends, and asserts that no descriptor stays open.
#[track_caller]
fn assert_closes_clean(code: &str) {
    let _alone = alone();
    let before = descriptors();
    for _ in 0..2 {
        let lua = state();
        run(&lua, code);
        assert!(descriptors() > before, "the reactor is open");
        drop(lua);
        assert_descriptors(before);
    }
}

#[test]
fn a_state_that_did_nothing() {
    assert_closes_clean("");
}

#[test]
fn tasks_that_never_started() {
    assert_closes_clean("for _ = 1, 10 do cosock.spawn(function() end) end");
}

#[test]
fn tasks_parked_on_everything() {
    assert_closes_clean(
        "
        local object = { setwaker = function() end }
        local tx, rx = channel.new()
        local _, other = channel.new()
        local listener = assert(socket.bind('127.0.0.1', 0))
        local _, port = listener:getsockname()
        local waits = {
            function() socket.sleep(1000) end,
            function() rx:receive() end,
            function() listener:accept() listener:accept() end,
            function()
                local client = assert(socket.connect('127.0.0.1', port))
                client:receive()
            end,
            function()
                local sock = assert(socket.udp())
                assert(sock:setsockname('127.0.0.1', 0))
                sock:settimeout(1000)
                sock:receivefrom()
            end,
            function() socket.select({ other, object }, { object }, 1000) end,
            function() coroutine.yield({}, {}, 1000) end,
        }
        for number, wait in ipairs(waits) do
            cosock.spawn(wait, 'wait ' .. number)
        end
        require('cosock.timers').set(1000, print)
        -- All are parked when this one ends the run.
        cosock.spawn(function()
            for _ = 1, 100 do
                socket.sleep(0)
            end
            error 'enough'
        end)
        local fine, raised = pcall(cosock.run)
        assert(not fine and raised:find 'enough', raised)
        assert(#cosock.get_thread_metadata() == #waits)",
    );
}

const LOOK_UPS: &str = "
    for number = 1, 20 do
        cosock.spawn(function()
            socket.dns.toip((HOST:gsub('?', tostring(number))))
        end)
    end
    cosock.spawn(function()
        error 'enough'
    end)
    assert(not pcall(cosock.run))
    assert(cosock._debug().lookups == 20)";

#[test]
fn look_ups_whose_answers_nobody_took() {
    assert_closes_clean(&LOOK_UPS.replace("HOST", "('127.0.0.?')"));
}

#[test]
fn look_ups_that_outlive_their_state() {
    assert_closes_clean(&LOOK_UPS.replace("HOST", "('host-?.invalid')"));
}

#[test]
fn sockets_that_nobody_closed() {
    assert_closes_clean(
        "
        kept = {}
        for number = 1, 10 do
            kept[number] = assert(socket.bind('127.0.0.1', 0))
            assert(assert(socket.udp()):setsockname('127.0.0.1', 0))
        end",
    );
}

#[test]
fn from_within_a_finalizer_cosock_is_closed_or_works() {
    // The order of finalizers at the end is the reverse of their making, so some of these come before
    // the runtime's own and some after.
    assert_closes_clean(
        "
        local unpack = table.unpack or unpack
        local function at_the_end(action)
            if newproxy then
                local proxy = newproxy(true)
                getmetatable(proxy).__gc = action
                return proxy
            end
            return setmetatable({}, { __gc = action })
        end
        kept = {}
        -- On some versions a collection here runs the finalizers that are still to come, the runtime's
        -- among them, while functions of it are on the stack.
        local object = {
            setwaker = function(_, _, waker)
                collectgarbage()
                if waker then
                    waker()
                end
            end,
        }
        local function collecting()
            collectgarbage()
            socket.sleep(0)
            collectgarbage()
            socket.select { object }
            error 'enough'
        end
        local function use_everything()
            local sock = kept.sock
            for _, call in ipairs {
                { cosock.spawn, collecting }, { cosock.run }, { cosock.reset }, { cosock.get_thread_metadata },
                { cosock._debug }, { kept.tx.send, kept.tx, 'message' }, { kept.rx.receive, kept.rx },
                { kept.tx.close, kept.tx }, { channel.new }, { sock.receive, sock }, { sock.close, sock },
                { sock.getfd, sock }, { socket.tcp }, { socket.udp }, { socket.sleep, 0 },
                { socket.select, { sock }, nil, 0 }, { kept.handle.cancel, kept.handle },
                { kept.handle.is_alive, kept.handle }, { tostring, kept.handle },
                { socket.dns.toip, '127.0.0.1' }, { tostring, sock.inner_sock },
                { function() return #kept.tx.link.queue end },
                { sock.inner_sock.receive, sock.inner_sock }, { sock.inner_sock.close, sock.inner_sock },
            } do
                pcall(unpack(call))
            end
        end
        function collectgarbage_from()
            collectgarbage()
        end
        kept.before = at_the_end(use_everything)
        kept.sock = assert(socket.udp())
        assert(kept.sock:setsockname('127.0.0.1', 0))
        kept.tx, kept.rx = channel.new()
        kept.handle = cosock.spawn(function()
            socket.select { kept.rx, { setwaker = collectgarbage_from } }
        end)
        assert(not pcall(cosock.run))
        kept.after = at_the_end(use_everything)",
    );
}

#[test]
fn a_first_require_while_the_state_ends_does_no_harm() {
    let _alone = alone();
    let lua = state();
    lua.load(
        "
        local function require_late()
            pcall(require, 'cosock')
        end
        if newproxy then
            kept = newproxy(true)
            getmetatable(kept).__gc = require_late
        else
            kept = setmetatable({}, { __gc = require_late })
        end",
    )
    .exec()
    .expect("it runs");
    drop(lua);
}

#[test]
fn a_state_whose_run_was_left_by_an_error_in_every_way() {
    for ending in [
        "error 'a text'",
        "error {}",
        "cosock.reset() error 'after a reset'",
        "cosock.reset() socket.sleep(0)",
        "coroutine.yield { 5 }",
        "coroutine.yield()",
    ] {
        assert_closes_clean(&format!(
            "
            local sock = assert(socket.udp())
            assert(sock:setsockname('127.0.0.1', 0))
            cosock.spawn(function()
                sock:settimeout(0.01)
                sock:receive()
            end)
            cosock.spawn(function()
                socket.sleep(0)
                {ending}
            end)
            for _ = 1, 2 do
                pcall(cosock.run)
            end"
        ));
    }
}

#[test]
fn a_run_inside_which_the_state_is_left_to_its_owner() {
    // What the embedder does: a callback that raises through `run`, then the end of the state.
    let _alone = alone();
    let before = descriptors();
    let lua = state();
    let raise = lua
        .create_function(|_, ()| -> mlua::Result<()> { Err(mlua::Error::runtime("by the owner")) })
        .expect("there is memory");
    lua.globals().set("raise", raise).expect("there is memory");
    let error = try_run(
        &lua,
        "
        local _, rx = channel.new()
        kept = _
        cosock.spawn(function() rx:receive() end)
        cosock.spawn(function() socket.sleep(0) raise() end)
        cosock.run()",
    )
    .expect_err("it raises");
    assert!(error.to_string().contains("by the owner"), "{error}");
    drop(lua);
    assert_descriptors(before);
}

#[test]
fn a_first_require_without_memory() {
    let _alone = alone();
    let before = descriptors();
    for step in 0.. {
        assert!(step < 2000, "it never has enough");
        let lua = state();
        // LuaJIT's debug build asserts what goes wrong in its accounts when an allocation fails; 5.1
        // and 5.2 lose what a table has when there is no memory to let it grow, be it the registry.
        if cfg!(any(
            feature = "luajit",
            feature = "lua51",
            feature = "lua52"
        )) {
            return;
        }
        let limit = lua.used_memory() + step * 256;
        lua.set_memory_limit(limit).expect("it can be limited");
        let result = lua.load("require 'cosock'").exec();
        lua.set_memory_limit(0).expect("it can be limited");
        if result.is_ok() {
            break;
        }
        // What the failed one had made is in nobody's way. 5.1 remembers the failure.
        lua.load("package.loaded.cosock = nil")
            .exec()
            .expect("it runs");
        run(
            &lua,
            "cosock.spawn(socket.sleep) cosock.reset() cosock.run()",
        );
        drop(lua);
        assert_descriptors(before);
    }
}
