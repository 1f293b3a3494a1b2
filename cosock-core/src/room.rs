//! Room in lists, made before it is needed.

use std::collections::TryReserveError;

/// From so many bytes on, memory is moved by its pages, and not copied.
const LARGE: usize = 128 * 1024;

/// Makes room in a list for so many entries in all.
///
/// An empty list that is not large gets a new place: a copy would touch memory that nobody has used yet, and may never
/// use.
///
/// # Errors
///
/// There is no memory for that; the list has the room that it had.
pub(crate) fn reserve<T>(list: &mut Vec<T>, entries: usize) -> Result<(), TryReserveError> {
    let room = list.capacity();
    if list.is_empty() && room < entries && room * size_of::<T>() < LARGE {
        let mut wider = Vec::new();
        wider.try_reserve_exact(entries.max(2 * room))?;
        *list = wider;
    }
    list.try_reserve(entries.saturating_sub(list.len()))
}

/// More than what allocators keep by its size, and would not divide: glibc does so up to 1 KiB.
const SMALL_THINGS: usize = 2048;

/// Makes sure that there is memory for a few small things, such as boxes, which end the process where there is none: as
/// much is taken and given back.
///
/// # Errors
///
/// There is none.
pub fn for_small_things() -> Result<(), TryReserveError> {
    let mut bytes: Vec<u8> = Vec::new();
    let made = bytes.try_reserve_exact(SMALL_THINGS);
    // Or it would be seen that nobody uses them.
    std::hint::black_box(&bytes);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_all_whatever_was_there() {
        let mut list: Vec<u64> = Vec::new();
        for entries in [0, 1, 100, 10_000, 100_000] {
            reserve(&mut list, entries).expect("memory");
            assert!(list.is_empty() && list.capacity() >= entries);
        }
        let mut list = vec![1, 2, 3];
        reserve(&mut list, 1000).expect("memory");
        assert_eq!(list, [1, 2, 3]);
        assert!(list.capacity() >= 1000);
    }

    #[test]
    fn a_list_keeps_its_room_where_there_is_no_more() {
        let mut list: Vec<u64> = Vec::with_capacity(100);
        assert!(reserve(&mut list, usize::MAX / 8).is_err());
        assert!(list.capacity() >= 100);
    }
}
