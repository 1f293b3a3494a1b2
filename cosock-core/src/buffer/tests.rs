//! Cutting what was received.

use super::*;
use rstest::rstest;

fn unread(bytes: &[u8]) -> Unread {
    let mut unread = Unread::default();
    unread.append(bytes);
    unread
}

fn text(chunk: Option<Chunk>) -> Option<String> {
    chunk.map(|chunk| String::from_utf8(chunk.as_slice().to_vec()).expect("ascii"))
}

#[rstest]
#[case("a\nb", Some("a"), 1)]
#[case("a\r\nb", Some("a"), 1)]
#[case("\r\ra\rb\r\n", Some("ab"), 0)]
#[case("\n", Some(""), 0)]
#[case("abc", None, 3)]
fn a_line_ends_at_its_feed_and_loses_every_return(
    #[case] bytes: &str,
    #[case] line: Option<&str>,
    #[case] left: usize,
) {
    let mut unread = unread(bytes.as_bytes());
    assert_eq!(text(unread.take(Pattern::Line)).as_deref(), line);
    assert_eq!(unread.len(), left);
}

#[test]
fn fresh_bytes_serve_the_pattern_and_the_rest_is_kept() {
    let fresh = Rc::new(b"one\ntwo\nthr".to_vec());
    let mut unread = Unread::default();
    assert_eq!(
        text(unread.take_fresh(&fresh, 11, Pattern::Line)).as_deref(),
        Some("one")
    );
    assert_eq!(text(unread.take(Pattern::Line)).as_deref(), Some("two"));
    assert_eq!(text(unread.take(Pattern::Line)), None);
    let more = Rc::new(b"ee\n".to_vec());
    assert_eq!(
        text(unread.take_fresh(&more, 3, Pattern::Line)).as_deref(),
        Some("three")
    );
    assert!(
        unread.is_empty() && unread.data.is_none(),
        "an idle stream keeps no buffer"
    );
}

#[test]
fn all_that_waits_can_be_looked_at() {
    let mut unread = unread(b"first\nsecond");
    assert_eq!(text(unread.take(Pattern::Line)).as_deref(), Some("first"));
    assert_eq!(unread.all().as_slice(), b"second");
    assert_eq!(unread.take_rest(Pattern::All).as_slice(), b"second");
    assert_eq!(unread.all().as_slice(), b"");
}

#[test]
fn bytes_that_are_on_their_way_to_lua_do_not_change() {
    let mut unread = unread(b"first\nsecond");
    let chunk = unread.take(Pattern::Line).expect("complete");
    unread.append(b" more\n");
    assert_eq!(chunk.as_slice(), b"first");
    assert_eq!(
        text(unread.take(Pattern::Line)).as_deref(),
        Some("second more")
    );
}

#[rstest]
fn small_results_are_copied_and_others_shared(
    #[values(0, 1, SMALL - 1, SMALL, SMALL + 1, 1000)] length: usize,
    #[values(Pattern::Count(length), Pattern::Line)] pattern: Pattern,
    #[values("", "\n", "\r\n", "\nmore of it")] after: &str,
) {
    let bytes = vec![b'.'; length];
    let mut unread = unread(&[&bytes, after.as_bytes()].concat());
    let mut place = [b'?'; SMALL];
    match unread.take_to(pattern, &mut place) {
        Some(Taken::Small(taken)) => {
            assert!(taken <= SMALL);
            assert_eq!(place[..taken], bytes);
        }
        Some(Taken::Chunk(chunk)) => {
            assert!(length > SMALL);
            assert_eq!(chunk.as_slice(), bytes);
        }
        None => {
            assert!(pattern == Pattern::Line && after.is_empty());
            assert_eq!(unread.len(), length);
            return;
        }
    }
    let end = after.find('\n').map_or(0, |feed| feed + 1);
    let left = if pattern == Pattern::Line {
        &after[end..]
    } else {
        after
    };
    assert_eq!(unread.all().as_slice(), left.as_bytes());
    assert!(
        !unread.is_empty() || unread.data.is_none(),
        "an idle stream keeps no buffer"
    );
}

#[test]
fn a_line_with_returns_loses_them_however_small_it_is() {
    let mut unread = unread(b"a\rb\nc");
    let mut place = [0; SMALL];
    match unread.take_to(Pattern::Line, &mut place) {
        Some(Taken::Chunk(line)) => assert_eq!(line.as_slice(), b"ab"),
        other => panic!("{other:?}"),
    }
    assert!(unread.take_to(Pattern::Line, &mut place).is_none());
    assert_eq!(unread.scanned, 1, "it is looked through once");
}

#[test]
fn every_split_of_a_stream_gives_the_same_lines() {
    let stream = b"alpha\r\nbeta\n\ngamma\rdelta\nrest";
    for size in 1..=stream.len() {
        let mut unread = Unread::default();
        let mut lines = Vec::new();
        for part in stream.chunks(size) {
            let fresh = Rc::new(part.to_vec());
            let mut next = unread.take_fresh(&fresh, part.len(), Pattern::Line);
            while let Some(line) = next {
                lines.push(text(Some(line)).expect("some"));
                next = unread.take(Pattern::Line);
            }
        }
        assert_eq!(
            lines,
            ["alpha", "beta", "", "gammadelta"],
            "in parts of {size}"
        );
        assert_eq!(unread.take_rest(Pattern::Line).as_slice(), b"rest");
    }
}

#[test]
fn a_count_that_was_given_up_leaves_its_lines() {
    let mut unread = Unread::default();
    let fresh = Rc::new(b"one\ntwo\n".to_vec());
    assert!(unread.take_fresh(&fresh, 8, Pattern::Count(100)).is_none());
    assert_eq!(text(unread.take(Pattern::Line)).as_deref(), Some("one"));
    assert_eq!(text(unread.take(Pattern::Line)).as_deref(), Some("two"));
}

#[test]
fn counts_are_exact() {
    let mut unread = unread(b"0123456789");
    assert_eq!(
        text(unread.take(Pattern::Count(4))).as_deref(),
        Some("0123")
    );
    assert_eq!(text(unread.take(Pattern::Count(7))), None);
    assert_eq!(text(unread.take(Pattern::Count(0))).as_deref(), Some(""));
    assert_eq!(
        text(unread.take(Pattern::Count(6))).as_deref(),
        Some("456789")
    );
}

#[test]
fn room_is_made_for_what_is_missing_as_far_as_is_reasonable() {
    const MIB: usize = 1024 * 1024;
    let mut unread = Unread::default();
    assert!(unread.make_room(MIB, 1000));
    assert_eq!(unread.storage().capacity(), MIB);
    // There is room for a read.
    assert!(unread.make_room(usize::MAX, 1000));
    assert_eq!(unread.storage().capacity(), MIB);

    // What only may come is waited for.
    let mut unread = Unread::default();
    assert!(unread.make_room(usize::MAX, 1000));
    assert!((1000..MIB).contains(&unread.storage().capacity()));
    unread.storage().resize(3 * MIB, 0);
    assert!(unread.make_room(usize::MAX, 1000));
    assert!(unread.storage().capacity() >= 3 * MIB + 1000);

    assert!(!unread.make_room(usize::MAX, usize::MAX / 2));
}
