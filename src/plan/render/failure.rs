//! What went wrong in a template, for who wrote it.

use super::environment::DEEPEST;
use super::source::Source;
use crate::diagnostic::{Finding, Span};
use crate::plan::base_dir::Document;
use minijinja::{Error, ErrorKind};
use std::error::Error as _;

/// The error's place in a file of the base dir, and what to say there.
pub(super) fn explain<'a>(
    error: &Error,
    sources: impl Fn(&str) -> Option<&'a Source>,
    whole: &'a Document,
) -> (Document, Finding) {
    let error = innermost(error);
    let source = error.name().and_then(sources);
    let range = error
        .range()
        .map(|range| source.map_or(range.clone(), |source| source.whole_expression(range)));
    let place = source.and_then(|source| match &range {
        Some(range) => source.place(range),
        None => source.line(error.line()?),
    });
    let excerpt = source
        .zip(range.as_ref())
        .and_then(|(source, range)| source.excerpt(range));
    let (message, help) = words(error, excerpt);
    let (document, span) = place.unwrap_or((whole, Span::default()));
    let mut finding = Finding::error(span, message);
    finding.help = help;
    (document.clone(), finding)
}

/// The error of the template in which it happened, not of those that include it.
fn innermost(error: &Error) -> &Error {
    let mut found = error;
    let mut next = error.source();
    while let Some(inner) = next {
        if let Some(inner) = inner.downcast_ref::<Error>()
            && inner.name().is_some()
        {
            found = inner;
        }
        next = inner.source();
    }
    found
}

fn words(error: &Error, excerpt: Option<&str>) -> (String, Option<String>) {
    let detail = error.detail().unwrap_or_default();
    let in_expression = excerpt
        .and_then(|text| text.lines().next())
        .map(|text| format!(" in `{text}`"))
        .unwrap_or_default();
    let (message, help) = match error.kind() {
        ErrorKind::UndefinedError => (
            format!("undefined value{in_expression}{}", behind_colon(detail)),
            "the config has no such key: ask with `is defined`, or give it a value with the filter `default`",
        ),
        ErrorKind::OutOfFuel => (
            "the template does more work than any config needs; it was stopped".to_owned(),
            "look for a loop that does not end, or for a text that grows with every turn",
        ),
        _ if detail == "recursion limit exceeded" => (
            format!("this goes in a circle, or deeper than {DEEPEST} levels{in_expression}"),
            "a macro that calls itself needs an end, and files that include each other have none",
        ),
        ErrorKind::WriteFailure => (
            error
                .source()
                .map_or_else(|| detail.to_owned(), ToString::to_string),
            "",
        ),
        ErrorKind::SyntaxError => (format!("the template has a syntax error: {detail}"), ""),
        ErrorKind::InvalidOperation => (format!("{detail}{in_expression}"), ""),
        kind => (format!("{kind}{}{in_expression}", behind_colon(detail)), ""),
    };
    (message, (!help.is_empty()).then(|| help.to_owned()))
}

fn behind_colon(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}
