//! Whom to trust: certificates of authorities, from files or from the system.

use std::ffi::CString;

use openssl::ssl::SslContextBuilder;

use super::error::{Cause, attempt};
use super::ffi;
use super::files::Readable;

/// The word for the system's own authorities, in place of a file's name. A file of this name is
/// `./system`.
const SYSTEM: &[u8] = b"system";

/// Trusts the certificates in a file, or those of the system.
pub(super) fn file(builder: &mut SslContextBuilder, file: &[u8]) -> Result<(), Cause> {
    if file == SYSTEM {
        return trust_system(builder).map_err(Cause::other);
    }
    let found = Readable::find(file)?;
    attempt(|| ffi::load_verify_locations(builder, Some(found.name()), None))
        .map_err(|why| Cause::unusable(file, why))
}

/// Trusts the certificates in a directory that is sorted by hashes.
pub(super) fn directory(builder: &mut SslContextBuilder, directory: &[u8]) -> Result<(), Cause> {
    let path =
        CString::new(directory).map_err(|error| Cause::unreadable(directory, &error.into()))?;
    attempt(|| ffi::load_verify_locations(builder, None, Some(&path)))
        .map_err(|why| Cause::unusable(directory, why))
}

/// The distribution's OpenSSL knows where the distribution has its authorities.
#[cfg(not(feature = "tls-vendored"))]
fn trust_system(builder: &mut SslContextBuilder) -> Result<(), String> {
    attempt(|| builder.set_default_verify_paths())
}

/// An OpenSSL of our own has to look where distributions have them, unless the environment tells.
#[cfg(feature = "tls-vendored")]
fn trust_system(builder: &mut SslContextBuilder) -> Result<(), String> {
    use std::os::unix::ffi::OsStringExt;

    if ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        return attempt(|| builder.set_default_verify_paths());
    }
    let name = |path: std::path::PathBuf| CString::new(path.into_os_string().into_vec()).ok();
    let found = openssl_probe::probe();
    let file = found.cert_file.and_then(name);
    let directories: Vec<_> = found.cert_dir.into_iter().filter_map(name).collect();
    if file.is_none() && directories.is_empty() {
        return Err("the system's are not where they usually are".to_owned());
    }
    if let Some(file) = file {
        attempt(|| ffi::load_verify_locations(builder, Some(&file), None))?;
    }
    for directory in directories {
        attempt(|| ffi::load_verify_locations(builder, None, Some(&directory)))?;
    }
    Ok(())
}
