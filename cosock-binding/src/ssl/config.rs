//! `ssl.config`: what a configuration may say.

use std::ffi::CStr;

use cosock_core::tls::{PROTOCOLS, curves, options};

use crate::ffi::State;

/// Pushes the table.
pub(super) fn push(lua: State) {
    lua.new_table(0, 5);
    let config = lua.top();
    let set = |name: &CStr, names: &mut dyn Iterator<Item = &'static str>| {
        lua.new_table(0, 0);
        for name in names {
            lua.push_str(name);
            lua.push_bool(true);
            lua.raw_set(config + 1);
        }
        lua.raw_set_field(config, name);
    };
    set(c"protocols", &mut PROTOCOLS.iter().map(|(name, _)| *name));
    set(c"algorithms", &mut ["ec"].into_iter());
    set(c"curves", &mut curves::names().iter().copied());
    set(
        c"options",
        &mut options::TABLE.iter().map(|(name, _)| *name),
    );
    set(
        c"capabilities",
        &mut ["alpn", "curves_list", "ecdh_auto"].into_iter(),
    );
    lua.raw_get_field(config, c"capabilities");
    lua.new_table(0, 1);
    lua.push_bool(true);
    lua.raw_set_field(-2, c"no_ee_namechecks");
    lua.raw_set_field(-2, c"dane");
    lua.pop(1);
}
