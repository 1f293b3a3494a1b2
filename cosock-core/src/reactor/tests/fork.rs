//! A forked child shares its parent's epoll until it has one of its own.

use super::*;

#[test]
fn what_a_child_closes_its_parent_still_hears() {
    let mut reactor = reactor();
    let [task] = tasks();
    let (mut near, mut far) = pair();
    let id = reactor.source(near.as_raw_fd()).expect("registered");
    settle(&mut reactor);
    drain(&mut reactor, id, &mut near);
    let expected = waiter(task, 1, Role::Operation, 7);
    reactor.watch(id, Interest::Read, expected);
    let fd = near.as_raw_fd();
    assert!(sys::in_forked_child(|| {
        reactor.forget(fd);
        reactor.known(fd).is_none()
    }));
    far.write_all(b"x").expect("sent");
    assert_eq!(wait_for_fired(&mut reactor), [expected]);
}

#[test]
fn a_child_hears_its_sources_by_an_epoll_of_its_own() {
    let mut reactor = reactor();
    let [task] = tasks();
    let (mut near, mut far) = pair();
    let id = reactor.source(near.as_raw_fd()).expect("registered");
    settle(&mut reactor);
    drain(&mut reactor, id, &mut near);
    let expected = waiter(task, 1, Role::Operation, 7);
    reactor.watch(id, Interest::Read, expected);
    assert!(sys::in_forked_child(|| {
        reactor.follow_fork().expect("an event queue");
        assert!(reactor.take_renewed());
        far.write_all(b"x").expect("sent");
        wait_for_fired(&mut reactor) == [expected]
    }));
    // The parent's own is as it was: it hears the same byte.
    assert_eq!(wait_for_fired(&mut reactor), [expected]);
    assert!(!reactor.take_renewed());
}
