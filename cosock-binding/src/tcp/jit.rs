//! Receives that compiled Lua does by itself, on LuaJIT: a few lines of it cost less than a call of C.
//!
//! Where a receive leaves several more like it unread, it lends the bytes: puts them as one string into a table
//! that `lua/tcp_jit.lua` cuts from. Every function of C that looks at the unread bytes first takes them back, and
//! where an operation might look they are not lent; so all of the rest knows only the socket's own buffer. A
//! socket that never has much unread has no such table.

use std::cell::Cell;
use std::ffi::c_int;
use std::rc::Rc;

use cosock_core::buffer::Returns;
use cosock_core::socket::Tcp;

use crate::ffi::{Kind, State};
use crate::open::Module;
use crate::runtime::{Runtime, TCP};

/// Whether anything is ever lent.
pub(super) const MAY_LEND: bool = cfg!(feature = "luajit");

/// What is where in the table of a loan.
const BYTES: usize = 1;
/// The place of the first byte that is left, counted from 1.
const PLACE: usize = 2;
/// Whether there are carriage returns.
const RETURNS: usize = 3;
/// Before which place feeds end lines that are for Lua: up to it, every return stands before a feed, and the last
/// line is beyond it.
const LIMIT: usize = 4;

/// What is lent in one state.
#[derive(Debug, Default)]
pub(crate) struct Loans {
    /// The registry number of C's table of loans: `None` until it is asked for, 0 where nothing can be lent. There
    /// each is found by the address of its socket, and at 0 is the table in which Lua finds them by inner sockets.
    table: Cell<Option<c_int>>,
    /// How often a loan was begun.
    begun: Cell<u64>,
}

const OF_LUA: usize = 0;

impl Loans {
    /// Pushes C's table of loans, if there is one.
    fn push(&self, lua: State) -> bool {
        let table = self.table.get().unwrap_or_default();
        if table != 0 {
            lua.push_kept(table);
        }
        table != 0
    }
}

/// Pushes the address of a socket: as a number, for pointers have too few bits.
fn push_address(lua: State, socket: &Tcp) {
    lua.push_number(Rc::as_ptr(socket) as usize as f64);
}

/// Pushes what C's table of loans at `loans` has for the socket; tells whether that is a loan.
fn push_loan(lua: State, loans: c_int, socket: &Tcp) -> bool {
    push_address(lua, socket);
    lua.raw_get(loans);
    lua.kind(-1) == Kind::Table
}

/// Has the unread bytes here again, without those that Lua has cut. Makes nothing.
#[inline]
pub(crate) fn take_back(lua: State, runtime: &Runtime, socket: &Tcp) {
    if MAY_LEND && socket.borrow().is_lent() {
        end_loan(lua, runtime, socket);
    }
}

#[cold]
fn end_loan(lua: State, runtime: &Runtime, socket: &Tcp) {
    let top = lua.top();
    let (mut lent, mut gone) = (0, 0);
    if runtime.loans.push(lua) && push_loan(lua, top + 1, socket) {
        let loan = top + 2;
        lua.raw_get_at(loan, BYTES);
        if lua.kind(-1) == Kind::String {
            lent = lua.raw_len(-1);
            lua.raw_get_at(loan, PLACE);
            let place = lua.to_number(-1).unwrap_or_default();
            gone = (place as usize).saturating_sub(1);
        }
        empty(lua, loan);
    }
    lua.set_top(top);
    socket.borrow_mut().take_back(lent, gone);
}

/// Leaves nothing in a loan for Lua to cut. Makes nothing.
fn empty(lua: State, loan: c_int) {
    lua.push_bool(false);
    lua.raw_set_at(loan, BYTES);
}

/// After a receive whose result is on top: lends what it has left unread, if that is much. The inner socket is at
/// `inner`. May make a table and a string, and so run finalizers, which may end the socket, and raise.
#[inline]
pub(super) fn lend(lua: State, runtime: &Runtime, socket: &Tcp, inner: c_int) {
    if MAY_LEND
        && runtime.loans.table.get() != Some(0)
        && socket.borrow().is_worth_lending(lua.raw_len(-1))
    {
        begin_loan(lua, runtime, inner);
    }
}

