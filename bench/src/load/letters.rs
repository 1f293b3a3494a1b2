//! What requests are filled with.

/// Fills `bytes` with letters that `number` decides.
///
/// Lua 5.1 and LuaJIT look for a string they already have by a hash of some of its bytes. If requests
/// differed in a few digits, the hash would miss most of the difference: the strings of all requests that
/// are not collected yet would lie in a few long chains, and walking these would be measured.
pub(crate) fn fill(bytes: &mut [u8], number: u64) {
    let mut state = number;
    for part in bytes.chunks_mut(8) {
        // SplitMix64, and four bits of each byte.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let letters = (word & 0x0f0f_0f0f_0f0f_0f0f) + u64::from_ne_bytes([b'a'; 8]);
        part.copy_from_slice(&letters.to_le_bytes()[..part.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_every_byte_of_the_next_request_is_another() {
        let texts = [1, 2].map(|number| {
            let mut text = [0; 83];
            fill(&mut text, number);
            text
        });
        assert!(texts.as_flattened().iter().all(u8::is_ascii_lowercase));
        let same = texts[0].iter().zip(texts[1]).filter(|(a, b)| **a == *b);
        assert!(same.count() < 20, "{texts:?}");
    }
}
