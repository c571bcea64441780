//! `--set [stack:]dotted.key=value[,…]` and `-o key=value[,…]`: values given on the command line.

use super::secret::is_secret;
use crate::experiment::{PathSegment, parse_path};
use crate::yaml;
use regex::Regex;
use serde_json::Value;

/// One value given on the command line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    /// Which stacks it is for.
    pub(super) selector: Selector,
    /// Where it goes; never empty.
    pub(super) path: Vec<PathSegment>,
    /// The key as it was written, for messages.
    pub(super) key: String,
    /// The value, read by YAML 1.1 rules.
    pub(super) value: Value,
    /// That the value may be read as something else than it was meant, and what to do about it.
    pub(super) surprise: Option<(String, &'static str)>,
}

/// Which stacks an assignment is for. Ordered as they are applied: what names a stack more exactly comes later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Selector {
    /// All of them.
    All,
    /// Those whose names match a shell pattern.
    Glob(String),
    /// One.
    Exact(String),
}

impl Selector {
    fn new(text: &str) -> Self {
        if text == "*" {
            Self::All
        } else if text.contains(['*', '?', '[']) {
            Self::Glob(text.to_owned())
        } else {
            Self::Exact(text.to_owned())
        }
    }

    /// Whether the stack called `name` is meant.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => exact == name,
            Self::Glob(pattern) => glob(pattern).is_some_and(|regex| regex.is_match(name)),
        }
    }
}

/// Read one argument of `--set` (with `selectors`) or of `-o` (without).
///
/// Pairs are split at commas outside of brackets and quotes, each at its first `=`. An error says which pair is wrong.
pub(super) fn parse(argument: &str, selectors: bool) -> Result<Vec<Assignment>, String> {
    split(argument, ',')
        .into_iter()
        .map(|pair| assignment(pair.trim(), selectors))
        .collect()
}

fn assignment(pair: &str, selectors: bool) -> Result<Assignment, String> {
    let (left, value) = pair
        .split_once('=')
        .ok_or_else(|| format!("`{pair}` has no `=`: write key=value"))?;
    let (selector, key) = match split(left, ':').as_slice() {
        [selector, key] if selectors => {
            if selector.trim().is_empty() {
                return Err(format!(
                    "`{pair}` has nothing before the `:`, where a stack's name belongs"
                ));
            }
            (Selector::new(selector.trim()), (*key).trim())
        }
        _ => (Selector::All, left.trim()),
    };
    let path = parse_path(key);
    let empty = |segment: &PathSegment| matches!(segment, PathSegment::Key(key) if key.is_empty());
    if key.is_empty() || path.is_empty() || path.iter().any(empty) {
        return Err(format!("`{pair}` has no key, or an empty part in it"));
    }
    Ok(Assignment {
        selector,
        key: key.to_owned(),
        value: read(value),
        surprise: surprise(value.trim()).filter(|_| !path.last().is_some_and(|key| is_secret(key.text()))),
        path,
    })
}

/// A value by YAML 1.1: scalars, and flow lists and maps; what is no YAML is a string.
fn read(text: &str) -> Value {
    let text = text.trim();
    if text.starts_with(['[', '{', '"', '\'']) {
        return yaml::from_str(text).unwrap_or_else(|_| text.into());
    }
    if text.is_empty() {
        return String::new().into();
    }
    yaml::scalar(text)
}

/// What is to be said about a number or a date that a shell's user may not see in it. Words for yes and no are meant.
fn surprise(text: &str) -> Option<(String, &'static str)> {
    let reading = yaml::read_plain(text)
        .ok()
        .filter(|reading| !reading.value.is_boolean())?;
    let quoted = text.starts_with(['[', '{', '"', '\'']);
    let note = reading.note.filter(|_| !quoted && !text.is_empty())?;
    Some(note.words(text, &reading.value))
}

