//! Makes text from processes safe to show: whatever the bytes are, what comes out holds no control character, no
//! escape sequence and no character that reorders the screen. Characters are judged by [`text::sanitize`]; what is
//! particular to logs (bytes, escape sequences, tabs, progress bars) is here.
//!
//! Called for each line that becomes visible, and by search on blocks that hold escape sequences.

use crate::text;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

const ESC: u8 = 0x1b;
/// Columns between tab stops, as terminals have them.
const TAB: usize = 8;

/// The text of one line as it can be shown.
///
/// - Invalid UTF-8 becomes `U+FFFD`; escape sequences (colours, cursor moves, titles, links) vanish.
/// - Tabs become spaces up to the next multiple of eight columns.
/// - A line that was rewritten with carriage returns (progress bars) shows its last version, after a mark that says
///   how many earlier versions there are.
/// - Any other control character is shown as its picture (`␀` … `␡`), characters that reorder text as `U+FFFD`.
pub fn sanitize(raw: &[u8]) -> String {
    let mut plain = Vec::with_capacity(raw.len());
    strip_escapes(raw, &mut plain);
    while plain.last() == Some(&b'\r') {
        plain.pop();
    }
    let (rewrites, visible) = last_version(&plain);
    let mut out = String::with_capacity(visible.len() + 8);
    if rewrites > 0 {
        // Writing to a String cannot fail.
        let _ = write!(out, "↺{rewrites} ");
    }
    push_text(&mut out, visible);
    out
}

/// As [`sanitize`], for the last bytes of a line too long to be read whole: how often it was rewritten is not known.
pub(super) fn sanitize_ending(raw: &[u8]) -> String {
    let mut plain = Vec::with_capacity(raw.len());
    strip_escapes(raw, &mut plain);
    let mut out = String::from("↺… ");
    push_text(&mut out, last_version(&plain).1);
    out
}

fn push_text(out: &mut String, visible: &[u8]) {
    let mut column = out.width();
    for (index, part) in visible.split(|byte| *byte == b'\t').enumerate() {
        if index > 0 {
            let spaces = TAB - column % TAB;
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        }
        let part = String::from_utf8_lossy(part);
        let part = text::sanitize(&part);
        out.push_str(&part);
        column += part.width();
    }
}

/// Text with no escape sequences, of any number of lines; newlines stay where they are, so lines can be counted in
/// the result. A sequence that is not finished at a newline ends there.
pub(super) fn strip_escapes(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(start) = memchr::memchr(ESC, rest) {
        let (before, sequence) = rest.split_at(start);
        out.extend_from_slice(before);
        rest = sequence.get(sequence_len(sequence)..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Length of the escape sequence at the start of `bytes`, which begins with ESC. Never includes a newline.
fn sequence_len(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        // CSI: parameters and intermediates, then one final byte.
        Some(b'[') => 2 + final_byte(bytes.get(2..).unwrap_or_default(), 0x20..=0x3f),
        // Strings (title, link, device control, …) up to BEL or ST.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => 2 + string_len(bytes.get(2..).unwrap_or_default()),
        // Intermediates, then one final byte.
        Some(0x20..=0x2f) => 1 + final_byte(bytes.get(1..).unwrap_or_default(), 0x20..=0x2f),
        Some(0x30..=0x7e) => 2,
        _ => 1,
    }
}

fn final_byte(bytes: &[u8], skipped: std::ops::RangeInclusive<u8>) -> usize {
    let skip = bytes.iter().take_while(|byte| skipped.contains(byte)).count();
    match bytes.get(skip) {
        Some(0x30..=0x7e) => skip + 1,
        // Malformed: the sequence ends before the byte that does not belong to it.
        _ => skip,
    }
}

fn string_len(bytes: &[u8]) -> usize {
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            0x07 => return index + 1,
            b'\n' => return index,
            &ESC if bytes.get(index + 1) == Some(&b'\\') => return index + 2,
            &ESC => return index,
            _ => {}
        }
    }
    bytes.len()
}

/// How often the line was rewritten, and its last version that is not blank.
fn last_version(line: &[u8]) -> (usize, &[u8]) {
    let rewrites = memchr::memchr_iter(b'\r', line).count();
    if rewrites == 0 {
        return (0, line);
    }
    let last = line
        .rsplit(|byte| *byte == b'\r')
        .find(|part| !part.trim_ascii().is_empty());
    (rewrites, last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences_vanish_and_text_stays() {
        assert_eq!(sanitize(b"\x1b[31mERROR\x1b[0m: x"), "ERROR: x");
        assert_eq!(sanitize(b"a\x1b]0;title\x07b"), "ab");
        assert_eq!(sanitize(b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b"), "alinkb");
        assert_eq!(sanitize(b"a\x1b[2J\x1b[1;1Hb\x1b(Bc\x1bPq...\x1b\\d"), "abcd");
        assert_eq!(sanitize(b"open \x1b]0;never ends"), "open ");
        assert_eq!(sanitize(b"cut \x1b["), "cut ");
        assert_eq!(sanitize("c1 \u{9b}31m".as_bytes()), "c1 \u{fffd}31m");
    }

    #[test]
    fn control_characters_are_pictures() {
        assert_eq!(sanitize(b"a\x00b\x08c\x7f"), "a␀b␈c␡");
        assert_eq!(sanitize("x\u{202e}y".as_bytes()), "x\u{fffd}y");
        assert_eq!(sanitize(b"bad \xff\xfe end"), "bad \u{fffd}\u{fffd} end");
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        assert_eq!(sanitize(b"a\tb"), "a       b");
        assert_eq!(sanitize("日本\tb".as_bytes()), "日本    b");
    }

    #[test]
    fn progress_bars_show_their_last_version() {
        assert_eq!(sanitize(b"10%\r50%\r100%"), "↺2 100%");
        assert_eq!(sanitize(b"windows line\r"), "windows line");
        assert_eq!(sanitize(b"100%\r   \r"), "↺1 100%");
    }

    #[test]
    fn stripping_keeps_every_newline() {
        let mut out = Vec::new();
        strip_escapes(b"a\x1b]0;open\nb\x1b[3\nc\x1b\nd", &mut out);
        assert_eq!(out, b"a\nb\nc\nd");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn nothing_reaches_the_terminal(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!sanitize(&bytes).chars().any(char::is_control));
        }

        #[test]
        fn stripping_never_changes_the_number_of_lines(
            bytes in proptest::collection::vec(prop_oneof![Just(0x1b), Just(b'\n'), Just(b'['), Just(b']'), any::<u8>()], 0..200),
        ) {
            let mut out = Vec::new();
            strip_escapes(&bytes, &mut out);
            prop_assert_eq!(
                memchr::memchr_iter(b'\n', &bytes).count(),
                memchr::memchr_iter(b'\n', &out).count()
            );
            prop_assert!(!out.contains(&0x1b));
        }
    }
}
