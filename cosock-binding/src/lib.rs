//! cosock's Lua face: every function that Lua sees, for the Lua that the crate's features choose.
//!
//! The module crates call [`entry_points`] and hold nothing else; the runner calls [`preload`].

mod addresses;
mod anchors;
mod arguments;
mod asyncify;
mod channel;
mod classes;
mod deadlock;
mod dns;
mod ffi;
mod finalized;
mod foreign;
mod lazy;
mod metadata;
mod mime;
mod nesting;
mod open;
mod options;
mod outcome;
#[cfg(own_pcall)]
mod pcall;
mod pins;
mod pusher;
mod run;
mod runtime;
mod select;
mod shims;
mod socket;
#[cfg(feature = "tls")]
mod ssl;
mod tasks;
mod tcp;
mod timers;
mod traceback;
mod udp;
mod wait;

#[doc(hidden)]
pub use mlua::ffi::lua_State;
pub use open::{Module, open, preload};

/// Defines the `luaopen_` functions of a module crate.
#[macro_export]
macro_rules! entry_points {
    ($($name:ident => $module:ident),+ $(,)?) => {
        $(
            #[doc = concat!("Lua's entry point for `require` of ", stringify!($module), ".")]
            ///
            /// # Safety
            ///
            /// Called by Lua's loader with a live state.
            #[unsafe(no_mangle)]
            pub unsafe extern "C-unwind" fn $name(
                state: *mut $crate::lua_State,
            ) -> ::std::ffi::c_int {
                // SAFETY: the caller's promise is what `open` asks for.
                unsafe { $crate::open(state, $crate::Module::$module) }
            }
        )+
    };
    () => {
        $crate::entry_points! {
            luaopen_cosock => Cosock,
            luaopen_cosock_socket => Socket,
            luaopen_cosock_socket_tcp => Tcp,
            luaopen_cosock_socket_udp => Udp,
            luaopen_cosock_socket_internals => Internals,
            luaopen_cosock_channel => Channel,
            luaopen_cosock_timers => Timers,
            luaopen_cosock_asyncify => Asyncify,
            luaopen_cosock_ssl => Ssl,
            luaopen_cosock_socket_http => Http,
            luaopen_cosock_ssl_https => Https,
        }
    };
}
