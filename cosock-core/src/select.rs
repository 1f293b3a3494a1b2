//! The elements of one select, and which of them are ready.

use std::ops::Range;
use std::os::fd::RawFd;

use crate::reactor::{Company, Interest, Reactor, Role, SourceId, Waiter};
use crate::scheduler::TaskKey;

/// One listed object.
#[derive(Debug)]
pub struct Element {
    /// Its list: readers or writers.
    pub interest: Interest,
    /// The descriptor to watch for it, or -1.
    pub fd: RawFd,
    /// Whether it is told through its own `setwaker` and `_wake`.
    pub foreign: bool,
    /// Ready without asking the system: buffered bytes, or no descriptor that could block.
    pub answers: bool,
    /// Whether somebody else has opened the descriptor, and may close it untold.
    pub borrowed: bool,
    /// Identity of the object.
    pub object: usize,
    /// Whether it is ready.
    woken: bool,
    /// The source that has a waiter for it.
    watched: Option<SourceId>,
}

impl Element {
    /// An element that is not ready and not watched yet.
    #[must_use]
    pub fn new(interest: Interest, object: usize) -> Element {
        Element {
            interest,
            fd: -1,
            foreign: false,
            answers: false,
            borrowed: false,
            object,
            woken: false,
            watched: None,
        }
    }

    /// Whether it is ready.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.woken
    }
}

/// What one task selects on: the elements of both lists, in their order.
#[derive(Debug, Default)]
pub struct Select {
    /// The elements; their numbers are their places.
    pub elements: Vec<Element>,
    /// The numbers of those that are ready, as they became so.
    woken: Vec<u32>,
}

impl Select {
    /// Whether any element has to be told through its own methods.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        self.elements.iter().any(|element| element.foreign)
    }

    /// Notes that an element is ready; tells whether that was news.
    pub fn wake(&mut self, element: u32) -> bool {
        let Some(entry) = self.elements.get_mut(element as usize) else {
            return false;
        };
        let news = !std::mem::replace(&mut entry.woken, true);
        if news {
            self.woken.push(element);
        }
        news
    }

    /// The ready elements: the foreign ones as they woke, then sockets, those with buffered bytes
    /// first and the others by descriptor.
    pub fn take_woken(&mut self) -> Vec<u32> {
        let mut woken = std::mem::take(&mut self.woken);
        if woken.len() > 1 {
            woken.sort_by_key(|number| {
                let element = &self.elements[*number as usize];
                (
                    !element.foreign,
                    !element.foreign && !element.answers,
                    if element.foreign { 0 } else { element.fd },
                )
            });
        }
        woken
    }

    /// Watches the descriptors of the elements in `range`, and returns those that are ready already.
    ///
    /// The system is asked, for an edge that was seen before brings no new event.
    ///
    /// # Errors
    ///
    /// The direction in which an object of ours is waited on already.
    pub(crate) fn watch(
        &mut self,
        task: TaskKey,
        serial: u64,
        range: Range<usize>,
        reactor: &mut Reactor,
    ) -> Result<Vec<u32>, Interest> {
        let mut ready = Vec::new();
        let mut asked = Vec::new();
        let mut numbers = Vec::new();
        let end = range.end.min(self.elements.len());
        let start = range.start.min(end);
        for (offset, element) in self.elements[start..end].iter_mut().enumerate() {
            let number = (start + offset) as u32;
            if element.answers {
                ready.push(number);
            } else if element.fd >= 0 {
                // What cannot be registered counts as ready: the operation on it will say why.
                let source = if element.borrowed {
                    reactor.source_of_another(element.fd)
                } else {
                    reactor.source(element.fd)
                };
                let Ok(id) = source else {
                    ready.push(number);
                    continue;
                };
                if !element.foreign
                    && reactor.company(id, element.interest, element.object) == Company::Itself
                {
                    return Err(element.interest);
                }
                let role = match element.foreign {
                    true => Role::Foreign(number),
                    false => Role::Element(number),
                };
                let waiter = Waiter {
                    task,
                    serial,
                    role,
                    object: element.object,
                };
                reactor.watch(id, element.interest, waiter);
                element.watched = Some(id);
                asked.push((element.fd, element.interest));
                numbers.push(number);
            }
        }
        let mut answers = Vec::new();
        reactor.ready_now(&asked, &mut answers);
        for (number, is_ready) in numbers.into_iter().zip(answers) {
            if is_ready {
                // What the last event said is older than this answer.
                reactor.doubt(self.elements[number as usize].watched);
                ready.push(number);
            }
        }
        Ok(ready)
    }

    /// Whether the element has been woken.
    #[must_use]
    pub fn is_woken(&self, element: u32) -> bool {
        self.elements
            .get(element as usize)
            .is_some_and(Element::is_woken)
    }

    /// Takes back what [`Select::watch`] registered.
    pub(crate) fn unwatch(&self, task: TaskKey, reactor: &mut Reactor) {
        for element in &self.elements {
            if let Some(id) = element.watched {
                reactor.unwatch(id, task);
            }
        }
    }
}
