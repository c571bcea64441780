//! What is put into a template before it is compiled, where minijinja needs help.
//!
//! - Values of minijinja never change. A literal whose name is changed by a method somewhere is wrapped:
//!   `{% set found = {} %}` becomes `{% set found = dict({}) %}`, which means the same in Python.
//! - minijinja adds lists lazily, and what is added again and again costs nothing until it is too much. Values that are
//!   kept under a name are made out, and paid for: `{% set sum = __kept__((a + b)) %}`.

use super::changing::LIST;
use super::kept::KEPT;
use super::tags::tags;

/// Where in `template` something is put, and what, in order.
pub(super) fn places(template: &str) -> Vec<(usize, String)> {
    let adds = tags(template).any(|tag| {
        let inside = template.get(tag.inside).unwrap_or_default();
        inside.trim_matches(['-', '+']).contains('+')
    });
    let mut found = Vec::new();
    for tag in tags(template).filter(|tag| tag.is_block) {
        let Some(body) = template.get(tag.inside.clone()) else {
            continue;
        };
        if let Some((target, value)) = assigned(body) {
            let (opening, closing) = wrapping(template, target, body.get(value..).unwrap_or_default());
            let end = body.trim_end_matches(['-', '+']).trim_end().len();
            if !opening.is_empty() && value < end {
                found.push((tag.inside.start + value, opening));
                found.push((tag.inside.start + end, closing));
            }
        } else if adds {
            // Trims white space as the tag before it does.
            let trim = body
                .get(body.trim_end_matches(['-', '+']).len()..)
                .unwrap_or_default();
            let behind = tag.inside.end + "%}".len();
            let sets = bound(body)
                .into_iter()
                .map(|name| (behind, format!("{{% set {name} = {KEPT}({name}) {trim}%}}")));
            found.extend(sets.filter(|_| behind <= template.len()));
        }
    }
    found
}

/// What goes before and behind `value` when it is given to `target`.
fn wrapping(template: &str, target: &str, value: &str) -> (String, String) {
    let literal = match value.as_bytes().first() {
        Some(b'{') => "dict",
        Some(b'[') => LIST,
        _ => "",
    };
    let is_made = target.contains('.') || value.contains(['+', '[', '{', '|', '(']);
    let (mut opening, mut closing) = if is_made {
        (format!("{KEPT}(("), "))".to_owned())
    } else {
        Default::default()
    };
    if !literal.is_empty() && has_change(template, target) {
        opening = format!("{opening}{literal}(");
        closing = format!("){closing}");
    }
    (opening, closing)
}

/// Whether a changing method is called on `name` anywhere.
fn has_change(template: &str, name: &str) -> bool {
    [
        ".update(",
        ".setdefault(",
        ".pop(",
        ".append(",
        ".extend(",
        ".insert(",
        ".clear(",
    ]
    .iter()
    .any(|call| template.contains(&format!("{name}{call}")))
}

/// The target and the offset of the value in `set target = value`.
fn assigned(body: &str) -> Option<(&str, usize)> {
    let rest = body
        .trim_start_matches(['-', '+'])
        .trim_start()
        .strip_prefix("set")?;
    let (target, value) = rest.strip_prefix(char::is_whitespace)?.split_once('=')?;
    let target = target.trim();
    let is_target = target
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ',' | ' '));
    (is_target && !value.starts_with('=')).then(|| (target, body.len() - value.trim_start().len()))
}

/// The names that a macro, a recursive loop or a `with` binds to values: how templates hand them on without `set`.
fn bound(body: &str) -> Vec<&str> {
    let body = body.trim_matches(['-', '+', ' ', '\n', '\t', '\r']);
    let (keyword, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let parameters = match keyword {
        "macro" | "call" => rest.split_once('(').map_or("", |(_, parameters)| parameters),
        "with" => rest,
        "for" if rest.ends_with("recursive") => rest.split_once(" in ").map_or("", |(names, _)| names),
        _ => "",
    };
    let parts = parameters.split(',').filter_map(|part| {
        let name = part.split('=').next()?.trim_matches([' ', '\n', '\t', '(', ')']);
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        // A name inside of a default's brackets is no parameter, but to make it out does no harm.
        is_name.then_some(name)
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(template: &str) -> String {
        let mut text = template.to_owned();
        for (at, put) in places(template).into_iter().rev() {
            text.insert_str(at, &put);
        }
        text
    }

    #[test]
    fn names_are_kept_and_changing_literals_wrapped() {
        for (template, expected) in [
            ("{% set a = b.c %}", "{% set a = b.c %}"),
            ("{%- set a = b + c -%}", "{%- set a = __kept__((b + c)) -%}"),
            (
                "{% set n.a = b %}{% set n = namespace(x=[1]) %}",
                "{% set n.a = __kept__((b)) %}{% set n = __kept__((namespace(x=[1]))) %}",
            ),
            (
                "{% set a = {'x': '%}'} %}{% set _ = a.update(b) %}",
                "{% set a = __kept__((dict({'x': '%}'}))) %}{% set _ = __kept__((a.update(b))) %}",
            ),
            ("{% macro m(a, b=1) -%}", "{% macro m(a, b=1) -%}"),
            (
                "{% macro m(a, b=1) -%}{{ a + b }}",
                "{% macro m(a, b=1) -%}{% set a = __kept__(a) -%}{% set b = __kept__(b) -%}{{ a + b }}",
            ),
            ("{% set x %}a + b{% endset %}", "{% set x %}a + b{% endset %}"),
            ("{% if a == b + 1 %}", "{% if a == b + 1 %}"),
        ] {
            assert_eq!(rewritten(template), expected);
        }
    }
}
