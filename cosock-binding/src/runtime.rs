//! What one Lua state's cosock consists of.

mod note;

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use cosock_core::operation::{Operation, Outcome};
use cosock_core::scheduler::{Scheduler, TaskKey};
use cosock_core::select::Select;
use cosock_core::socket::{Tcp, TcpSocket, Udp};

use crate::addresses::LastSender;
use crate::anchors::Anchors;
use crate::channel::{Halves, Queue, Spare};
use crate::ffi::{Class, Marks, RawState, State};
use crate::nesting::Nest;
use crate::pins::Pins;
use crate::tcp::Loans;
use crate::timers::Callbacks;

pub(crate) use note::{Note, Shape};

/// Registry numbers of the tables that outlive calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    /// The userdata that leads functions here.
    pub(crate) anchor: c_int,
    /// By the places of those tasks that have any: what they select on, and their own error handlers.
    pub(crate) selects: c_int,
    pub(crate) handlers: c_int,
    /// A table that has the coroutine which called `reset`.
    pub(crate) last_reset: c_int,
    /// Metatables.
    pub(crate) handle_meta: c_int,
    pub(crate) result_meta: c_int,
    pub(crate) tcp_meta: c_int,
    pub(crate) udp_meta: c_int,
    pub(crate) tcp_inner_meta: c_int,
    pub(crate) udp_inner_meta: c_int,
    #[cfg(feature = "tls")]
    pub(crate) ssl: crate::ssl::Kept,
    pub(crate) queue_meta: c_int,
    /// Method tables of channel halves.
    pub(crate) sender_methods: c_int,
    pub(crate) receiver_methods: c_int,
    /// All senders, weakly.
    pub(crate) senders: c_int,
    /// A table that has the spare table of messages.
    pub(crate) spare: c_int,
    /// The text of the last sender's address.
    pub(crate) sender: c_int,
    /// The globals that our Lua sees, where each coroutine has its own.
    #[cfg(function_environments)]
    pub(crate) globals: c_int,
    /// Module tables by name.
    pub(crate) modules: c_int,
    /// Functions of the Lua part by name.
    pub(crate) shims: c_int,
    /// What makes functions that are compiled when they are first called.
    pub(crate) later: c_int,
    /// Functions of `cosock.timers` by number, and numbers by reference.
    pub(crate) callbacks: c_int,
    pub(crate) references: c_int,
    /// `coroutine.close`, or nil where the language has none.
    pub(crate) close: c_int,
}

/// The userdata of inner sockets and queues.
pub(crate) const TCP: Class<Tcp> = {
    static MARKS: Marks<Tcp> = Marks::new();
    Class::new(&MARKS)
};
pub(crate) const UDP: Class<Udp> = {
    static MARKS: Marks<Udp> = Marks::new();
    Class::new(&MARKS)
};
pub(crate) const QUEUE: Class<Queue> = {
    static MARKS: Marks<Queue> = Marks::new();
    Class::new(&MARKS)
};

/// By what objects of ours are known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Classes {
    pub(crate) tcp: ObjectClass,
    pub(crate) udp: ObjectClass,
    pub(crate) tls: ObjectClass,
    pub(crate) receiver: ObjectClass,
}

impl Classes {
    /// The classes of socket objects.
    #[inline]
    pub(crate) fn of_sockets(&self) -> impl Iterator<Item = ObjectClass> {
        [self.tcp, self.udp, self.tls].into_iter()
    }
}

/// Identities of what the objects of one kind share. An object that has these functions is waited on as ours are: no
/// program has replaced them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectClass {
    pub(crate) metatable: usize,
    pub(crate) setwaker: usize,
    pub(crate) wake: usize,
}

/// One Lua state's cosock.
pub(crate) struct Runtime {
    /// Once the state closes it is dropped, and stays borrowed for ever, so that nobody enters it again.
    core: RefCell<ManuallyDrop<Scheduler>>,
    closed: Cell<bool>,
    pub(crate) anchors: Anchors,
    pub(crate) pins: Pins,
    pub(crate) halves: Halves,
    pub(crate) kept: Cell<Kept>,
    pub(crate) classes: Cell<Classes>,
    pub(crate) running: Cell<bool>,
    /// The task that is being resumed, and its coroutine.
    pub(crate) current: Cell<Option<TaskKey>>,
    pub(crate) current_coroutine: Cell<*mut RawState>,
    /// An operation on which a task is to be parked, and its number. It waits here, and not in a frame, while code runs
    /// that may raise.
    staged: Cell<Option<(u32, Operation)>>,
    /// How many operations were staged, wrapping: the number of the last one.
    stages: Cell<u32>,
    /// Results of operations while they are turned into values. A stack: that may run finalizers, which may do the same.
    pub(crate) outcomes: RefCell<Vec<Outcome>>,
    /// The select that is being put together.
    pub(crate) arming: RefCell<Option<Box<Select>>>,
    /// Elements that woke the task about to be resumed.
    pub(crate) woken: RefCell<Vec<u32>>,
    pub(crate) callbacks: RefCell<Callbacks>,
    /// The registry number of the handler of all tasks' errors, or 0.
    pub(crate) handler: Cell<c_int>,
    /// Whether Ctrl-C came in the middle of something that had to be finished: its error has yet to leave `run`.
    pub(crate) interrupted: Cell<bool>,
    /// Whether messages of channels may be lent to Lua, as on LuaJIT where it compiles; asked when the first channel is
    /// made.
    pub(crate) lends: Cell<Option<bool>>,
    pub(crate) spare: Spare,
    pub(crate) last_sender: LastSender,
    /// What Lua may cut of received bytes.
    pub(crate) loans: Loans,
    /// Whether any socket object was ever given a waker, so that others need not be asked.
    pub(crate) wakers_set: Cell<bool>,
    /// How many inner sockets were finalized, wrapping. Whoever holds one while user code runs looks here
    /// afterwards: in a finalizer, that code can have Lua finalize a socket which is on the stack.
    pub(crate) finalized: Cell<u32>,
    /// The state's main coroutine, which lives as long as the state; null where it is not known.
    pub(crate) main: Cell<*mut RawState>,
    /// Coroutines that are being resumed on behalf of others, the innermost last.
    pub(crate) nests: RefCell<Vec<Nest>>,
}

