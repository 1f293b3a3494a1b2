//! Quoted-printable in pieces. The `quoted_printable` crate wants a whole text, and wraps lines itself.

use super::CRLF;
use super::lines::Room;

fn quote(byte: u8, output: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    output.extend_from_slice(&[
        b'=',
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]);
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'='
}

/// Encodes, with `marker` for each CRLF; returns the rest, which what follows decides on.
pub(super) fn encode(mut input: Vec<u8>, marker: &[u8], output: &mut Vec<u8>) -> Vec<u8> {
    let mut place = 0;
    while let [first, next @ ..] = &input[place..] {
        match (first, next) {
            (b'\r', [b'\n', ..]) => {
                output.extend_from_slice(marker);
                place += 1;
            }
            (b'\r', []) => break,
            // Blanks at the end of a line do not survive every way, so they are quoted there.
            (b' ' | b'\t', [b'\r', b'\n', ..]) => {
                quote(*first, output);
                output.extend_from_slice(marker);
                place += 2;
            }
            (b' ' | b'\t', [] | [_]) => break,
            (b' ' | b'\t', _) => output.push(*first),
            _ if is_plain(*first) => output.push(*first),
            _ => quote(*first, output),
        }
        place += 1;
    }
    input.split_off(place)
}

/// Encodes what is left at the end of the text, after which a soft break ends its line.
pub(super) fn finish(rest: &[u8], output: &mut Vec<u8>) {
    for &byte in rest {
        if is_plain(byte) {
            output.push(byte);
        } else {
            quote(byte, output);
        }
    }
    if !rest.is_empty() {
        output.extend_from_slice(b"=\r\n");
    }
}

/// Decodes; returns the rest, an escape that is not complete. What is no escape stays as it is; bytes
/// that quoted-printable cannot hold are dropped.
pub(super) fn decode(mut input: Vec<u8>, output: &mut Vec<u8>) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut place = 0;
    while let [first, next @ ..] = &input[place..] {
        place += match (first, next) {
            (b'=', [b'\r', b'\n', ..]) => 3,
            (b'=', [high, low, ..]) => {
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => output.push((high * 16 + low) as u8),
                    _ => output.extend_from_slice(&[*first, *high, *low]),
                }
                3
            }
            (b'=', _) | (b'\r', []) => break,
            (b'\r', [after, ..]) => {
                if *after == b'\n' {
                    output.extend_from_slice(CRLF);
                }
                2
            }
            (b'\t' | b' '..=b'~', _) => {
                output.push(*first);
                1
            }
            _ => 1,
        };
    }
    input.split_off(place)
}

/// As [`super::lines::wrap`] for encoded text: breaks are soft, and none cuts an escape.
pub(super) fn wrap(room: Room, text: &[u8], output: &mut Vec<u8>) -> i64 {
    let mut left = room.left;
    for &byte in text {
        match byte {
            b'\r' => continue,
            b'\n' => {
                output.extend_from_slice(CRLF);
                left = room.length;
                continue;
            }
            // Room for the escape, or the byte, and for the "=" of the next soft break.
            b'=' if left > 3 => {}
            byte if byte != b'=' && left > 1 => {}
            _ => {
                output.extend_from_slice(b"=\r\n");
                left = room.length;
            }
        }
        output.push(byte);
        left -= 1;
    }
    left
}
