//! Seven names, one library: every order of the first requires gives the same modules.

use crate::support::state;

const NAMES: [&str; 7] = [
    "cosock",
    "cosock.socket",
    "cosock.socket.tcp",
    "cosock.socket.udp",
    "cosock.socket.internals",
    "cosock.channel",
    "cosock.timers",
];

/// Calls `visit` with every order of the items from `fixed` on.
fn permute(items: &mut [&str], fixed: usize, visit: &mut impl FnMut(&[&str])) {
    if fixed == items.len() {
        return visit(items);
    }
    for place in fixed..items.len() {
        items.swap(fixed, place);
        permute(items, fixed + 1, visit);
        items.swap(fixed, place);
    }
}

/// Requires the names in this order in a fresh state, and checks what came.
fn check(order: &[&str]) {
    let lua = state();
    let result = lua
        .load(
            "
            local modules, seen = {}, {}
            for place, name in ipairs { ... } do
                local module = require(name)
                assert(type(module) == 'table', name)
                assert(package.loaded[name] == module, name)
                assert(not seen[module], name)
                modules[name], seen[module] = module, true
            end
            for name, module in pairs(modules) do
                assert(require(name) == module, name)
            end
            local cosock, socket = modules['cosock'], modules['cosock.socket']
            assert(cosock.socket == socket)
            assert(cosock.channel == modules['cosock.channel'])
            assert(socket.tcp == modules['cosock.socket.tcp'])
            assert(socket.udp == modules['cosock.socket.udp'])
            assert(modules['cosock.timers'].set and modules['cosock.socket.internals'].passthroughbuilder)",
        )
        .call::<()>(mlua::Variadic::from_iter(order.iter().copied()));
    if let Err(error) = result {
        panic!("{order:?}: {error}");
    }
}

#[test]
fn every_order_of_requires_gives_the_same_modules() {
    let mut orders = 0;
    permute(&mut NAMES.clone(), 0, &mut |order| {
        check(order);
        orders += 1;
    });
    assert_eq!(orders, 5040);
}

#[test]
fn each_name_alone_is_enough() {
    for name in NAMES {
        check_alone(name);
    }
}

/// Requires one name in a coroutine that is then collected, and uses what it has brought.
fn check_alone(name: &str) {
    let lua = state();
    let result = lua
        .load(
            "
            local name = ...
            assert(coroutine.resume(coroutine.create(function()
                require(name)
            end)))
            for _ = 1, 3 do
                collectgarbage()
            end
            local done
            local cosock = require 'cosock'
            cosock.spawn(function()
                cosock.socket.sleep(0)
                done = true
            end)
            cosock.run()
            assert(done)",
        )
        .call::<()>(name);
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
}
