//! What is found out once in a process, however many ask at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Slot<V> = Arc<OnceLock<Arc<V>>>;

/// Values by their keys, made when they are first asked for.
pub struct Memo<K, V>(Mutex<Option<HashMap<K, Slot<V>>>>);

impl<K: Eq + Hash, V> Memo<K, V> {
    /// One that knows nothing yet.
    #[must_use]
    pub const fn new() -> Memo<K, V> {
        Memo(Mutex::new(None))
    }

    /// The value of a key: what `find_out` tells the first who asks. Others who ask meanwhile wait for it; those
    /// with another key do not.
    pub fn get(&self, key: K, find_out: impl FnOnce() -> V) -> Arc<V> {
        let slot = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.get_or_insert_with(HashMap::new);
            Slot::clone(known.entry(key).or_default())
        };
        Arc::clone(slot.get_or_init(|| Arc::new(find_out())))
    }
}

impl<K: Eq + Hash, V> Default for Memo<K, V> {
    fn default() -> Self {
        Memo::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_found_out_once() {
        static MEMO: Memo<u32, u32> = Memo::new();
        assert_eq!(*MEMO.get(1, || 10), 10);
        assert_eq!(*MEMO.get(1, || unreachable!("it is known")), 10);
        assert_eq!(*MEMO.get(2, || *MEMO.get(1, || 0) + 1), 11);
    }
}
