//! Why a configuration is refused, in LuaSec's words.

use std::borrow::Cow;
use std::fmt;
use std::io;

use openssl::error::ErrorStack;

use super::{ffi, words};
use crate::error::io_text;

/// Why a configuration is refused. Its text is what LuaSec says, with the cause in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no such protocol.
    Protocol(String),
    /// There is no such mode.
    Mode(String),
    /// A private key cannot be used.
    Key(Cause),
    /// A private key is encrypted, and no password was given; the value is its file.
    PasswordNeeded(String),
    /// A certificate cannot be used.
    Certificate(Cause),
    /// A key and a certificate do not belong together; the value is their files.
    KeyMismatch(String),
    /// Trusted certificates cannot be read.
    Locations(Cause),
    /// There is no such cipher that can be used: why, and the field that should name it.
    Ciphers(String, &'static str),
    /// There is no such option of verifying.
    VerifyOption(String),
    /// There is no such option.
    Option(String),
    /// Parameters for Diffie-Hellman cannot be used.
    DhParameters(String),
    /// A list of curves names an unknown one.
    CurvesList(String),
    /// There is no such curve, or it is none for a key exchange of this kind.
    Curve(String),
    /// What should be names of protocols is something else.
    AlpnParameter,
    /// A name of a protocol is empty.
    AlpnEmptyName,
    /// A name of a protocol is longer than 255 bytes.
    AlpnLongName,
    /// There are no names of protocols.
    AlpnEmptyList,
    /// There are more names of protocols than fit into the first message.
    AlpnLongList,
    /// The peer's name cannot be verified as asked for.
    VerifyHost(&'static str),
    /// OpenSSL cannot be loaded, or fails where only lack of memory is to blame.
    Library(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Protocol(name) => write!(f, "invalid protocol ({name})"),
            ConfigError::Mode(name) => write!(f, "invalid mode ({name})"),
            ConfigError::Key(cause) => write!(f, "error loading private key {cause}"),
            ConfigError::PasswordNeeded(path) => {
                write!(
                    f,
                    "error loading private key ({path}: a password is needed)"
                )
            }
            ConfigError::Certificate(cause) => write!(f, "error loading certificate {cause}"),
            ConfigError::KeyMismatch(files) => {
                write!(f, "private key does not match public key ({files})")
            }
            ConfigError::Locations(cause) => write!(f, "error loading CA locations {cause}"),
            ConfigError::Ciphers(why, field) => {
                write!(f, "error setting cipher list ({why}) in {field}")
            }
            ConfigError::VerifyOption(name) => write!(f, "invalid verify option ({name})"),
            ConfigError::Option(name) => write!(f, "invalid option ({name})"),
            ConfigError::DhParameters(why) => write!(f, "invalid DH parameters ({why})"),
            ConfigError::CurvesList(list) => write!(f, "unknown elliptic curve in \"{list}\""),
            ConfigError::Curve(name) => write!(f, "elliptic curve '{name}' not supported"),
            ConfigError::AlpnParameter => f.write_str("invalid ALPN parameter"),
            ConfigError::AlpnEmptyName => f.write_str("invalid ALPN name (empty string)"),
            ConfigError::AlpnLongName => f.write_str("invalid ALPN name (length > 255)"),
            ConfigError::AlpnEmptyList => f.write_str("invalid ALPN list (empty)"),
            ConfigError::AlpnLongList => f.write_str("invalid ALPN list (too long)"),
            ConfigError::VerifyHost(why) => write!(f, "invalid verify_host ({why})"),
            ConfigError::Library(why) => write!(f, "error creating context ({why})"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Why a file cannot be used, as it stands in a message: LuaSec's words in parentheses, then the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    why: String,
    /// Absent where `why` names it, and for what is no file.
    file: Option<String>,
}

impl Cause {
    /// The file cannot be read.
    pub(super) fn unreadable(path: &[u8], error: &io::Error) -> Cause {
        Cause {
            why: format!("{}: {}", text(path), io_text(error)),
            file: None,
        }
    }

    /// What is in the file is of no use.
    pub(super) fn unusable(path: &[u8], why: String) -> Cause {
        Cause {
            why,
            file: Some(text(path)),
        }
    }

    /// What is wrong lies in no file.
    pub(super) fn other(why: String) -> Cause {
        Cause { why, file: None }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = &self.why;
        match &self.file {
            Some(file) => write!(f, "({why}) from '{file}'"),
            None => write!(f, "({why})"),
        }
    }
}

/// Takes a step that OpenSSL may refuse, and gives its reason.
///
/// OpenSSL queues errors, also those that it dealt with itself: what is there before the step is
/// dropped, so that no old reason explains a new failure.
pub(super) fn attempt<T>(step: impl FnOnce() -> Result<T, ErrorStack>) -> Result<T, String> {
    ffi::clear_errors();
    step().map_err(|stack| reason(&stack))
}

/// The reason of the first error, which is the cause of those after it.
pub(super) fn reason(stack: &ErrorStack) -> String {
    words::reason(stack).map_or_else(|| "unknown reason".to_owned(), Cow::into_owned)
}

/// Bytes that came from Lua, for a message.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