#[cold]
fn begin_loan(lua: State, runtime: &Runtime, inner: c_int) {
    let top = lua.top();
    if runtime.loans.table.get().is_none() {
        prepare(lua, runtime);
    }
    // A hook that receives could come in the middle of another receive, which is atomic only in C.
    if !lua.has_hook() && runtime.loans.push(lua) && push_loan_or_make(lua, lua.top(), inner) {
        let loan = lua.top();
        let running = runtime.running_task();
        if let Some(socket) = lua.userdata(inner, TCP)
            && runtime.enter(lua, |core| core.leaves_alone(socket, running))
            && !socket.borrow().is_lent()
        {
            fill(lua, runtime, socket, inner, loan);
        }
    }
    lua.set_top(top);
}

/// Has Lua take over what it can do; once, even if that fails.
#[cold]
fn prepare(lua: State, runtime: &Runtime) {
    runtime.loans.table.set(Some(0));
    lua.push_kept(runtime.kept.get().modules);
    let modules = lua.top();
    lua.get_field(modules, c"cosock.tcp.jit");
    lua.raw_get_field(modules, Module::Tcp.name());
    lua.raw_get_field(modules, Module::Ssl.name());
    lua.call(2, 1);
    if lua.kind(-1) == Kind::Table {
        lua.new_table(0, 0);
        lua.insert(-2);
        lua.raw_set_at(-2, OF_LUA);
        runtime.loans.table.set(Some(lua.keep()));
    }
}

/// Pushes the loan of the socket in the userdata at `inner`, and makes one with nothing in it if there is none; tells
/// whether the socket is still there. C's table of loans is at `loans`.
fn push_loan_or_make(lua: State, loans: c_int, inner: c_int) -> bool {
    match lua.userdata(inner, TCP) {
        Some(socket) => push_loan(lua, loans, socket) || make_loan(lua, loans, inner),
        None => false,
    }
}

#[cold]
fn make_loan(lua: State, loans: c_int, inner: c_int) -> bool {
    lua.new_table(LIMIT as c_int, 0);
    let loan = lua.top();
    // A finalizer may have ended the socket meanwhile, or made its loan.
    let Some(socket) = lua.userdata(inner, TCP) else {
        return false;
    };
    if push_loan(lua, loans, socket) {
        return true;
    }
    lua.pop(1);
    empty(lua, loan);
    lua.raw_get_at(loans, OF_LUA);
    lua.push_value(inner);
    lua.push_value(loan);
    lua.raw_set(-3);
    push_address(lua, socket);
    lua.push_value(loan);
    lua.raw_set(loans);
    lua.set_top(loan);
    true
}

/// Lends to the loan at `loan`, which has nothing in it. The inner socket is at `inner`.
fn fill(lua: State, runtime: &Runtime, socket: &Tcp, inner: c_int, loan: c_int) {
    let begun = runtime.loans.begun.get() + 1;
    runtime.loans.begun.set(begun);
    let bytes = socket.borrow_mut().lend();
    let returns = Returns::find(bytes.as_slice());
    runtime.pins.push_chunk(lua, bytes);
    // Unless a finalizer has ended the socket, has taken them back, or has had others lent.
    let is_lent = (lua.userdata(inner, TCP)).is_some_and(|socket| socket.borrow().is_lent());
    if is_lent && runtime.loans.begun.get() == begun {
        let limit = (returns.lone + 1).min(lua.raw_len(-1));
        for (place, value) in [(PLACE, 1), (LIMIT, limit)] {
            lua.push_number(value as f64);
            lua.raw_set_at(loan, place);
        }
        lua.push_bool(returns.any);
        lua.raw_set_at(loan, RETURNS);
        lua.raw_set_at(loan, BYTES);
    }
}

/// Before the socket is finalized: nobody finds its loan any more.
pub(super) fn forget(lua: State, runtime: &Runtime, socket: &Tcp) {
    let top = lua.top();
    if MAY_LEND && runtime.loans.push(lua) && push_loan(lua, top + 1, socket) {
        empty(lua, top + 2);
        push_address(lua, socket);
        lua.push_nil();
        lua.raw_set(top + 1);
    }
    lua.set_top(top);
}
