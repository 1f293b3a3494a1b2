//! Certificate objects, and `ssl.loadcertificate`.

use std::ffi::c_int;

use cosock_core::tls::Certificate;

use super::CERTIFICATE;
use crate::ffi::State;
use crate::runtime::Runtime;

/// Makes the metatable of certificates, and keeps it.
pub(crate) fn make_class(lua: State, _: &Runtime) -> c_int {
    lua.new_table(0, 4);
    lua.keep()
}

/// Pushes a certificate object.
pub(crate) fn push_certificate(lua: State, _: &Runtime, certificate: Certificate) {
    lua.push_userdata(CERTIFICATE, || certificate);
}

/// `loadcertificate(pem)`.
pub(crate) fn load(_: State, _: &Runtime) -> c_int {
    0
}
