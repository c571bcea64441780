//! Where the tags of a template are, without reading what they say.

use std::ops::Range;

/// A tag: `{{ … }}`, or `{% … %}`.
pub(super) struct Tag {
    /// Whether it is a statement, `{% … %}`.
    pub(super) is_block: bool,
    /// What stands between the delimiters; up to the end of the template where the second one is missing.
    pub(super) inside: Range<usize>,
}

/// Every tag of `template`, in order. Comments, raw text and what stands in quotes have none.
pub(super) fn tags(template: &str) -> impl Iterator<Item = Tag> + '_ {
    let mut from = 0;
    std::iter::from_fn(move || {
        let tag = next(template, from)?;
        from = tag.inside.end;
        if tag.is_block && is_raw(template.get(tag.inside.clone())?) {
            from += template.get(from..)?.find("endraw").unwrap_or_default();
        }
        Some(tag)
    })
}

fn is_raw(inside: &str) -> bool {
    inside.trim_matches(['-', '+', ' ', '\n', '\t']) == "raw"
}

fn next(template: &str, mut from: usize) -> Option<Tag> {
    loop {
        let at = from + template.get(from..)?.find('{')?;
        match template.as_bytes().get(at + 1) {
            Some(b'#') => from = at + 2 + template.get(at + 2..)?.find("#}")?,
            Some(kind @ (b'%' | b'{')) => {
                let is_block = *kind == b'%';
                let start = at + 2;
                let length = inside(template.get(start..)?, if is_block { "%}" } else { "}}" });
                return Some(Tag {
                    is_block,
                    inside: start..start + length,
                });
            }
            _ => from = at + 1,
        }
    }
}

/// How far it is to `end`, outside of quotes and brackets.
fn inside(text: &str, end: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut quote, mut depth) = (0, None, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match (byte, quote) {
            (b'\\', Some(_)) => at += 1,
            (byte, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (b'"' | b'\'', None) => quote = Some(byte),
            _ if depth == 0
                && bytes
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with(end.as_bytes())) =>
            {
                return at;
            }
            (b'{' | b'[' | b'(', None) => depth += 1,
            (b'}' | b']' | b')', None) => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_past_comments_quotes_and_brackets() {
        let template =
            "a {# {{ no }} #}{{ {'a': {'%}}': 1}} }}{%- if x == '%}' -%}{% raw %}{{ y }}{% endraw %}{b{{ c";
        let found: Vec<&str> = tags(template).map(|tag| &template[tag.inside]).collect();
        assert_eq!(found, [" {'a': {'%}}': 1}} ", "- if x == '%}' -", " raw ", " c"]);
    }
}
