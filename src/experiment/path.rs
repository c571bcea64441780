//! Dotted paths: `load.stages.0.rate`, `annotations."k8s.io/x".y`.

use super::design::PathSegment;

/// The segments of a dotted path; at least one. What stands in double quotes keeps its dots and digits.
pub fn parse_path(text: &str) -> Vec<PathSegment> {
    let mut segments = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    let mut in_quotes = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = true;
                in_quotes = !in_quotes;
            }
            '.' if !in_quotes => {
                segments.push(segment(std::mem::take(&mut current), quoted));
                quoted = false;
            }
            c => current.push(c),
        }
    }
    segments.push(segment(current, quoted));
    segments
}

fn segment(text: String, quoted: bool) -> PathSegment {
    if quoted {
        PathSegment::Quoted(text)
    } else {
        PathSegment::Key(text)
    }
}

/// The path as text that [`parse_path`] reads back, as long as no key holds a double quote.
pub fn format_path(path: &[PathSegment]) -> String {
    let mut text = String::new();
    for (position, segment) in path.iter().enumerate() {
        if position > 0 {
            text.push('.');
        }
        match segment {
            PathSegment::Key(key) => text.push_str(key),
            PathSegment::Quoted(key) => {
                text.push('"');
                text.push_str(key);
                text.push('"');
            }
        }
    }
    text
}

/// A literal key as a segment: quoted where a dot or a number in it would mean something else.
pub(super) fn literal(key: &str) -> PathSegment {
    let means_more = key.is_empty() || key.contains('.') || key.parse::<i64>().is_ok();
    segment(key.to_owned(), means_more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> PathSegment {
        PathSegment::Key(text.to_owned())
    }

    fn quoted(text: &str) -> PathSegment {
        PathSegment::Quoted(text.to_owned())
    }

    #[test]
    fn quotes_keep_dots() {
        assert_eq!(
            parse_path("load.stages.0.rate"),
            [key("load"), key("stages"), key("0"), key("rate")]
        );
        assert_eq!(
            parse_path("a.\"k8s.io/x.y\".b"),
            [key("a"), quoted("k8s.io/x.y"), key("b")]
        );
        assert_eq!(parse_path("\"a.b\""), [quoted("a.b")]);
        assert_eq!(parse_path(""), [key("")]);
        assert_eq!(parse_path("a..b"), [key("a"), key(""), key("b")]);
        assert_eq!(parse_path("a.\"open.end"), [key("a"), quoted("open.end")]);
    }

    fn any_segment() -> impl Strategy<Value = PathSegment> {
        prop_oneof![
            "[^.\"]{0,8}".prop_map(PathSegment::Key),
            "[^\"]{0,8}".prop_map(PathSegment::Quoted),
        ]
    }

    proptest! {
        #[test]
        fn a_formatted_path_is_parsed_back(path in proptest::collection::vec(any_segment(), 1..6)) {
            prop_assert_eq!(parse_path(&format_path(&path)), path);
        }
    }
}
