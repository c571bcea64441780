//! Where a quoted scalar really ends: the parser's end includes the blanks and the comment behind it.

use saphyr_parser::ScalarStyle;

/// Walks through a text from quoted scalar to quoted scalar, so that all of them together cost one pass.
pub(super) struct Quotes<'t> {
    rest: &'t str,
    /// How many characters lie before `rest`.
    passed: usize,
}

/// The extent of a quoted scalar with its quotes, and with a tag or anchor before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// In characters.
    pub(super) chars: usize,
    /// In characters of the first line.
    pub(super) on_first_line: usize,
}

impl<'t> Quotes<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            rest: text,
            passed: 0,
        }
    }

    /// The extent of the scalar that begins at character `start`; `None` of unquoted ones.
    pub(super) fn extent(&mut self, start: usize, style: ScalarStyle) -> Option<Extent> {
        let quote = match style {
            ScalarStyle::SingleQuoted => '\'',
            ScalarStyle::DoubleQuoted => '"',
            _ => return None,
        };
        let skip = start.checked_sub(self.passed)?;
        let (at, _) = self.rest.char_indices().nth(skip)?;
        self.rest = self.rest.get(at..)?;
        self.passed = start;
        let chars = length(self.rest, quote)?;
        let breaks = |c: &char| matches!(c, '\n' | '\r');
        let on_first_line = self
            .rest
            .chars()
            .take(chars)
            .position(|c| breaks(&c))
            .unwrap_or(chars);
        Some(Extent { chars, on_first_line })
    }
}

/// `text` with spaces before the further lines of the quoted scalar that begins at character `start`, up to the column
/// behind its quote. Blanks there mean nothing, and PyYAML does not ask for them; the parser does. `None` where there
/// is nothing to add.
pub(super) fn indented(text: &str, start: usize) -> Option<String> {
    let (at, quote) = text.char_indices().nth(start)?;
    let (before, scalar) = text.split_at_checked(at)?;
    let chars = length(scalar, quote).filter(|_| matches!(quote, '"' | '\''))?;
    let end = scalar
        .char_indices()
        .nth(chars)
        .map_or(scalar.len(), |(end, _)| end);
    let (scalar, after) = scalar.split_at_checked(end)?;
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
    let column = line.chars().count() + 1;
    let mut mended = before.to_owned();
    let mut changed = false;
    for (number, line) in scalar.split_inclusive('\n').enumerate() {
        let blanks = line.chars().take_while(|c| *c == ' ').count();
        if number > 0 && blanks < column {
            mended.extend(std::iter::repeat_n(' ', column - blanks));
            changed = true;
        }
        mended.push_str(line);
    }
    mended.push_str(after);
    changed.then_some(mended)
}

/// Characters up to and including the closing quote.
fn length(text: &str, quote: char) -> Option<usize> {
    let mut chars = text
        .chars()
        .enumerate()
        .skip_while(|(_, c)| *c != quote)
        .skip(1)
        .peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            chars.next();
        } else if c == quote {
            let doubled = quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote);
            if !doubled {
                return Some(at + 1);
            }
            chars.next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_quote_is_found() {
        let of = |text: &str, start: usize, style: ScalarStyle| {
            Quotes::new(text)
                .extent(start, style)
                .map(|extent| (extent.chars, extent.on_first_line))
        };
        assert_eq!(
            of("ü: 'it''s'  # 'no'", 3, ScalarStyle::SingleQuoted),
            Some((7, 7))
        );
        assert_eq!(
            of(r#"- "a\"b\\" # c"#, 2, ScalarStyle::DoubleQuoted),
            Some((8, 8))
        );
        assert_eq!(
            of("- &x !!str 'a\n  b' ", 2, ScalarStyle::SingleQuoted),
            Some((16, 11))
        );
        assert_eq!(of("- a", 2, ScalarStyle::Plain), None);
        assert_eq!(of("'open", 0, ScalarStyle::SingleQuoted), None);
    }
}
