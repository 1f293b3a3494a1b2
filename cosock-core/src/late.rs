//! Libraries that are loaded when they are first used, and not with this one: a program that never uses them
//! does not pay for them, and runs where they are missing.
//!
//! Each of their functions that is called here is defined here, too, hidden from everybody else, as a jump to
//! where its slot leads; while the slot is empty, first to what loads the library and fills all slots. A
//! function that the list lacks works as well, but then the linker finds it in the library, which is needed
//! from the start; `ci/build` refuses such a module.

use std::ffi::{CStr, c_void};
use std::io::{self, Write as _};

/// Slots have a page of their own, which nobody can write once they are filled. It is empty before, so it
/// costs nothing until then.
pub(crate) const PAGE: usize = 4096;

/// Defines the functions of a library, beside their names and slots as `NAMES` and `SLOTS`, and `load`, which
/// loads it unless it is there, or tells why it cannot be. `$prefix` tells its labels from those of other
/// libraries, `$what` is its name in errors, and `$library` its file's, which ends in a NUL.
macro_rules! late {
    ($prefix:literal, $what:expr, $library:expr, $($name:ident)*) => {
        const NAMES: &[&str] = &[$(concat!(stringify!($name), "\0")),*];

        const _: () =
            assert!(NAMES.len() * size_of::<*const std::ffi::c_void>() <= crate::late::PAGE);

        std::arch::global_asm!(
            concat!(".pushsection .bss.", $prefix, ", \"aw\", @nobits"),
            ".balign {page}",
            concat!(".globl ", $prefix, "_slots"),
            concat!(".hidden ", $prefix, "_slots"),
            concat!($prefix, "_slots:"),
            $(concat!(".Lslot_", stringify!($name), ": .zero 8"),)*
            ".balign {page}",
            ".popsection",
            concat!(".pushsection .text.", $prefix, ", \"ax\", @progbits"),
            $(
                concat!(".globl ", stringify!($name)),
                concat!(".hidden ", stringify!($name)),
                concat!(".type ", stringify!($name), ", @function"),
                concat!(stringify!($name), ": mov .Lslot_", stringify!($name), "(%rip), %r11"),
                "test %r11, %r11",
                concat!("jz .Lfirst_", stringify!($name)),
                "jmp *%r11",
                concat!(".Lfirst_", stringify!($name), ": lea .Lslot_", stringify!($name), "(%rip), %r11"),
                concat!("jmp .Lload_", $prefix),
            )*
            // What may hold an argument keeps it; no function in a list takes floating-point numbers.
            concat!(".Lload_", $prefix, ":"),
            "push %rdi", "push %rsi", "push %rdx", "push %rcx", "push %r8", "push %r9", "push %rax",
            "push %r11",
            "sub $8, %rsp",
            "call {load}",
            "add $8, %rsp",
            "pop %r11",
            "pop %rax", "pop %r9", "pop %r8", "pop %rcx", "pop %rdx", "pop %rsi", "pop %rdi",
            "jmp *(%r11)",
            ".popsection",
            page = const crate::late::PAGE,
            load = sym load_or_abort,
            options(att_syntax),
        );

        unsafe extern "C" {
            #[link_name = concat!($prefix, "_slots")]
            static mut SLOTS: [*mut std::ffi::c_void; NAMES.len()];
        }

        pub(super) fn load() -> Result<(), &'static str> {
            static LOADED: std::sync::OnceLock<Result<(), String>> = std::sync::OnceLock::new();
            let loaded = LOADED.get_or_init(|| {
                let library = crate::late::open($what, $library)?;
                let found = crate::late::find($what, library, NAMES)?;
                // SAFETY: these are the slots.
                unsafe { crate::late::fill($what, &raw mut SLOTS, &found) }
            });
            loaded.as_ref().copied().map_err(String::as_str)
        }

        /// For a call before anybody has loaded it, which has no way to fail.
        extern "C" fn load_or_abort() {
            if let Err(why) = load() {
                crate::late::abort(why);
            }
        }
    };
}
pub(crate) use late;

/// Opens a library, whose name ends in a NUL; `what` is its name in errors.
pub(crate) fn open(what: &str, name: &str) -> Result<*mut c_void, String> {
    // SAFETY: the name ends in a NUL. What the library does when it is loaded it may do in any thread.
    let library = unsafe { libc::dlopen(name.as_ptr().cast(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        // SAFETY: after a failure, a text of this thread's, until its next call of this kind.
        let why = unsafe { CStr::from_ptr(libc::dlerror()) };
        return Err(format!(
            "{what} cannot be loaded: {}",
            why.to_string_lossy()
        ));
    }
    Ok(library)
}

/// Where the functions of these names are in an open library, or what it needs.
pub(crate) fn find<const COUNT: usize>(
    what: &str,
    library: *mut c_void,
    names: &[&str],
) -> Result<[*mut c_void; COUNT], String> {
    let mut found = [std::ptr::null_mut(); COUNT];
    for (place, name) in found.iter_mut().zip(names) {
        // SAFETY: the library stays open, and the name ends in a NUL.
        *place = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
        if place.is_null() {
            let name = name.trim_end_matches('\0');
            return Err(format!("{what} cannot be used: it has no {name}"));
        }
    }
    Ok(found)
}

/// Has the slots lead to what was found.
///
/// # Safety
///
/// `slots` are those that [`late!`] defines.
pub(crate) unsafe fn fill<const COUNT: usize>(
    what: &str,
    slots: *mut [*mut c_void; COUNT],
    found: &[*mut c_void; COUNT],
) -> Result<(), String> {
    // SAFETY: the page is mapped for good, and nobody else writes to it. A thread that jumps meanwhile
    // reads each slot as a whole, as it was or as it is, and both lead on. From then on the page is read alone.
    let protected = unsafe {
        for (place, function) in found.iter().enumerate() {
            (&raw mut (*slots)[place]).write_volatile(*function);
        }
        libc::mprotect(slots.cast(), PAGE, libc::PROT_READ)
    };
    if protected != 0 {
        return Err(format!(
            "{what} cannot be used: its functions cannot be protected"
        ));
    }
    Ok(())
}

/// Ends the process, which cannot go on without the library.
pub(crate) fn abort(why: &str) -> ! {
    // Not by `eprintln`, which panics when nobody reads.
    let _ = writeln!(io::stderr(), "cosock: {why}");
    std::process::abort();
}
