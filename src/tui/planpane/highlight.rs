//! YAML in colours, line by line: keys, texts, comments. It looks at one line at a time, so the text of a block scalar is
//! coloured as if it were YAML of its own, which is what it often is.

use std::ops::Range;

/// What a piece of a line is. What is none of these is not marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key with its colon, a document marker.
    Key,
    /// Text in quotes.
    Text,
    /// A comment with its sign.
    Comment,
}

/// The pieces of a line, in order.
pub(super) fn pieces(line: &str) -> Vec<(Range<usize>, Kind)> {
    let mut pieces = Vec::new();
    let mut at = line.len() - line.trim_start().len();
    if line == "---" || line == "..." {
        return vec![(0..line.len(), Kind::Key)];
    }
    while let Some(rest) = line.get(at..).and_then(|rest| rest.strip_prefix("- ")) {
        at = line.len() - rest.trim_start().len();
    }
    if let Some(end) = key_end(line, at) {
        pieces.push((at..end, Kind::Key));
        at = end;
    }
    while let Some((piece, kind)) = next_piece(line, at) {
        at = piece.end;
        pieces.push((piece, kind));
    }
    pieces
}

/// Behind the colon of the key that begins here.
fn key_end(line: &str, at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let skipped = match rest.as_bytes().first()? {
        quote @ (b'"' | b'\'') => quoted(rest, *quote)?,
        b'#' | b'{' | b'[' | b'&' | b'*' | b'!' | b'|' | b'>' | b'%' | b'@' => return None,
        _ => 0,
    };
    let after = rest.get(skipped..)?;
    // A plain key may have colons in it, as long as no space follows them.
    let colon = after.match_indices(':').map(|(colon, _)| colon).find(|colon| {
        let next = after.as_bytes().get(colon + 1);
        next.is_none_or(u8::is_ascii_whitespace)
    })?;
    let before = after.get(..colon)?;
    let is_key = if skipped > 0 {
        before.trim().is_empty()
    } else {
        !before.contains(" #")
    };
    is_key.then_some(at + skipped + colon + 1)
}

/// Behind the quote that ends the text that begins with one.
fn quoted(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b if *b == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The next text or comment from `at` on.
fn next_piece(line: &str, at: usize) -> Option<(Range<usize>, Kind)> {
    let bytes = line.as_bytes();
    for (index, byte) in bytes.iter().enumerate().skip(at) {
        let before = index.checked_sub(1).and_then(|before| bytes.get(before));
        match byte {
            b'#' if before.is_none_or(u8::is_ascii_whitespace) => {
                return Some((index..line.len(), Kind::Comment));
            }
            // An apostrophe inside a word begins no text.
            b'"' | b'\'' if before.is_none_or(|before| b" \t[{,:(=".contains(before)) => {
                if let Some(length) = line.get(index..).and_then(|rest| quoted(rest, *byte)) {
                    return Some((index..index + length, Kind::Text));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(line: &str) -> Vec<(&str, Kind)> {
        pieces(line)
            .into_iter()
            .map(|(range, kind)| (&line[range], kind))
            .collect()
    }

    #[test]
    fn keys_texts_and_comments() {
        assert_eq!(
            told("  name: \"a # b\" # why"),
            [
                ("name:", Kind::Key),
                ("\"a # b\"", Kind::Text),
                ("# why", Kind::Comment)
            ]
        );
        assert_eq!(told("- - 'a: b': 'it''s'").first(), Some(&("'a: b':", Kind::Key)));
        assert_eq!(told("- image: ghcr.io/x:v1"), [("image:", Kind::Key)]);
        assert_eq!(told("# key: value"), [("# key: value", Kind::Comment)]);
        assert_eq!(told("url#part: http://x"), [("url#part:", Kind::Key)]);
        assert_eq!(told("don't stop, 'til"), []);
        assert_eq!(told("---"), [("---", Kind::Key)]);
        assert_eq!(told("args: [\"a\", 'b']").len(), 3);
        assert_eq!(told(""), []);
    }

    proptest! {
        #[test]
        fn pieces_of_any_line_are_in_order(line in "[-a:# '\"\\\\é\\[]{0,24}") {
            let mut end = 0;
            for (piece, _) in pieces(&line) {
                prop_assert!(piece.start >= end && piece.start < piece.end);
                prop_assert!(line.get(piece.clone()).is_some());
                end = piece.end;
            }
        }
    }
}
