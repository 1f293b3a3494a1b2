//! Base64, as it is found in mails: in lines, padded or not, one after the other.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Encodes whole groups of three; returns the rest.
pub(super) fn encode(mut input: Vec<u8>, output: &mut Vec<u8>) -> Vec<u8> {
    let rest = input.split_off(input.len() - input.len() % 3);
    finish(&input, output);
    rest
}

/// Encodes everything, padded.
pub(super) fn finish(input: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(ENGINE.encode(input).as_bytes());
}

/// Decodes whole groups of four, passing over what is not of the alphabet; returns the rest.
pub(super) fn decode(mut input: Vec<u8>, output: &mut Vec<u8>) -> Vec<u8> {
    input.retain(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
    let rest = input.split_off(input.len() - input.len() % 4);
    let mut done = 0;
    // A padded group may stand in the middle, where two texts were joined.
    while let Some(padding) = memchr::memchr(b'=', &input[done..]) {
        let group = done + padding - padding % 4;
        decode_groups(&input[done..group], output);
        decode_padded(&input[group..group + 4], output);
        done = group + 4;
    }
    decode_groups(&input[done..], output);
    rest
}

fn decode_groups(groups: &[u8], output: &mut Vec<u8>) {
    ENGINE
        .decode_vec(groups, output)
        .expect("whole groups of the alphabet");
}

/// Padding in the third or fourth place tells the length; elsewhere it counts as zero bits.
fn decode_padded(group: &[u8], output: &mut Vec<u8>) {
    let length = match group {
        [_, _, b'=', _] => 1,
        [_, _, _, b'='] => 2,
        _ => 3,
    };
    let end = output.len() + length;
    let filled: Vec<u8> = group
        .iter()
        .map(|&byte| if byte == b'=' { b'A' } else { byte })
        .collect();
    decode_groups(&filled, output);
    output.truncate(end);
}
