//! Userdata that own values of ours, and the one that holds the runtime.

use std::ffi::c_int;
use std::marker::PhantomData;

use mlua::ffi;

use super::functions::note_runtime;
use super::{RawState, State};
use crate::runtime::Runtime;

// SAFETY of the whole block: rules 1 to 3 of `ffi`; each method adds what is its own.
#[allow(clippy::undocumented_unsafe_blocks)]
impl State {
    /// Pushes a userdata of `class` that owns the value which `make` makes; none exists when memory
    /// runs out. The caller gives it a metatable whose `__gc` is [`State::take_userdata`] of the
    /// same class.
    pub(crate) fn push_userdata<T>(self, class: Class<T>, make: impl FnOnce() -> T) {
        self.push_block(class, false, make);
    }

    /// The same, with room for [`State::set_user_table`].
    pub(crate) fn push_userdata_with_room<T>(self, class: Class<T>, make: impl FnOnce() -> T) {
        self.push_block(class, true, make);
    }

    #[inline]
    fn push_block<T>(self, class: Class<T>, room: bool, make: impl FnOnce() -> T) {
        const { assert!(align_of::<Block<T>>() <= 8) };
        let size = size_of::<Block<T>>();
        unsafe {
            #[cfg(any(feature = "lua54", feature = "lua55"))]
            let place = ffi::lua_newuserdatauv(self.0, size, c_int::from(room));
            // Older versions have room in each.
            #[cfg(not(any(feature = "lua54", feature = "lua55")))]
            let (place, _) = (ffi::lua_newuserdata(self.0, size), room);
            let place = place.cast::<Block<T>>();
            // Until the value is there, the block is nobody's.
            place.cast::<usize>().write(0);
            place.write(Block {
                mark: class.mark(),
                value: Some(make()),
            });
        }
    }

    /// The value of the userdata at `index`, if it is one of `class`.
    ///
    /// Told by its size and by a mark that no other library writes: cheaper than by its metatable.
    /// The reference is good while the userdata stays on the stack or anchored elsewhere.
    #[inline]
    pub(crate) fn userdata<'a, T>(self, index: c_int, class: Class<T>) -> Option<&'a T> {
        unsafe {
            // A light userdata has no length, and no other value a pointer or this length.
            let place = ffi::lua_touserdata(self.0, index).cast::<Block<T>>();
            if place.is_null() || ffi::lua_rawlen(self.0, index) as usize != size_of::<Block<T>>() {
                return None;
            }
            let mark = place.cast::<usize>().read();
            // `push_block` alone writes this mark, and beside it a value of the type that the marks have.
            if mark == class.mark() {
                (*place).value.as_ref()
            } else {
                None
            }
        }
    }

    /// Takes the value out of a userdata of this class: once, however often `__gc` is called. What is
    /// to be known of it afterwards, in finalizers that still reach the userdata, `remains` tells.
    pub(crate) fn take_userdata_leaving<T>(
        self,
        index: c_int,
        class: Class<T>,
        remains: impl FnOnce(&T) -> u8,
    ) -> Option<T> {
        let remains = remains(self.userdata(index, class)?);
        let value = self.take_userdata(index, class);
        // SAFETY: `userdata` has just checked the class, and an empty block has no other reader.
        unsafe {
            (*ffi::lua_touserdata(self.0, index).cast::<Block<T>>()).mark =
                class.mark_of_remains(remains);
        }
        value
    }

    /// What [`State::take_userdata_leaving`] left of the userdata of this class at `index`.
    pub(crate) fn remains<T>(self, index: c_int, class: Class<T>) -> Option<u8> {
        unsafe {
            let place = ffi::lua_touserdata(self.0, index).cast::<Block<T>>();
            if place.is_null() || ffi::lua_rawlen(self.0, index) as usize != size_of::<Block<T>>() {
                return None;
            }
            // Cannot overflow where it is one of ours, and else is out of range.
            let remains = place
                .cast::<usize>()
                .read()
                .wrapping_sub(class.mark_of_remains(0));
            u8::try_from(remains).ok()
        }
    }

