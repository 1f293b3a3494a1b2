//! A forked child has none of its parent's threads, and perhaps a lock that one of them held.

use super::*;

#[test]
fn a_forked_child_asks_again_in_threads_of_its_own() {
    let (_poll, waker) = reactor();
    let (gate, settings) = Gate::new();
    let parent = sys::fork_count();
    let in_parent = settings.answer.clone();
    let answer = Arc::new(move |query: &Query| {
        if sys::fork_count() == parent {
            in_parent(query)
        } else {
            echo(query)
        }
    });
    let settings = Settings {
        answer,
        threads: 1,
        ..settings
    };
    let mut resolver = Resolver::with_settings(waker, settings);
    let running = resolver.submit(query("running"));
    assert_eq!(gate.next_begun(), "running");
    let queued = resolver.submit(query("queued"));
    let cancelled = resolver.submit(query("cancelled"));

    let passed = sys::in_forked_child(|| {
        let (mut poll, waker) = reactor();
        assert!(resolver.cancel(cancelled));
        resolver.renew(waker);
        let new = resolver.submit(query("new"));
        let finished = wait_for(&mut poll, &mut resolver, 3);
        let ids: Vec<_> = finished.iter().map(|(id, _)| *id).collect();
        ids == [running, queued, new] && resolver.pending() == 0
    });
    assert!(passed);
    assert_eq!(resolver.pending(), 3);
    (0..3).for_each(|_| gate.let_one_end());
    assert_eq!(
        (gate.next_begun(), gate.next_begun()),
        ("queued".into(), "cancelled".into())
    );
}

#[test]
fn a_forked_child_drops_a_resolver_whose_lock_a_thread_held() {
    let (_poll, waker) = reactor();
    let mut resolver = Some(Resolver::new(waker));
    let shared = resolver.as_ref().unwrap().shared.clone();
    let (locked, wait_locked) = mpsc::channel();
    let (release, wait_release) = mpsc::channel::<()>();
    let holder = thread::spawn(move || {
        let _guard = shared.lock();
        locked.send(()).unwrap();
        wait_release.recv_timeout(LONG).unwrap();
    });
    wait_locked.recv_timeout(LONG).unwrap();
    assert!(sys::in_forked_child(|| {
        let (mut poll, waker) = reactor();
        let mut resolver = resolver.take().unwrap();
        resolver.renew(waker);
        resolver.submit(query("127.0.0.1"));
        let answered = wait_for(&mut poll, &mut resolver, 1).len() == 1;
        drop(resolver);
        answered
    }));
    release.send(()).unwrap();
    holder.join().unwrap();
}
