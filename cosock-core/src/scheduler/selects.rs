//! Tasks that wait for the first ready element of a select.

use std::ops::Range;

use super::{Call, Kind, Phase, Scheduler, TaskKey, Timeout, Wait};
use crate::reactor::Interest;
use crate::select::Select;

impl Scheduler {
    /// Parks a running task on the elements of a select; the result names this wait.
    pub fn park_select(&mut self, key: TaskKey, select: Box<Select>, timeout: Option<f64>) -> u64 {
        self.withdraw(key);
        let (task, waiting) = self.begin_wait(key.index, Kind::Select);
        task.timeout = Timeout::new(timeout);
        waiting.wait = Wait::Select(select);
        let serial = waiting.serial;
        if let Some(timeout) = timeout {
            self.limit(key, timeout);
        }
        serial
    }

    /// The select that the task waits with, if `serial` is still its wait.
    pub fn select(&mut self, key: TaskKey, serial: u64) -> Option<&mut Select> {
        let waiting = self.waiting(key)?;
        match &mut waiting.wait {
            Wait::Select(select) if waiting.serial == serial => Some(select),
            _ => None,
        }
    }

    /// Watches the descriptors of the elements in `range` of the task's select; those that are ready
    /// already count as fired.
    ///
    /// # Errors
    ///
    /// The direction in which an object is waited on already.
    pub fn watch_elements(
        &mut self,
        key: TaskKey,
        serial: u64,
        range: Range<usize>,
    ) -> Result<(), Interest> {
        if !self.is_alive(key) {
            return Ok(());
        }
        let Some(waiting) = self.waits.get_mut(key.index as usize) else {
            return Ok(());
        };
        let Wait::Select(select) = &mut waiting.wait else {
            return Ok(());
        };
        if waiting.serial != serial {
            return Ok(());
        }
        let ready = select.watch(key, serial, range, &mut self.reactor)?;
        for element in ready {
            let foreign = self
                .select(key, serial)
                .is_some_and(|select| select.elements[element as usize].foreign);
            if foreign {
                self.calls.push_back(Call {
                    task: key,
                    serial,
                    element,
                });
            } else {
                self.wake_element(key, serial, element);
            }
        }
        Ok(())
    }

    /// Whether a task other than this one selects on a foreign object in this direction, and was not woken
    /// by it.
    #[must_use]
    pub fn is_selected_by_another(&self, key: TaskKey, object: usize, interest: Interest) -> bool {
        self.keys()
            .filter(|other| *other != key)
            .any(|other| match self.wait_of(other) {
                Wait::Select(select) => select.elements.iter().any(|element| {
                    element.foreign
                        && !element.is_woken()
                        && element.object == object
                        && element.interest == interest
                }),
                _ => false,
            })
    }

    /// Watches a foreign element once more that was told and did not wake its task, if nothing else has: a
    /// task that is ready was disarmed, and nothing would take a new waiter back.
    pub fn watch_again(&mut self, call: Call) {
        let Call {
            task,
            serial,
            element,
        } = call;
        let is_parked = (self.look(task)).is_some_and(|task| task.phase == Phase::Parked);
        let asleep = is_parked
            && (self.select(task, serial)).is_some_and(|select| !select.is_woken(element));
        if asleep {
            if let Some(select) = self.select(task, serial) {
                select.elements[element as usize].answers = false;
            }
            let place = element as usize;
            // Foreign elements are never in conflict: their own `setwaker` decides.
            let _ = self.watch_elements(task, serial, place..place + 1);
        }
    }

    /// Notes that an element of the task's select is ready; tells whether that was news.
    pub fn wake_element(&mut self, key: TaskKey, serial: u64, element: u32) -> bool {
        let news = self
            .select(key, serial)
            .is_some_and(|select| select.wake(element));
        if news {
            self.make_ready(key);
        }
        news
    }
}
