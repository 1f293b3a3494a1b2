//! The system's unwinder, libgcc's. Only a panic or a backtrace needs it, that is, a bug of ours, and with it `require`
//! would take a fifth longer. So it is loaded when it is first needed.
//!
//! It is the one that everybody else in the process uses, so what others throw may pass through here.

use crate::late::late;

late! {
    "cosock_unwinder", "the unwinder", "libgcc_s.so.1\0",
    _Unwind_Backtrace _Unwind_DeleteException _Unwind_GetDataRelBase _Unwind_GetIP _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart _Unwind_GetTextRelBase
    _Unwind_RaiseException _Unwind_Resume _Unwind_SetGR _Unwind_SetIP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_goes_through_it() {
        struct Dropped<'a>(&'a std::cell::Cell<bool>);
        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let dropped = std::cell::Cell::new(false);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _dropped = Dropped(&dropped);
            std::panic::resume_unwind(Box::new(7));
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&7));
        assert!(dropped.get());
        // SAFETY: the slots were filled before the panic got here, and nobody writes to them any more.
        assert!(unsafe { SLOTS }.iter().all(|slot| !slot.is_null()));
    }
}
