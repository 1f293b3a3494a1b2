//! Tells one version of some files from another: FNV-1a, 64 bits.

/// A sum over bytes.
pub struct Fingerprint(u64);

impl Fingerprint {
    /// That of nothing.
    #[must_use]
    pub fn new() -> Fingerprint {
        Fingerprint(0xcbf2_9ce4_8422_2325)
    }

    /// Goes on with these bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The sum of all bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Fingerprint::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_fnv_1a() {
        let of = |text: &str| {
            let mut print = Fingerprint::new();
            print.take(text.as_bytes());
            print.value()
        };
        assert_eq!(of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of("foobar"), 0x8594_4171_f739_67e8);
    }
}
