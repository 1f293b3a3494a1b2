//! Several states in one process know nothing of each other: side by side, one within the other, on
//! threads of their own.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use mlua::Lua;

use crate::support::{run, state, try_run};

#[test]
fn two_states_have_their_own_tasks_channels_and_handlers() {
    let (one, other) = (state(), state());
    run(
        &one,
        "
        heard = {}
        cosock.seterrorhandler(function(err)
            heard[#heard + 1] = err
        end)
        parked = cosock.spawn(function()
            socket.sleep(1000)
        end, 'of the one')
        cosock.spawn(function()
            socket.sleep(0)
            parked:cancel()
            error('of the one', 0)
        end)",
    );
    run(
        &other,
        "
        assert(#cosock.get_thread_metadata() == 0)
        cosock.spawn(function()
            socket.sleep(0)
            error('of the other', 0)
        end)
        local fine, raised = pcall(cosock.run)
        assert(not fine and raised:find 'of the other')",
    );
    run(
        &one,
        "
        assert(#cosock.get_thread_metadata() == 2)
        cosock.run()
        assert(#heard == 1 and heard[1] == 'of the one')",
    );
    drop(one);
    run(
        &other,
        "
        local tx, rx = channel.new()
        local got
        cosock.spawn(function()
            got = rx:receive()
        end)
        cosock.spawn(function()
            tx:send 'message'
        end)
        cosock.run()
        assert(got == 'message')",
    );
}

#[test]
fn a_reset_of_one_leaves_the_other_alone() {
    let (one, other) = (state(), state());
    for lua in [&one, &other] {
        run(
            lua,
            "
            done = false
            cosock.spawn(function()
                socket.sleep(0.001)
                done = true
            end)",
        );
    }
    run(&one, "cosock.reset() cosock.run() assert(not done)");
    run(&other, "cosock.run() assert(done)");
}

#[test]
fn a_task_of_one_may_run_the_other() {
    let (outer, inner) = (state(), Rc::new(state()));
    let runs = Rc::new(Cell::new(0));
    let run_inner = {
        let (inner, runs) = (Rc::clone(&inner), Rc::clone(&runs));
        move |_: &Lua, ()| {
            runs.set(runs.get() + 1);
            try_run(
                &inner,
                "
                local done
                cosock.spawn(function()
                    socket.sleep(0.001)
                    done = true
                end)
                cosock.run()
                assert(done)",
            )
        }
    };
    let function = outer.create_function(run_inner).expect("there is memory");
    let globals = outer.globals();
    globals.set("run_inner", function).expect("there is memory");
    run(
        &outer,
        "
        local order = {}
        cosock.spawn(function()
            order[#order + 1] = 'before'
            run_inner()
            socket.sleep(0)
            run_inner()
            order[#order + 1] = 'after'
        end)
        cosock.spawn(function()
            order[#order + 1] = 'other'
        end)
        cosock.run()
        assert(table.concat(order, ' ') == 'before other after')",
    );
    assert_eq!(runs.get(), 2);
}

#[test]
fn sockets_of_two_states_talk_to_each_other() {
    let (one, other) = (state(), state());
    run(
        &one,
        "
        sock = assert(socket.udp())
        assert(sock:setsockname('127.0.0.1', 0))
        port = tonumber((select(2, sock:getsockname())))",
    );
    let port: f64 = one.globals().get("port").expect("it is set");
    run(
        &other,
        &format!("assert(assert(socket.udp()):sendto('datagram', '127.0.0.1', {port}))"),
    );
    run(
        &one,
        "
        local got
        cosock.spawn(function()
            got = sock:receive()
        end)
        cosock.run()
        assert(got == 'datagram')",
    );
}

#[test]
fn states_run_on_threads_of_their_own() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..5 {
                    let lua = state();
                    run(
                        &lua,
                        "
                        local tx, rx = channel.new()
                        local sum = 0
                        cosock.spawn(function()
                            for number = 1, 100 do
                                tx:send(number)
                                socket.sleep(0)
                            end
                            tx:close()
                        end)
                        cosock.spawn(function()
                            repeat
                                local number = rx:receive()
                                sum = sum + (number or 0)
                            until not number
                            assert(socket.dns.toip 'localhost')
                        end)
                        cosock.run()
                        assert(sum == 5050)",
                    );
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("its asserts hold");
    }
}
