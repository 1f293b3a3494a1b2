use std::cell::Cell;

use super::radix_heap::KEPT;
use super::*;
use crate::clock::Clock;

thread_local! {
    static LACKS_MEMORY: Cell<bool> = const { Cell::new(false) };
}

/// Fails where a test has memory lack.
pub(super) fn lack_memory() -> Result<(), TryReserveError> {
    let bytes = if LACKS_MEMORY.get() { usize::MAX } else { 0 };
    Vec::<u8>::new().try_reserve(bytes)
}

fn start() -> Time {
    Clock::new().now()
}

fn at(start: Time, seconds: u32) -> Time {
    start.after(f64::from(seconds)).expect("representable")
}

fn expired<K: Copy>(timers: &mut Timers<K>, now: Time) -> Option<K> {
    timers.expire(now).map(|(_, owner)| owner)
}

#[test]
fn timers_fire_in_deadline_order_and_equal_ones_in_the_order_they_were_set() {
    let zero = start();
    let mut timers = Timers::new();
    for (owner, seconds) in [(1, 3), (2, 1), (3, 2), (4, 1), (5, 3)] {
        let id = timers.add(owner);
        timers.set(id, at(zero, seconds));
    }
    let fired: Vec<_> = std::iter::from_fn(|| expired(&mut timers, at(zero, 9))).collect();
    assert_eq!(fired, [2, 4, 3, 1, 5]);
    assert_eq!(timers.armed(), 0);
}

#[test]
fn order_outlasts_the_count_of_all_that_were_set() {
    let zero = start();
    let mut timers = Timers::new();
    timers.sequence = Sequence(u32::MAX - 2);
    for owner in 1..=5 {
        let id = timers.add(owner);
        timers.set(id, at(zero, 1));
    }
    let fired: Vec<_> = std::iter::from_fn(|| expired(&mut timers, at(zero, 1))).collect();
    assert_eq!(fired, [1, 2, 3, 4, 5]);
}

#[test]
fn a_timer_takes_no_more_room_than_it_did() {
    assert!(size_of::<Timer<u32>>() + size_of::<Entry>() <= 40);
}

#[test]
fn a_deadline_that_is_exactly_due_fires() {
    let zero = start();
    let mut timers = Timers::new();
    let id = timers.add(());
    timers.set(id, at(zero, 1));
    assert_eq!(expired(&mut timers, zero), None);
    assert_eq!(expired(&mut timers, at(zero, 1)), Some(()));
    assert_eq!(expired(&mut timers, at(zero, 1)), None);
}

#[test]
fn a_moved_deadline_fires_once_at_its_last_place() {
    let zero = start();
    let mut timers = Timers::new();
    let id = timers.add('a');
    timers.set(id, at(zero, 5));
    timers.set(id, at(zero, 9));
    assert_eq!(expired(&mut timers, at(zero, 6)), None, "moved away");
    assert_eq!(timers.next_deadline(), Some(at(zero, 9)));
    timers.set(id, at(zero, 2));
    assert_eq!(expired(&mut timers, at(zero, 3)), Some('a'), "moved near");
    assert_eq!(expired(&mut timers, at(zero, 99)), None);
}

#[test]
fn a_cancelled_timer_is_never_the_next_deadline() {
    let zero = start();
    let mut timers = Timers::new();
    let (first, second) = (timers.add(1), timers.add(2));
    timers.set(first, at(zero, 1));
    timers.set(second, at(zero, 2));
    timers.cancel(first);
    assert_eq!(timers.next_deadline(), Some(at(zero, 2)));
    timers.cancel(second);
    assert_eq!(timers.next_deadline(), None);
    assert_eq!(timers.armed(), 0);
}

#[test]
fn a_removed_timer_leaves_nothing_and_its_place_is_used_again() {
    let zero = start();
    let mut timers = Timers::new();
    let ids: Vec<_> = (0..100).map(|owner| timers.add(owner)).collect();
    for (index, id) in ids.iter().enumerate() {
        timers.set(*id, at(zero, (index as u32 * 37) % 100));
    }
    for id in &ids {
        timers.remove(*id);
    }
    assert!(timers.queue.len() <= MOST_LEFT);
    assert_eq!(expired(&mut timers, at(zero, 100)), None);
    assert_eq!(timers.queue.len(), 0);
    timers.add(7);
    assert_eq!(timers.timers.len(), 100);
}

#[test]
fn a_million_moves_leave_one_entry() {
    let zero = start();
    let mut timers = Timers::new();
    let id = timers.add(());
    for second in 0..1_000_000 {
        timers.set(id, at(zero, second));
        timers.cancel(id);
    }
    assert_eq!(timers.queue.len(), 1);
}

#[test]
fn what_is_left_behind_is_bounded_by_the_timers_that_there_are() {
    let zero = start();
    let mut timers = Timers::new();
    let id = timers.add(0);
    for second in (1..10_000).rev() {
        timers.set(id, at(zero, second));
        assert!(
            timers.queue.len() <= 2 + MOST_LEFT,
            "each nearer than the last"
        );
    }
    let others: Vec<_> = (1..=1_000).map(|owner| timers.add(owner)).collect();
    for (index, other) in others.iter().enumerate() {
        timers.set(*other, at(zero, index as u32 + 2));
    }
    for other in others {
        timers.remove(other);
    }
    assert!(timers.queue.len() <= 2 + MOST_LEFT, "of removed ones");
    assert_eq!(timers.queue.len(), timers.queue.counted());
    assert_eq!(expired(&mut timers, at(zero, 1)), Some(0));
    assert_eq!(timers.next_deadline(), None);
}

