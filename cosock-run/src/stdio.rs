//! C's standard streams, which Lua's `print`, `io.write` and `io.read` share with the runner.

use std::ffi::CStr;

use libc::FILE;

/// A standard stream to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// `stdout`, buffered when it is no terminal.
    Standard,
    /// `stderr`, never buffered.
    Error,
}

unsafe extern "C" {
    #[cfg_attr(target_vendor = "apple", link_name = "__stdinp")]
    static stdin: *mut FILE;
    #[cfg_attr(target_vendor = "apple", link_name = "__stdoutp")]
    static stdout: *mut FILE;
    #[cfg_attr(target_vendor = "apple", link_name = "__stderrp")]
    static stderr: *mut FILE;
}

/// Writes the parts one after the other. A stream that cannot be written is no error here, as it is
/// none in `lua`.
pub(crate) fn write(output: Output, parts: &[&[u8]]) {
    for part in parts {
        // SAFETY: `part` is as long as it says, and the C runtime opened the stream.
        unsafe { libc::fwrite(part.as_ptr().cast(), 1, part.len(), stream(output)) };
    }
}

/// Makes everything written so far visible.
pub(crate) fn flush(output: Output) {
    // SAFETY: the C runtime opened the stream.
    unsafe { libc::fflush(stream(output)) };
}

/// Reads up to the end of a line, or as much of it as `buffer` takes with a closing NUL; `None` at
/// the end of input. The line ends at a NUL byte, and its newline is not part of it.
pub(crate) fn read_line(buffer: &mut [u8]) -> Option<&CStr> {
    let size = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
    // SAFETY: `fgets` writes at most `size` bytes, the last of them NUL, and the stream is open.
    let end = unsafe { libc::fgets(buffer.as_mut_ptr().cast(), size, stdin) };
    if end.is_null() {
        return None;
    }
    let length = buffer.iter().position(|&byte| byte == 0)?;
    if length > 0 && buffer[length - 1] == b'\n' {
        buffer[length - 1] = 0;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

/// Whether standard input is a terminal.
pub(crate) fn input_is_terminal() -> bool {
    // SAFETY: `isatty` accepts any number.
    unsafe { libc::isatty(libc::STDIN_FILENO) == 1 }
}

fn stream(output: Output) -> *mut FILE {
    // SAFETY: C's variables, set before `main` and not changed by the runner or by Lua.
    unsafe {
        match output {
            Output::Standard => stdout,
            Output::Error => stderr,
        }
    }
}
