//! A state without memory: wherever an allocation fails, the program gets Lua's error, and goes on when
//! there is memory again.

use mlua::{Function, Lua};

use crate::support::{run, state, try_run};

/// Runs `code` with ever more memory, until it has what it needs. In between everything else must work.
fn run_with_ever_more_memory(code: &str) {
    if cfg!(feature = "luajit") {
        // Its own accounts of memory go wrong when an allocation fails, which its debug build asserts.
        return;
    }
    let lua = state();
    run(&lua, "cosock.run()");
    // A program of this size has been read and run once, so that its texts are there.
    run(&lua, code);
    let mut failures = 0;
    for step in 0.. {
        assert!(step < 20_000, "it never has enough");
        lua.gc_collect().expect("finalizers do not raise");
        let limit = lua.used_memory() + step * 16;
        lua.set_memory_limit(limit).expect("it can be limited");
        let result = try_run(&lua, code);
        lua.set_memory_limit(0).expect("it can be limited");
        match result {
            Ok(()) => break,
            Err(error) => {
                let text = error.to_string();
                // The second is what Lua makes of a stack for which there is no memory.
                let expected = ["memory", "too many values"];
                let is_expected = expected.iter().any(|part| text.contains(part));
                assert!(is_expected, "step {step}: {text}");
                failures += 1;
                check_that_it_works(&lua, step);
            }
        }
    }
    assert!(failures > 5, "only {failures} failures: nothing was tested");
}

/// Runs `code` in a fresh state for each limit, so that tables grow which later runs find grown.
fn run_first_with_ever_more_memory(code: &str) {
    if cfg!(any(
        feature = "luajit",
        feature = "lua51",
        feature = "lua52"
    )) {
        // 5.1 and 5.2 lose what a table has when there is no memory to let it grow.
        return;
    }
    for step in 0.. {
        assert!(step < 4000, "it never has enough");
        let lua = state();
        run(&lua, "");
        lua.gc_collect().expect("finalizers do not raise");
        let limit = lua.used_memory() + step * 64;
        lua.set_memory_limit(limit).expect("it can be limited");
        let result = try_run(&lua, code);
        lua.set_memory_limit(0).expect("it can be limited");
        if result.is_ok() {
            assert!(step > 5, "nothing was tested");
            break;
        }
        lua.gc_collect().expect("finalizers do not raise");
        run(&lua, "pcall(cosock.run)");
        check_that_it_works(&lua, step);
    }
}

fn check_that_it_works(lua: &Lua, step: usize) {
    let check = "
        cosock.reset()
        cosock.seterrorhandler(nil)
        local counts = cosock._debug()
        for _, what in ipairs { 'tasks', 'waiters', 'timers', 'lookups' } do
            assert(counts[what] == 0, what .. ': ' .. counts[what])
        end
        local tx, rx = channel.new()
        local got
        cosock.spawn(function()
            socket.sleep(0)
            got = rx:receive()
        end)
        cosock.spawn(function()
            tx:send 'message'
        end)
        cosock.run()
        assert(got == 'message')
        cosock.spawn(function()
            error 'nobody handles it'
        end)
        local fine, raised = pcall(cosock.run)
        assert(not fine and raised:find 'nobody handles it')";
    if let Err(error) = try_run(lua, check) {
        panic!("after step {step}: {error}");
    }
}

#[test]
fn the_first_tasks() {
    run_first_with_ever_more_memory(
        "
        local handles = {}
        for number = 1, 20 do
            handles[number] = cosock.spawn(function()
                socket.sleep(0)
            end, nil, { onerror = function() end })
        end
        cosock.run()",
    );
}

#[test]
fn the_first_timers_and_waits() {
    run_first_with_ever_more_memory(
        "
        local timers = require 'cosock.timers'
        local object = {}
        function object:setwaker(_, waker)
            if waker then
                waker()
            end
        end
        local tx, rx = channel.new()
        for number = 1, 10 do
            timers.set(0, function() end, number)
            tx:send(number)
        end
        cosock.spawn(function()
            for _ = 1, 10 do
                rx:receive()
                socket.select { object }
            end
        end)
        cosock.run()",
    );
}

