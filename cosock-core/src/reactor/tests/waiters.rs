//! Who is told of an event, in which order, and who is told no more.

use super::*;

#[test]
fn a_waiter_fires_once_for_an_edge() {
    let mut reactor = reactor();
    let [task] = tasks();
    let (mut client, mut server) = pair();
    let id = reactor.source(server.as_raw_fd()).expect("a socket");
    settle(&mut reactor);
    drain(&mut reactor, id, &mut server);
    let reader = waiter(task, 1, Role::Operation, 7);
    reactor.watch(id, Interest::Read, reader);
    assert_eq!((reactor.waiters(), reactor.registered()), (1, 1));
    client.write_all(b"x").expect("there is room");
    assert_eq!(wait_for_fired(&mut reactor), [reader]);
    assert_eq!(reactor.waiters(), 0);
    assert!(reactor.maybe_readable(Some(id)));
    // The byte is not read, and brings no event again.
    settle(&mut reactor);
    assert!(!reactor.has_fired());
}

#[test]
fn forgetting_fires_everybody_in_both_directions() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let waiters = [
        waiter(a, 1, Role::Operation, 1),
        waiter(b, 2, Role::Element(3), 2),
        waiter(a, 1, Role::Foreign(0), 1),
    ];
    reactor.watch(id, Interest::Read, waiters[0]);
    reactor.watch(id, Interest::Read, waiters[1]);
    reactor.watch(id, Interest::Write, waiters[2]);
    reactor.forget(client.as_raw_fd());
    assert_eq!(fired(&mut reactor), waiters);
    assert_eq!(reactor.waiters(), 0);
    // Who comes too late for the source is told at once.
    reactor.watch(id, Interest::Read, waiters[0]);
    assert_eq!(fired(&mut reactor), [waiters[0]]);
    assert_eq!(reactor.waiters(), 0);
}

#[test]
fn waiters_are_taken_back_by_task() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let of_a = waiter(a, 1, Role::Operation, 1);
    let of_b = waiter(b, 2, Role::Operation, 2);
    for interest in [Interest::Read, Interest::Write] {
        reactor.watch(id, interest, of_a);
        reactor.watch(id, interest, of_b);
        // The same one counts once.
        reactor.watch(id, interest, of_a);
    }
    assert_eq!(reactor.waiters(), 4);
    assert_eq!(reactor.company(id, Interest::Read, 1), Company::Itself);
    assert_eq!(reactor.company(id, Interest::Write, 1), Company::Itself);
    assert!(reactor.is_object_waited(client.as_raw_fd(), Interest::Write, 1));
    reactor.unwatch(id, a);
    assert_eq!(reactor.waiters(), 2);
    for interest in [Interest::Read, Interest::Write] {
        assert_eq!(reactor.company(id, interest, 1), Company::Others);
        assert_eq!(reactor.company(id, interest, 2), Company::Itself);
    }
    assert!(!reactor.is_object_waited(client.as_raw_fd(), Interest::Write, 1));
    assert!(!reactor.is_object_waited(-1, Interest::Write, 2));
    reactor.unwatch(id, b);
    assert_eq!(reactor.waiters(), 0);
    assert_eq!(reactor.company(id, Interest::Read, 2), Company::Nobody);
}

/// An idle connection has one, with room for the one who reads from it.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_source_takes_no_more_room_than_it_did() {
    assert!(size_of::<Source>() <= 48);
}

#[test]
fn waiters_fire_first_to_last_whoever_has_gone() {
    let mut reactor = reactor();
    let [a, b, c] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let [of_a, of_b, of_c] =
        [(a, 1), (b, 2), (c, 3)].map(|(task, object)| waiter(task, 1, Role::Operation, object));
    reactor.watch(id, Interest::Write, of_c);
    reactor.watch(id, Interest::Read, of_a);
    reactor.watch(id, Interest::Read, of_b);
    reactor.unwatch(id, a);
    // The room of the first is free, but it comes last.
    reactor.watch(id, Interest::Read, of_a);
    reactor.forget(client.as_raw_fd());
    let fired: Vec<_> = (0..).map_while(|place| reactor.fired(place)).collect();
    assert_eq!(fired, [of_b, of_a, of_c]);
    assert_eq!(reactor.waiters(), 0);
}

#[test]
fn one_object_of_two_on_a_source_can_be_fired_alone() {
    let mut reactor = reactor();
    let [a, b] = tasks();
    let (client, _server) = pair();
    let fd = client.as_raw_fd();
    let id = reactor.source(fd).expect("a socket");
    let of_a = waiter(a, 1, Role::Operation, 1);
    reactor.watch(id, Interest::Read, of_a);
    reactor.watch(id, Interest::Read, waiter(b, 2, Role::Operation, 2));
    assert!(!reactor.fire_object(fd, Interest::Write, 1));
    assert!(!reactor.fire_object(fd, Interest::Read, 3));
    assert!(reactor.fire_object(fd, Interest::Read, 1));
    assert_eq!(fired(&mut reactor), [of_a]);
    assert_eq!(reactor.waiters(), 1);
}

#[test]
fn who_waits_for_bytes_that_another_reads_is_told() {
    let mut reactor = reactor();
    let [a, b, c] = tasks();
    let (client, _server) = pair();
    let id = reactor.source(client.as_raw_fd()).expect("a socket");
    let operation = waiter(a, 1, Role::Operation, 1);
    let element = waiter(b, 2, Role::Element(0), 2);
    let foreign = waiter(c, 3, Role::Foreign(0), 3);
    for each in [operation, element, foreign] {
        reactor.watch(id, Interest::Read, each);
    }
    // Nothing is left over: only the operation, which may look by itself, is told.
    reactor.has_read(Some(id), true, false);
    assert_eq!(fired(&mut reactor), [operation]);
    assert_eq!(reactor.waiters(), 2);
    // Something is: everybody.
    reactor.watch(id, Interest::Read, operation);
    reactor.has_read(Some(id), false, true);
    assert_eq!(fired(&mut reactor), [element, foreign, operation]);
    assert_eq!(reactor.waiters(), 0);
}