/// Their addresses are what methods yield when they have parked their task: each tells what is below it.
static TOKENS: [u8; 3] = [0; 3];

/// The value on top of the stack of a coroutine that is parked, with nothing below it that is needed.
pub(crate) fn token() -> *const c_void {
    ptr::from_ref(&TOKENS[0]).cast()
}

/// The same, above what an operation needs: an object and one more value.
pub(crate) fn token_above_object() -> *const c_void {
    ptr::from_ref(&TOKENS[1]).cast()
}

/// The same, above the metatable of the half of a channel.
pub(crate) fn token_above_half() -> *const c_void {
    ptr::from_ref(&TOKENS[2]).cast()
}

/// Whether it is one of the three.
#[inline]
pub(crate) fn is_token(value: *const c_void) -> bool {
    (value as usize).wrapping_sub(token() as usize) < TOKENS.len()
}

/// Drops what is in the cell, unless a function below us on the stack works on it.
fn give_back<T: Default>(cell: &RefCell<T>) {
    let value = cell
        .try_borrow_mut()
        .map(|mut value| std::mem::take(&mut *value));
    drop(value);
}

/// Raises for a call that comes while the state closes.
pub(crate) fn raise_closing(lua: State) -> ! {
    lua.push_str("cosock: this Lua state is closing");
    lua.raise_top()
}

/// Raises after a panic in the core.
#[cold]
#[inline(never)]
fn raise_panicked(lua: State) -> ! {
    lua.push_str("cosock: internal error (a panic in its core); please report it");
    lua.raise_top()
}

/// Does work that does not need the core, with the same care as [`Runtime::enter`]: a panic becomes a Lua error.
#[inline]
pub(crate) fn guard<T>(lua: State, work: impl FnOnce() -> T) -> T {
    or_raise(lua, catch_unwind(AssertUnwindSafe(work)))
}

#[inline]
fn or_raise<T>(lua: State, result: std::thread::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(panic) => {
            drop(panic);
            raise_panicked(lua)
        }
    }
}

impl Runtime {
    pub(crate) fn new(core: Scheduler) -> Runtime {
        Runtime {
            core: RefCell::new(ManuallyDrop::new(core)),
            closed: Cell::new(false),
            anchors: Anchors::default(),
            pins: Pins::default(),
            halves: Halves::default(),
            kept: Cell::default(),
            classes: Cell::default(),
            running: Cell::new(false),
            current: Cell::new(None),
            current_coroutine: Cell::new(ptr::null_mut()),
            staged: Cell::new(None),
            stages: Cell::new(0),
            outcomes: RefCell::default(),
            arming: RefCell::default(),
            woken: RefCell::default(),
            callbacks: RefCell::default(),
            handler: Cell::new(0),
            interrupted: Cell::new(false),
            lends: Cell::new(None),
            spare: Spare::default(),
            last_sender: LastSender::default(),
            loans: Loans::default(),
            wakers_set: Cell::new(false),
            finalized: Cell::new(0),
            main: Cell::new(ptr::null_mut()),
            nests: RefCell::default(),
        }
    }

    /// Works on the core. Lua does not run meanwhile, and a panic, which is a bug of ours, becomes a
    /// Lua error.
    #[inline]
    pub(crate) fn enter<T>(&self, lua: State, work: impl FnOnce(&mut Scheduler) -> T) -> T {
        let result = match self.core.try_borrow_mut() {
            Ok(mut core) => catch_unwind(AssertUnwindSafe(|| work(&mut core))),
            // A finalizer that runs while the state closes has closed the runtime under its caller.
            Err(_) => raise_closing(lua),
        };
        or_raise(lua, result)
    }

    /// Works on the core where Lua cannot be told of a failure: in finalizers.
    pub(crate) fn quietly(&self, work: impl FnOnce(&mut Scheduler)) {
        if let Ok(mut core) = self.core.try_borrow_mut() {
            let _ = catch_unwind(AssertUnwindSafe(|| work(&mut core)));
        }
    }

