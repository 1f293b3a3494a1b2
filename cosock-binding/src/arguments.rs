//! Reading arguments, and refusing them with the words that Lua's own library has.

use std::ffi::c_int;
use std::fmt;

use crate::ffi::{Kind, State};
use crate::runtime::Runtime;

/// The level of the caller, for functions that older versions reach through a Lua wrapper.
///
/// On 5.1 and LuaJIT a C function cannot go on after a yield, so blocking methods have a Lua frame
/// in front there.
pub(crate) const WRAPPED: c_int = if cfg!(continuations) { 1 } else { 2 };

/// The level of the caller, for all other functions.
pub(crate) const DIRECT: c_int = 1;

/// A function as error messages name it, where its caller is, and how many arguments it got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    pub(crate) name: &'static str,
    pub(crate) level: c_int,
    pub(crate) count: c_int,
}

impl Called {
    pub(crate) fn direct(lua: State, name: &'static str) -> Called {
        Called {
            name,
            level: DIRECT,
            count: lua.top(),
        }
    }

    pub(crate) fn wrapped(lua: State, name: &'static str) -> Called {
        Called {
            name,
            level: WRAPPED,
            count: lua.top(),
        }
    }

    /// A function that waits on socket objects, and only tries on inner ones.
    pub(crate) fn blocking<const INNER: bool>(lua: State, name: &'static str) -> Called {
        Called::blocking_with::<INNER>(name, lua.top())
    }

    /// [`Called::blocking`], with so many arguments.
    pub(crate) const fn blocking_with<const INNER: bool>(
        name: &'static str,
        count: c_int,
    ) -> Called {
        Called {
            name,
            level: if INNER { DIRECT } else { WRAPPED },
            count,
        }
    }
}

/// Raises a message at the caller's position.
pub(crate) fn raise(lua: State, level: c_int, message: fmt::Arguments<'_>) -> ! {
    lua.push_where(level);
    push_format(lua, message);
    lua.concat(2);
    lua.raise_top()
}

/// `raise(message)`: raises it at the position of whoever called our Lua.
pub(crate) fn raise_text(lua: State, _: &Runtime) -> c_int {
    lua.set_top(1);
    lua.push_where(1);
    lua.insert(1);
    lua.concat(2);
    lua.raise_top()
}

/// Raises Lua's own error for what there is no memory for.
#[cold]
pub(crate) fn raise_no_memory(lua: State) -> ! {
    // Every state has this text from its beginning.
    lua.push_str("not enough memory");
    lua.raise_top()
}

/// Raises where there is no memory for a few small things of ours, whose making cannot fail.
pub(crate) fn check_memory(lua: State) {
    if cosock_core::room::for_small_things().is_err() {
        raise_no_memory(lua);
    }
}

/// Pushes formatted text, cut to what fits: no heap is touched, since pushing may raise.
pub(crate) fn push_format(lua: State, message: fmt::Arguments<'_>) {
    let mut text = Text {
        bytes: [0; 512],
        length: 0,
    };
    let _ = fmt::write(&mut text, message);
    lua.push_bytes(&text.bytes[..text.length]);
}

struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl fmt::Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.bytes.len() - self.length;
        let taken = part.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&part.as_bytes()[..taken]);
        self.length += taken;
        if taken == part.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// Raises "bad argument".
pub(crate) fn refuse(lua: State, called: Called, argument: c_int, why: fmt::Arguments<'_>) -> ! {
    let name = called.name;
    raise(
        lua,
        called.level,
        format_args!("bad argument #{argument} to '{name}' ({why})"),
    )
}

/// Raises "bad argument": another type was expected.
pub(crate) fn refuse_kind(lua: State, called: Called, argument: c_int, expected: &str) -> ! {
    let got = if argument > called.count {
        "no value"
    } else {
        lua.type_name(argument)
    };
    refuse(
        lua,
        called,
        argument,
        format_args!("{expected} expected, got {got}"),
    )
}

/// A number, or a string that spells one.
#[inline]
pub(crate) fn number(lua: State, called: Called, argument: c_int) -> f64 {
    match lua.to_number_mostly_whole(argument) {
        Some(number) => number,
        None => refuse_kind(lua, called, argument, "number"),
    }
}

/// A descriptor: a number without its fraction, or -1 for what cannot be one.
pub(crate) fn descriptor(lua: State, called: Called, argument: c_int) -> c_int {
    to_descriptor(number(lua, called, argument))
}

/// The number without its fraction, or -1 for what cannot be a descriptor: NaN is not 0.
pub(crate) fn to_descriptor(number: f64) -> c_int {
    if (0.0..=f64::from(c_int::MAX)).contains(&number) {
        number as c_int
    } else {
        -1
    }
}

/// A number, or `default` when the argument is missing.
pub(crate) fn number_or(lua: State, called: Called, argument: c_int, default: f64) -> f64 {
    if lua.is_nil(argument) {
        default
    } else {
        number(lua, called, argument)
    }
}

/// A string, or a number as its text. The bytes live while the argument keeps its slot.
pub(crate) fn bytes<'a>(lua: State, called: Called, argument: c_int) -> &'a [u8] {
    match lua.to_bytes(argument) {
        Some(bytes) => bytes,
        None => refuse_kind(lua, called, argument, "string"),
    }
}

/// A timeout in seconds: `None` for nil, false and negative numbers, which wait without limit.
pub(crate) fn timeout(lua: State, called: Called, argument: c_int) -> Option<f64> {
    match timeout_value(lua, argument) {
        Ok(timeout) => timeout,
        Err(BadTimeout::NotANumber) => refuse(
            lua,
            called,
            argument,
            format_args!("timeout is not a number (NaN)"),
        ),
        Err(BadTimeout::Kind) => refuse_kind(lua, called, argument, "number"),
    }
}

/// Why a value is no timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadTimeout {
    NotANumber,
    Kind,
}

/// A timeout that is no argument but a field, or an element of a yield.
#[inline]
pub(crate) fn given_timeout(lua: State, index: c_int, level: c_int) -> Option<f64> {
    match timeout_value(lua, index) {
        Ok(timeout) => timeout,
        Err(why) => raise_bad_timeout(lua, index, level, why),
    }
}

#[cold]
fn raise_bad_timeout(lua: State, index: c_int, level: c_int, why: BadTimeout) -> ! {
    match why {
        BadTimeout::NotANumber => {
            raise(lua, level, format_args!("bad timeout (not a number, NaN)"))
        }
        BadTimeout::Kind => {
            let got = lua.type_name(index);
            raise(
                lua,
                level,
                format_args!("bad timeout (number expected, got {got})"),
            )
        }
    }
}

/// Reads a timeout without raising.
pub(crate) fn timeout_value(lua: State, index: c_int) -> Result<Option<f64>, BadTimeout> {
    match lua.kind(index) {
        Kind::None | Kind::Nil => Ok(None),
        Kind::Boolean if !lua.to_bool(index) => Ok(None),
        _ => match lua.to_number(index) {
            Some(seconds) if seconds.is_nan() => Err(BadTimeout::NotANumber),
            Some(seconds) => Ok((seconds >= 0.0).then_some(seconds)),
            None => Err(BadTimeout::Kind),
        },
    }
}