#[test]
fn tasks_and_channels() {
    run_with_ever_more_memory(
        "
        local tx, rx = channel.new()
        local names = {}
        for number = 1, 3 do
            cosock.spawn(function()
                socket.sleep(0)
                tx:send { number }
                names[number] = #cosock.get_thread_metadata()
            end, 'task ' .. number)
        end
        cosock.spawn(function()
            for _ = 1, 3 do
                local message = rx:receive()
                assert(message[1])
            end
            rx:settimeout(0)
            local _, err = rx:receive()
            assert(err == 'timeout')
        end)
        cosock.run()",
    );
}

/// The last message of a burst, with which the table of all of them is given up.
#[test]
fn a_message_is_received_without_memory() {
    if cfg!(feature = "luajit") {
        // As above.
        return;
    }
    let lua = state();
    run(
        &lua,
        "
        local tx, rx = channel.new()
        local received = 0
        function send()
            for number = 1, 1000 do
                tx:send(number)
            end
        end
        function receive()
            local message = rx:receive()
            received = received + 1
            assert(message == received)
        end
        function check(expected)
            assert(received == expected and #rx.link.queue == 1000 - expected)
        end
        send()",
    );
    let receive: Function = lua.globals().get("receive").expect("it is there");
    for _ in 1..1000 {
        receive.call::<()>(()).expect("there is a message");
    }
    lua.gc_collect().expect("finalizers do not raise");
    // Also so that there are frames for the call: 5.2 has just freed them.
    run(&lua, "check(999)");
    lua.set_memory_limit(lua.used_memory())
        .expect("it can be limited");
    let result = receive.call::<()>(());
    lua.set_memory_limit(0).expect("it can be limited");
    result.expect("it needs no memory");
    run(&lua, "check(1000)");
}

#[test]
fn selects_and_foreign_objects() {
    run_with_ever_more_memory(
        "
        local tx, rx = channel.new()
        local object = {}
        function object:setwaker(kind, waker)
            self.waker = waker
        end
        local done
        cosock.spawn(function()
            local ready = socket.select({ rx, object }, { object }, 100)
            assert(ready and ready[object] or ready[rx])
            local _, _, err = coroutine.yield({ object }, {}, 0)
            assert(err == 'timeout')
            done = true
        end)
        cosock.spawn(function()
            socket.sleep(0)
            if object.waker then
                object.waker()
            end
            tx:send 'message'
        end)
        cosock.run()
        assert(done)",
    );
}

#[test]
fn errors_handlers_and_cancels() {
    run_with_ever_more_memory(
        "
        local heard = 0
        local function hear(err, traceback)
            assert(type(traceback) == 'string')
            -- A task that got no memory fails of that.
            if type(err) == 'string' and err:find 'memory' then
                error(err, 0)
            end
            heard = heard + 1
        end
        cosock.seterrorhandler(hear)
        cosock.spawn(function()
            error { 'a table' }
        end)
        cosock.spawn(function()
            error 'a text'
        end, 'fails', { onerror = hear })
        local sleeping = cosock.spawn(function()
            socket.sleep(1000)
        end)
        cosock.spawn(function()
            sleeping:cancel()
            tostring(sleeping)
        end)
        cosock.run()
        cosock.seterrorhandler(nil)
        assert(heard == 2)
        cosock.spawn(function()
            coroutine.yield()
        end, 'waits in vain')
        local fine, report = pcall(cosock.run)
        assert(not fine)
        if not report:find 'waits in vain' then
            error(report, 0)
        end
        cosock.reset()",
    );
}

#[test]
fn streams() {
    run_with_ever_more_memory(
        "
        local listener = assert(socket.bind('127.0.0.1', 0))
        local _, port = listener:getsockname()
        local client, peer, line, rest
        cosock.spawn(function()
            client = assert(socket.connect('127.0.0.1', port))
            assert(client:send 'a line\\nthe rest')
            client:close()
        end)
        cosock.spawn(function()
            peer = assert(listener:accept())
            line = assert(peer:receive())
            rest = assert(peer:receive '*a')
        end)
        local fine, err = pcall(cosock.run)
        for _, sock in pairs { listener, client or listener, peer or listener } do
            sock:close()
        end
        if not fine then
            error(err, 0)
        end
        assert(line == 'a line' and rest == 'the rest')",
    );
}

#[test]
fn datagrams_names_and_options() {
    run_with_ever_more_memory(
        "
        local sock = assert(socket.udp())
        assert(sock:setsockname('127.0.0.1', 0))
        local ip, port = sock:getsockname()
        local data, from
        cosock.spawn(function()
            data, from = sock:receivefrom()
        end)
        cosock.spawn(function()
            assert(sock:sendto('datagram', ip, tonumber(port)))
            assert(sock:getoption 'reuseaddr' == false)
            assert(socket.dns.toip '127.0.0.1')
        end)
        local fine, err = pcall(cosock.run)
        sock:close()
        if not fine then
            error(err, 0)
        end
        assert(data == 'datagram' and from == '127.0.0.1')",
    );
}

#[test]
fn timers_and_coroutines() {
    run_with_ever_more_memory(
        "
        local timers = require 'cosock.timers'
        local called, iterated = 0, 0
        timers.set(0, function()
            called = called + 1
        end, 'reference')
        timers.set(1000, print, {})
        cosock.spawn(function()
            local iterate = coroutine.wrap(function()
                for number = 1, 3 do
                    coroutine.yield(number)
                end
            end)
            for number in iterate do
                iterated = iterated + number
            end
            socket.sleep(0.001)
        end)
        cosock.run()
        cosock.reset()
        assert(called == 1 and iterated == 6)",
    );
}

#[test]
fn waits_inside_coroutines() {
    run_with_ever_more_memory(
        "
        cosock.install_coroutine()
        local sum = 0
        cosock.spawn(function()
            local tx, rx = channel.new()
            cosock.spawn(function()
                socket.sleep(0.001)
                tx:send(3)
            end)
            local generate = coroutine.wrap(function()
                for number = 1, 2 do
                    socket.sleep(0)
                    coroutine.yield(number)
                end
                socket.select({}, {}, 0.001)
                return rx:receive()
            end)
            for _ = 1, 3 do
                local number = generate()
                sum = sum + number
            end
        end)
        cosock.run()
        cosock.reset()
        assert(sum == 6)",
    );
}

/// Elsewhere `pcall` is not ours.
#[cfg(feature = "lua51")]
#[test]
fn waits_inside_protected_calls() {
    run_with_ever_more_memory(
        "
        cosock.install_pcall()
        local function check(ok, ...)
            if not ok then
                error(..., 0)
            end
            return ...
        end
        local reached = 0
        cosock.spawn(function()
            local tx, rx = channel.new()
            cosock.spawn(function()
                socket.sleep(0.001)
                tx:send('message')
            end)
            local message = check(pcall(function(...)
                socket.sleep(0)
                return check(pcall(rx.receive, rx))
            end, 1, 2, 3))
            assert(message == 'message', message)
            local ok, err = xpcall(function()
                socket.sleep(0)
                error('caught', 0)
            end, function(err)
                return 'handled ' .. err
            end)
            if err ~= 'handled caught' then
                -- What is left of a handler without memory.
                error('memory', 0)
            end
            local _, trace = xpcall(function()
                socket.sleep(0)
                error('traced', 0)
            end, debug.traceback)
            if not tostring(trace):find('^traced\\nstack traceback:') then
                error('memory', 0)
            end
            local done, why = socket.protect(function()
                socket.sleep(0.001)
                socket.try(nil, 'why')
            end)()
            if why ~= 'why' then
                error(why, 0)
            end
            reached = reached + 1
        end)
        cosock.run()
        cosock.reset()
        assert(reached == 1)",
    );
}

#[test]
fn the_first_look_at_a_module_that_waits_to_be_asked_for() {
    run_first_with_ever_more_memory(
        "
        local mime = require 'mime'
        assert(mime.b64 'text' == 'dGV4dA==' and require 'mime' == mime)",
    );
}

#[test]
fn mime() {
    run_with_ever_more_memory(
        "
        local mime = require 'mime'
        for _, name in ipairs { 'b64', 'unb64', 'qp', 'unqp' } do
            local whole = {}
            local held = ''
            for _ = 1, 3 do
                local output
                output, held = mime[name](held, ('text= '):rep(20))
                whole[#whole + 1] = output
            end
            whole[#whole + 1] = mime[name](held)
            assert(#table.concat(whole) > 100)
        end
        local lines, left = mime.wrp(5, ('text '):rep(20), 5)
        assert(#lines > 100 and left == 0, left)",
    );
}