    /// Keeps a result while it is turned into values, where an error that is raised cannot lose it.
    pub(crate) fn keep_outcome(&self, outcome: Outcome) {
        self.pins.note_use();
        self.outcomes.borrow_mut().push(outcome);
    }

    /// Takes the connection that was kept last, or a new socket if that is gone because the state is closing.
    #[inline]
    pub(crate) fn take_connection(&self) -> TcpSocket {
        match self.outcomes.borrow_mut().pop() {
            Some(Outcome::Accepted(socket)) => *socket,
            _ => TcpSocket::new(),
        }
    }

    /// Puts an operation where an error that is raised cannot lose it; returns its number.
    pub(crate) fn stage(&self, operation: Operation) -> u32 {
        let number = self.stages.get().wrapping_add(1);
        self.stages.set(number);
        self.staged.set(Some((number, operation)));
        number
    }

    /// Takes the operation that was staged under `number`, unless another one came since.
    pub(crate) fn staged(&self, number: u32) -> Option<Operation> {
        let (staged, operation) = self.staged.take()?;
        (staged == number).then_some(operation)
    }

    /// Whether the state is closing and the runtime's finalizer has run.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Lets go of everything, while functions of ours may still be on the stack: they find no task,
    /// and a core that cannot be entered. The runtime's own memory is Lua's, which keeps it.
    pub(crate) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        self.anchors.close();
        self.halves.close();
        give_back(&self.nests);
        give_back(&self.woken);
        give_back(&self.callbacks);
        give_back(&self.arming);
        give_back(&self.outcomes);
        self.staged.take();
        self.pins.close();
        if let Ok(mut core) = self.core.try_borrow_mut() {
            // SAFETY: `closed` lets nobody come here again, and the borrow is never given back.
            unsafe { ManuallyDrop::drop(&mut core) };
            std::mem::forget(core);
        }
    }

    /// Notes that an inner socket has been finalized: see [`Runtime::finalized`].
    pub(crate) fn note_finalized(&self) {
        self.finalized.set(self.finalized.get().wrapping_add(1));
    }

    /// The main state, for a look at its hook.
    pub(crate) fn main_state(&self) -> Option<State> {
        let main = self.main.get();
        // SAFETY: the main coroutine is never collected, and this runs inside a call from its state.
        (!main.is_null()).then(|| unsafe { State::new(main) })
    }

    pub(crate) fn push_anchor(&self, lua: State) {
        lua.push_kept(self.kept.get().anchor);
    }

    /// What the binding has noted of a task; `None` once it is over.
    #[inline]
    pub(crate) fn note(&self, key: TaskKey) -> Option<Note> {
        self.look(|core| core.note(key)).map(Note::of)
    }

    /// Changes what the binding has noted of a living task.
    #[inline]
    pub(crate) fn change_note(&self, key: TaskKey, change: impl FnOnce(&mut Note)) {
        if let Ok(mut core) = self.core.try_borrow_mut()
            && let Some(number) = core.note(key)
        {
            let mut note = Note::of(number);
            change(&mut note);
            core.set_note(key, note.number());
        }
    }

    /// Whether the task is still alive.
    #[inline]
    pub(crate) fn has_task(&self, key: TaskKey) -> bool {
        self.look(|core| core.is_alive(key).then_some(())).is_some()
    }

    /// The tasks at all places, of which some may be over. Lua may run between them: each is looked up when it is
    /// asked for.
    pub(crate) fn keys(&self) -> impl Iterator<Item = TaskKey> {
        (0..).map_while(|place| self.key_at(place))
    }

    /// The task at a place, which may be over; `None` beyond the last.
    pub(crate) fn key_at(&self, place: usize) -> Option<TaskKey> {
        self.look(|core| core.key_at(place))
    }

    /// Looks at the core, in which there is nothing once the state closes.
    #[inline]
    fn look<T>(&self, look: impl FnOnce(&Scheduler) -> Option<T>) -> Option<T> {
        look(&*self.core.try_borrow().ok()?)
    }

    /// The coroutine of a task that the core has just named, for the length of one call from Lua.
    #[inline]
    pub(crate) fn coroutine_of(&self, owner: usize) -> State {
        // SAFETY: a task's owner is the address of its coroutine, which is anchored
        // for as long as the core knows the task: see `anchors`.
        unsafe { State::new(owner as *mut RawState) }
    }

    /// The task whose code runs at this moment, in whatever coroutine.
    #[inline]
    pub(crate) fn running_task(&self) -> Option<TaskKey> {
        if self.current_coroutine.get().is_null() {
            None
        } else {
            self.current.get()
        }
    }

    /// The task whose own coroutine `lua` is, if it is the one that runs.
    #[inline]
    pub(crate) fn task_of(&self, lua: State) -> Option<TaskKey> {
        if self.current_coroutine.get() == lua.raw() {
            self.current.get()
        } else {
            None
        }
    }
}