    /// Takes the value out of a userdata of this class: once, however often `__gc` is called.
    pub(crate) fn take_userdata<T>(self, index: c_int, class: Class<T>) -> Option<T> {
        self.userdata(index, class)?;
        // SAFETY: `userdata` has just checked the class, and no reference outlives its function.
        unsafe {
            (*ffi::lua_touserdata(self.0, index).cast::<Block<T>>())
                .value
                .take()
        }
    }

    /// Lua's own associated value of the userdata at `index`: a table.
    pub(crate) fn push_user_table(self, index: c_int) {
        unsafe { ffi::lua_getuservalue(self.0, index) };
    }

    /// Pops a table and associates it with the userdata, which has room for it. May raise for lack of memory.
    pub(crate) fn set_user_table(self, index: c_int) {
        unsafe {
            ffi::lua_setuservalue(self.0, index);
        }
    }
}

/// What a userdata of ours holds; the mark comes first.
#[repr(C)]
struct Block<T> {
    mark: usize,
    value: Option<T>,
}

/// The places whose addresses are the marks of one kind of userdata, so that they cannot be marks of anybody
/// else: the first of those that own a value, the others of those that are finalized.
pub(crate) struct Marks<T> {
    places: [u8; 1 + 256],
    value: PhantomData<fn() -> T>,
}

impl<T> Marks<T> {
    pub(crate) const fn new() -> Marks<T> {
        Marks {
            places: [0; 1 + 256],
            value: PhantomData,
        }
    }
}

/// One kind of userdata, whose value is a `T`: those that bear its marks.
pub(crate) struct Class<T: 'static>(&'static Marks<T>);

impl<T> Clone for Class<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Class<T> {}

impl<T> Class<T> {
    /// The class that has these marks to itself: a `static` has a type, so no value of another has them.
    pub(crate) const fn new(marks: &'static Marks<T>) -> Class<T> {
        Class(marks)
    }

    fn mark(self) -> usize {
        self.0.places.as_ptr() as usize
    }

    fn mark_of_remains(self, remains: u8) -> usize {
        self.mark() + 1 + usize::from(remains)
    }
}

/// Pushes the userdata by which functions find the runtime, which lies in it.
///
/// Takes a function that makes the runtime, so that none exists when memory runs out. May raise for
/// lack of memory.
///
/// # Errors
///
/// What the function reports; nothing is pushed then.
pub(crate) fn push_runtime<E>(
    lua: State,
    make: impl FnOnce() -> Result<Runtime, E>,
) -> Result<*const Runtime, E> {
    const { assert!(align_of::<Runtime>() <= 8) };
    // SAFETY: rules 1 and 3. The userdata gets its finalizer only when there is something in it.
    unsafe {
        let place = ffi::lua_newuserdata(lua.0, size_of::<Runtime>()).cast::<Runtime>();
        lua.new_table(0, 1);
        ffi::lua_pushcfunction(lua.0, close_runtime);
        lua.raw_set_field(-2, c"__gc");
        match make() {
            Ok(runtime) => {
                place.write(runtime);
                note_runtime(place);
                lua.set_metatable(-2);
                Ok(place.cast_const())
            }
            Err(error) => {
                lua.pop(2);
                Err(error)
            }
        }
    }
}

/// `__gc` of the runtime's userdata: the state is closing. Its memory outlives every finalizer, for
/// the registry holds it; functions that are called by later ones find it closed, and raise.
unsafe extern "C-unwind" fn close_runtime(raw: *mut RawState) -> c_int {
    // SAFETY: Lua calls this with a live state and the userdata; user code cannot reach the
    // metatable, as nothing hands the userdata out.
    unsafe { (*ffi::lua_touserdata(raw, 1).cast::<Runtime>()).close() };
    0
}