#[test]
fn a_look_is_never_too_late_and_in_vain_once_for_each_timer_that_was_moved() {
    let zero = start();
    let mut timers = Timers::new();
    let ids: Vec<_> = (0..100).map(|owner| timers.add(owner)).collect();
    for (index, id) in ids.iter().enumerate() {
        timers.set(*id, at(zero, index as u32 + 1));
    }
    for (index, id) in ids.iter().enumerate() {
        timers.set(*id, at(zero, 1_000 + index as u32));
    }
    let mut looks = 0;
    let fired = loop {
        let time = timers.next_look().expect("all have a deadline");
        looks += 1;
        if let Some(owner) = expired(&mut timers, time) {
            assert_eq!(time, at(zero, 1_000));
            break owner;
        }
    };
    assert_eq!(fired, 0);
    assert!(looks <= 101, "{looks}");
}

#[test]
fn room_for_an_entry_is_made_before_it_is_needed() {
    let zero = start();
    let mut timers = Timers::new();
    for index in 0..5_000 {
        let id = timers.add(());
        let deadline = at(zero, 1_000 + index % 3);
        timers.try_reserve_entry(deadline).expect("memory");
        let room = timers.queue.most_room();
        timers.set(id, deadline);
        assert_eq!(timers.queue.most_room(), room);
    }
}

#[test]
fn those_for_which_there_was_no_memory_fire_all_the_same() {
    let zero = start();
    let mut timers = Timers::new();
    LACKS_MEMORY.set(true);
    for owner in 0..100 {
        let id = timers.add(owner);
        timers.set(id, at(zero, 1 + owner % 10));
    }
    assert_eq!(timers.next_look(), Some(at(zero, 1)));
    assert_eq!(expired(&mut timers, zero), None);
    assert_eq!(expired(&mut timers, at(zero, 1)), Some(0));
    assert_eq!(timers.next_deadline(), Some(at(zero, 1)));
    LACKS_MEMORY.set(false);
    let fired: Vec<_> = std::iter::from_fn(|| expired(&mut timers, at(zero, 9))).collect();
    let expected = (0..9).flat_map(|second| (0..10).map(move |ten| 10 * ten + second));
    assert!(fired.iter().copied().eq(expected.skip(1)), "{fired:?}");
    assert_eq!((timers.armed(), timers.queue.len()), (10, 10));
}

#[test]
fn many_that_have_fired_leave_little_room_behind() {
    let zero = start();
    let mut timers = Timers::new();
    for owner in 0..100_000 {
        let id = timers.add(owner);
        timers.set(id, at(zero, 1 + owner * 7919 % 100_000));
    }
    let mut last = 0;
    for second in 1..=100_000 {
        while let Some(owner) = expired(&mut timers, at(zero, second)) {
            last = owner;
        }
    }
    assert_eq!((timers.armed(), 1 + last * 7919 % 100_000), (0, 100_000));
    assert!(timers.queue.most_room() <= KEPT);
}

/// Random operations against a plain list of deadlines, which are from a nanosecond to some days ahead.
#[test]
fn random_operations_agree_with_a_sorted_list() {
    for seed in 1..=20 {
        compare_with_a_sorted_list(seed, 5_000, f64::from);
        compare_with_a_sorted_list(seed, 5_000, |power| 1.4f64.powi(power as i32) / 1e9);
    }
}

/// Entries for which there is no memory are dropped, which nobody sees.
fn compare_with_a_sorted_list(seed: u32, steps: u64, seconds: fn(u32) -> f64) {
    let zero = start();
    let at = |zero: Time, step: u32| zero.after(seconds(step)).expect("representable");
    let mut timers = Timers::new();
    let mut ids: Vec<_> = (0..50usize).map(|owner| timers.add(owner)).collect();
    let mut model: Vec<Option<(Time, u64)>> = vec![None; 50];
    let mut random = seed;
    let mut next = |bound: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % bound
    };
    for step in 0..steps {
        if next(10) == 0 {
            LACKS_MEMORY.set(next(3) == 0);
        }
        let owner = next(50) as usize;
        match next(4) {
            0 => {
                timers.cancel(ids[owner]);
                model[owner] = None;
            }
            1 => {
                let now = at(zero, next(100));
                let due = model
                    .iter()
                    .enumerate()
                    .filter_map(|(index, set)| set.map(|(time, order)| (time, order, index)))
                    .filter(|(time, _, _)| *time <= now)
                    .min();
                let expired = expired(&mut timers, now);
                assert_eq!(expired, due.map(|(_, _, index)| index), "seed {seed}");
                if let Some((_, _, index)) = due {
                    model[index] = None;
                }
            }
            _ => {
                let deadline = at(zero, next(100));
                if next(50) == 0 {
                    // Another one in its place.
                    timers.remove(ids[owner]);
                    ids[owner] = timers.add(owner);
                }
                timers.set(ids[owner], deadline);
                model[owner] = Some((deadline, step));
            }
        }
        let least = model.iter().flatten().map(|(time, _)| *time).min();
        let look = timers.next_look();
        assert!(least.is_none() || look <= least, "seed {seed}: too late");
        if step % 3 == 0 {
            assert_eq!(timers.next_deadline(), least, "seed {seed}");
        }
    }
}
