//! Says by `late_libraries` whether libraries can be loaded when they are first used, as on the one platform for
//! which `late.rs` knows how; by `late_openssl` whether OpenSSL is, which may be linked in; and by
//! `COSOCK_OPENSSL_MAJOR` which version.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(late_libraries, late_openssl)");
    println!("cargo::rerun-if-changed=build.rs");
    if !is_known_platform() {
        return;
    }
    println!("cargo::rustc-cfg=late_libraries");
    if !is_linked_in()
        && let Some(major) = major_version()
    {
        println!("cargo::rustc-cfg=late_openssl");
        println!("cargo::rustc-env=COSOCK_OPENSSL_MAJOR={major}");
    }
}

fn is_known_platform() -> bool {
    let is = |part: &str, value: &str| {
        env::var(format!("CARGO_CFG_TARGET_{part}")).as_deref() == Ok(value)
    };
    is("OS", "linux") && is("ENV", "gnu") && is("ARCH", "x86_64") && is("POINTER_WIDTH", "64")
}

/// By the variables of openssl-sys, of which one may begin with the target, and by what it tells of itself.
fn is_linked_in() -> bool {
    let target = env::var("TARGET").unwrap_or_default();
    let prefix = target.to_uppercase().replace('-', "_");
    let chosen = [
        "OPENSSL_STATIC".to_string(),
        format!("{prefix}_OPENSSL_STATIC"),
    ];
    for name in &chosen {
        println!("cargo::rerun-if-env-changed={name}");
    }
    env::var_os("DEP_OPENSSL_VENDORED").is_some()
        || chosen.iter().any(|name| env::var_os(name).is_some())
}

/// Since 3.0 the first digit of the version names the library. None without TLS.
fn major_version() -> Option<u64> {
    let number = env::var("DEP_OPENSSL_VERSION_NUMBER").ok()?;
    let major = u64::from_str_radix(&number, 16).ok()? >> 28;
    (major >= 3).then_some(major)
}
