//! Each area of the binding in small programs; the test scripts of `conformance` go into the depths.

use mlua::Lua;
use rstest::rstest;

use crate::support::{run, state, try_run};

#[rstest]
#[case::tasks_start_in_order_and_get_three_nils(
    "
    local order = {}
    for number = 1, 3 do
        cosock.spawn(function(...)
            assert(select('#', ...) == 3 and ... == nil)
            order[#order + 1] = number
        end)
    end
    cosock.run()
    assert(table.concat(order) == '123')"
)]
#[case::handles_tell_life_and_name(
    "
    local handle = cosock.spawn(function()
        socket.sleep(0)
    end, 'name')
    assert(handle:is_alive() and tostring(handle) == 'name')
    cosock.run()
    assert(not handle:is_alive() and tostring(handle) == 'name')"
)]
#[case::a_cancelled_task_never_goes_on(
    "
    local reached
    local handle = cosock.spawn(function()
        socket.sleep(0.001)
        reached = true
    end)
    cosock.spawn(function()
        handle:cancel()
    end)
    cosock.run()
    assert(not reached and cosock._debug().timers == 0)"
)]
#[case::messages_arrive_in_order(
    "
    local tx, rx = channel.new()
    cosock.spawn(function()
        for number = 1, 100 do
            assert(rx:receive() == number)
        end
        assert(select(2, rx:receive()) == 'closed')
    end)
    cosock.spawn(function()
        for number = 1, 100 do
            tx:send(number)
            if number % 10 == 0 then
                socket.sleep(0)
            end
        end
        tx:close()
    end)
    cosock.run()"
)]
#[case::a_foreign_object_wakes_its_task(
    "
    local object = {}
    function object:setwaker(kind, waker)
        assert(kind == 'recvr')
        self.waker = waker
    end
    local ready
    cosock.spawn(function()
        ready = coroutine.yield { object }
    end)
    cosock.spawn(function()
        object.waker()
    end)
    cosock.run()
    assert(#ready == 1 and ready[1] == object and object.waker == nil)"
)]
#[case::streams_carry_lines(
    "
    local listener = assert(socket.bind('127.0.0.1', 0))
    local _, port = listener:getsockname()
    local got = {}
    cosock.spawn(function()
        local peer = assert(listener:accept())
        for number = 1, 3 do
            got[number] = assert(peer:receive())
        end
        peer:close()
    end)
    cosock.spawn(function()
        local client = assert(socket.connect('127.0.0.1', port))
        assert(client:send 'a\\nb\\nc\\n' == 6)
        client:close()
    end)
    cosock.run()
    listener:close()
    assert(table.concat(got) == 'abc')"
)]
#[case::datagrams_tell_their_sender(
    "
    local sock = assert(socket.udp())
    assert(sock:setsockname('127.0.0.1', 0))
    local ip, port = sock:getsockname()
    cosock.spawn(function()
        local data, from, from_port = sock:receivefrom()
        assert(data == 'datagram' and from == ip and from_port == tonumber(port))
    end)
    cosock.spawn(function()
        assert(sock:sendto('datagram', ip, tonumber(port)))
    end)
    cosock.run()
    sock:close()"
)]
#[case::limits_are_kept(
    "
    local _, rx = channel.new()
    rx:settimeout(0.02)
    local start = socket.gettime()
    cosock.spawn(function()
        assert(select(2, rx:receive()) == 'timeout')
    end)
    cosock.run()
    local took = socket.gettime() - start
    assert(took >= 0.0195 and took < 60)"
)]
#[case::timers_call_back(
    "
    local timers = require 'cosock.timers'
    local called
    timers.set(0, function()
        called = true
    end)
    assert(timers.run() == nil and called)"
)]
#[case::metadata_lists_the_living(
    "
    cosock.spawn(function()
        local list = cosock.get_thread_metadata()
        assert(#list == 1 and list[1].name == 'only' and list[1].status == 'running')
    end, 'only')
    cosock.run()
    assert(#cosock.get_thread_metadata() == 0)"
)]
#[case::installed_coroutines_pass_waits_upward(
    "
    cosock.install_coroutine()
    local sum = 0
    cosock.spawn(function()
        local generate = coroutine.wrap(function()
            for number = 1, 3 do
                socket.sleep(0)
                coroutine.yield(number)
            end
        end)
        for _ = 1, 3 do
            sum = sum + generate()
        end
    end)
    cosock.run()
    assert(sum == 6)"
)]
fn small_program(#[case] code: &str) {
    let lua = state();
    run(&lua, code);
    run(
        &lua,
        "
        local counts = cosock._debug()
        for _, what in ipairs { 'tasks', 'waiters', 'timers', 'lookups' } do
            assert(counts[what] == 0, what)
        end",
    );
}

/// Runs a chunk that must raise an error with `part` in its text.
#[track_caller]
fn assert_raises(lua: &Lua, part: &str, code: &str) {
    let error = try_run(lua, code).expect_err("it must raise").to_string();
    assert!(error.contains(part), "{part:?} is not in: {error}");
}

#[test]
fn an_error_of_a_task_leaves_run_and_the_others_can_be_run() {
    let lua = state();
    assert_raises(
        &lua,
        "the message",
        "
        done = false
        cosock.spawn(function()
            error 'the message'
        end)
        cosock.spawn(function()
            socket.sleep(0)
            done = true
        end)
        cosock.run()",
    );
    run(&lua, "assert(not done) cosock.run() assert(done)");
}

#[test]
fn an_error_of_the_embedder_goes_through_as_it_is() {
    let lua = state();
    let fail = lua
        .create_function(|_, ()| -> mlua::Result<()> { Err(mlua::Error::external("of Rust")) })
        .expect("there is memory");
    lua.globals().set("fail", fail).expect("there is memory");
    run(
        &lua,
        "
        local heard
        cosock.spawn(function()
            socket.sleep(0)
            fail()
        end, 'fails', { onerror = function(err)
            heard = err
        end })
        cosock.run()
        assert(type(heard) == 'userdata' and tostring(heard):find 'of Rust')",
    );
}

#[test]
fn a_deadlock_is_an_error_that_names_the_tasks() {
    let lua = state();
    assert_raises(
        &lua,
        "'waits in vain' waits in sleep",
        "
        cosock.spawn(function()
            socket.sleep()
        end, 'waits in vain')
        cosock.run()",
    );
}

#[test]
fn a_second_run_inside_the_first_is_refused() {
    let lua = state();
    assert_raises(
        &lua,
        "cosock.run is already running",
        "
        cosock.spawn(function()
            cosock.run()
        end)
        cosock.run()",
    );
    run(&lua, "cosock.run()");
}

#[test]
fn run_may_be_called_by_the_embedder_on_a_coroutine() {
    let lua = state();
    run(
        &lua,
        "
        cosock.spawn(function()
            socket.sleep(0)
            done = true
        end)",
    );
    let run_all = lua
        .load("require('cosock').run()")
        .into_function()
        .expect("it compiles");
    let thread = lua.create_thread(run_all).expect("there is memory");
    thread.resume::<()>(()).expect("it runs");
    assert!(lua.globals().get::<bool>("done").expect("it is set"));
}
