//! Text from outside (logs, names, error messages of tools) on its way to a terminal.
//!
//! Everything that prints or draws such text passes it through [`sanitize`], so that no control sequence of a pod or
//! of an input file ever reaches the operator's terminal.

mod redact;

pub use redact::{REDACTED, SENTINELS, redact};

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every character that a terminal would act on replaced by a visible one: tabs become a space, other
/// control characters, bidirectional overrides and line separators become `\u{fffd}`-style pictures.
///
/// Newlines count as control characters too: callers split lines first. Borrowed when there is nothing to replace.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts_on_terminal) {
        Cow::Owned(text.chars().map(visible).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// JSON that means the same and has nothing in it that a terminal would act on: such characters are escaped.
///
/// `json` is one valid document on one line. All of them can only stand inside its strings, where an escape is as good.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(acts_on_terminal) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if acts_on_terminal(c) {
            // All of them are in the basic multilingual plane. Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn acts_on_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        // The Unicode block "Control Pictures" has a picture for each C0 control, in the same order.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if acts_on_terminal(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_sequences_become_visible_text() {
        assert_eq!(
            sanitize("\x1b[2Jboo\ttab\x07\u{9b}5n\u{202e}"),
            "␛[2Jboo tab␇\u{fffd}5n\u{fffd}"
        );
        assert!(matches!(sanitize("plain ü 漢"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn escaped_json_means_the_same(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escape_json(&json);
            prop_assert!(!escaped.chars().any(acts_on_terminal));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }

        #[test]
        fn nothing_a_terminal_acts_on_is_left(text in any::<String>()) {
            prop_assert!(!sanitize(&text).chars().any(acts_on_terminal));
        }
    }
}
