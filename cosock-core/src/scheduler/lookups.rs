//! Name look-ups, and the tasks that wait for them.

use super::{Scheduler, Wait};
use crate::operation::Operation;
use crate::resolver::{LookupId, Query};

impl Scheduler {
    /// Starts a look-up for an operation that is about to park.
    pub fn look_up(&mut self, query: Query) -> LookupId {
        self.resolver.submit(query)
    }

    pub(super) fn drop_lookup(&mut self, operation: &Operation) {
        if let Operation::Lookup(lookup) = operation
            && self.lookups.remove(&lookup.id).is_some()
        {
            self.resolver.cancel(lookup.id);
        }
    }

    #[inline(never)]
    pub(super) fn answer_lookups(&mut self) {
        let mut finished = Vec::new();
        self.resolver.take_finished(&mut finished);
        for (id, answer) in finished {
            let Some(key) = self.lookups.remove(&id) else {
                continue;
            };
            let Some(waiting) = self.waiting(key) else {
                continue;
            };
            if let Wait::Operation(Operation::Lookup(lookup)) = &mut waiting.wait {
                lookup.answer = Some(answer);
                self.make_ready(key);
            }
        }
    }
}