/// Parts of `text` between separators that are outside of brackets and quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') => depth = depth.saturating_sub(1),
            (None, c) if c == separator && depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn glob(pattern: &str) -> Option<Regex> {
    let mut regex = String::from("^");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => {
                let set: String = rest.by_ref().take_while(|c| *c != ']').collect();
                regex.push('[');
                let set = match set.strip_prefix('!') {
                    Some(set) => {
                        regex.push('^');
                        set
                    }
                    None => &set,
                };
                regex.push_str(&set.replace('\\', r"\\").replace('[', r"\["));
                regex.push(']');
            }
            c => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    Regex::new(&regex).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn pairs(argument: &str) -> Vec<(String, Value)> {
        parse(argument, true)
            .unwrap()
            .into_iter()
            .map(|assignment| (assignment.key, assignment.value))
            .collect()
    }

    #[test]
    fn pairs_split_at_commas_outside_of_brackets_and_quotes() {
        assert_eq!(
            pairs("decode.replicas=4,a.b=[1, 2],c={d: 1, e: \"x,y\"},f='p,q',g="),
            [
                ("decode.replicas".to_owned(), json!(4)),
                ("a.b".to_owned(), json!([1, 2])),
                ("c".to_owned(), json!({"d": 1, "e": "x,y"})),
                ("f".to_owned(), json!("p,q")),
                ("g".to_owned(), json!("")),
            ]
        );
        assert_eq!(pairs("a=x=y"), [("a".to_owned(), json!("x=y"))]);
        assert_eq!(pairs("a=yes"), [("a".to_owned(), json!(true))]);
    }

    #[test]
    fn a_quoted_part_of_a_key_keeps_its_dots() {
        let path = &parse(r#"annotations.pod."k8s.io/net"=x"#, true).unwrap()[0].path;
        assert_eq!(path.len(), 3);
        assert_eq!(path[2], PathSegment::Quoted("k8s.io/net".to_owned()));
    }

    #[test]
    fn a_value_that_is_read_as_another_is_told() {
        let told = |argument: &str| {
            parse(argument, true).unwrap()[0]
                .surprise
                .clone()
                .map(|(words, _)| words)
        };
        assert!(told("a=012").unwrap().contains("the number 10"));
        assert!(told("a=1:30").unwrap().contains("the number 90"));
        for argument in [
            "a=yes",
            "a=12",
            "a='012'",
            "a=x",
            "a=",
            "a.password=012",
            "a=[012]",
        ] {
            assert_eq!(told(argument), None, "{argument}");
        }
    }

    #[test]
    fn a_selector_chooses_stacks() {
        let selector = |text: &str| parse(text, true).unwrap().remove(0).selector;
        assert_eq!(selector("a=1"), Selector::All);
        assert_eq!(selector("pool-a:a=1"), Selector::Exact("pool-a".to_owned()));
        let glob = selector("pool-[ab]?*:a=1");
        assert!(glob.matches("pool-b12") && !glob.matches("pool-c12") && !glob.matches("pool-a"));
        assert!(selector("pool-[!a]:a=1").matches("pool-b"));
        assert!(Selector::All < glob && glob < selector("x:a=1"));
        assert_eq!(parse("a:b=1", false).unwrap()[0].selector, Selector::All);
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for argument in ["a", "=1", "a..b=1", ":a=1", "a=1,,b=2", ""] {
            assert!(parse(argument, true).is_err(), "{argument}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(argument in ".{0,40}", name in ".{0,8}") {
            if let Ok(assignments) = parse(&argument, true) {
                for assignment in assignments {
                    assignment.selector.matches(&name);
                    prop_assert!(!assignment.path.is_empty());
                }
            }
        }

        #[test]
        fn what_is_joined_splits_again(values in prop::collection::vec("[a-z]{1,4}|\\[[a-z],[a-z]\\]", 1..5)) {
            let argument: Vec<String> = values.iter().enumerate().map(|(i, v)| format!("k{i}={v}")).collect();
            prop_assert_eq!(parse(&argument.join(","), true).unwrap().len(), values.len());
        }
    }
}
