//! What a text looks like to PyYAML, which decides how it may be written.

/// What a text looks like to PyYAML, and so in which styles it may be written.
#[allow(clippy::struct_excessive_bools, reason = "independent answers about one text")]
pub(super) struct Look {
    pub(super) empty: bool,
    pub(super) line_breaks: bool,
    pub(super) plain: bool,
    pub(super) single_quoted: bool,
    pub(super) block: bool,
}

impl Look {
    pub(super) fn at(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let (Some(first), Some(last)) = (chars.first().copied(), chars.last().copied()) else {
            return Self {
                empty: true,
                line_breaks: false,
                plain: true,
                single_quoted: true,
                block: false,
            };
        };
        let pair = |is_first: fn(char) -> bool, is_second: fn(char) -> bool| {
            chars
                .windows(2)
                .any(|two| matches!(two, [a, b] if is_first(*a) && is_second(*b)))
        };
        let is_space = |c: char| c == ' ';
        let line_breaks = chars.iter().any(|c| is_break(*c));
        let special = chars
            .iter()
            .any(|c| !matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}') || *c == '\u{feff}');
        let framed = [first, last].iter().any(|c| is_space(*c) || is_break(*c));
        let space_before_break = pair(is_space, is_break);
        let space_behind_break = pair(is_break, is_space);
        let unsafe_everywhere = space_before_break || special;
        Self {
            empty: false,
            line_breaks,
            plain: !framed
                && !space_behind_break
                && !unsafe_everywhere
                && !line_breaks
                && !has_indicators(&chars),
            single_quoted: !space_behind_break && !unsafe_everywhere,
            block: !is_space(last) && !unsafe_everywhere,
        }
    }
}

/// Whether something in `chars` would mean more than text, outside of brackets.
fn has_indicators(chars: &[char]) -> bool {
    let blank_at = |index: usize| chars.get(index).is_none_or(|c| is_blank(*c));
    let starts = |mark: char| chars.len() > 2 && chars.iter().take(3).all(|c| *c == mark);
    if starts('-') || starts('.') {
        return true;
    }
    chars.iter().enumerate().any(|(index, c)| match c {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
            if index == 0 =>
        {
            true
        }
        '?' | '-' if index == 0 => blank_at(1),
        ':' => blank_at(index + 1),
        '#' => index.checked_sub(1).is_some_and(blank_at),
        _ => false,
    })
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, '\0' | ' ' | '\t' | '\r') || is_break(c)
}
