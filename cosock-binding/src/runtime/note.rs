//! What the binding notes of each task beside what the scheduler knows: mainly how the result of its operation looks
//! in Lua.

use crate::dns::Report;

/// What the binding notes of a task, which the scheduler keeps for it as a number. Nothing holds on to a copy while
/// Lua may run: a finalizer can end the task, and then the note is another's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// How the result of its operation looks in Lua.
    pub(crate) shape: Shape,
    /// Whether it has an error handler of its own, or may have objects that it selects on.
    pub(crate) has_more: bool,
}

impl Note {
    /// As the scheduler keeps it.
    pub(crate) fn number(self) -> u8 {
        self.shape.number() << 1 | u8::from(self.has_more)
    }

    pub(crate) fn of(number: u8) -> Note {
        Note {
            shape: Shape::of(number >> 1).unwrap_or_default(),
            has_more: number & 1 != 0,
        }
    }
}

/// How an operation's result becomes Lua values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No values.
    #[default]
    Nothing,
    /// A string; when it has a prefix, that is in the anchor.
    Received { prefixed: bool },
    /// The index of the last byte sent, counted from the start of the string.
    Sent,
    /// The length of a datagram, which is the anchored string.
    SentDatagram,
    /// A new socket object.
    Accepted,
    /// One; the anchored socket has become a client.
    Connected,
    /// True, or false and why not; nil when a handshake asks something.
    Handshake,
    /// One; the anchored socket is as it says itself.
    One,
    /// A string, and with `from` the sender's address.
    Datagram { from: bool },
    /// What a look-up found.
    Names(Report),
}

/// Makes both conversions between shapes and their numbers from one list. The compiler refuses a shape that is missing
/// in it, and a number or a shape that is there twice.
macro_rules! number_shapes {
    ($($number:literal => $shape:ident $({ $($field:tt)* })? $(($($argument:tt)*))?,)*) => {
        impl Shape {
            fn number(self) -> u8 {
                match self {
                    $(Shape::$shape $({ $($field)* })? $(($($argument)*))? => $number,)*
                }
            }

            fn of(number: u8) -> Option<Shape> {
                match number {
                    $($number => Some(Shape::$shape $({ $($field)* })? $(($($argument)*))?),)*
                    _ => None,
                }
            }
        }
    };
}

number_shapes! {
    0 => Nothing,
    1 => Received { prefixed: false },
    2 => Received { prefixed: true },
    3 => Sent,
    4 => Accepted,
    5 => Connected,
    6 => Handshake,
    7 => One,
    8 => Datagram { from: false },
    9 => Datagram { from: true },
    10 => Names(Report::Address),
    11 => Names(Report::Name),
    12 => Names(Report::List),
    13 => Names(Report::Names),
    14 => SentDatagram,
}

#[cfg(test)]
mod tests {
    use super::{Note, Shape};

    #[test]
    fn a_note_is_what_its_number_says() {
        let shapes: Vec<Shape> = (0..=127).filter_map(Shape::of).collect();
        assert!(shapes.contains(&Shape::default()));
        for shape in shapes {
            for has_more in [false, true] {
                let note = Note { shape, has_more };
                assert_eq!(Note::of(note.number()), note);
            }
        }
    }
}
