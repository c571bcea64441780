//! Tags: the standard ones act, all others are refused.

use super::scalar::{self, Number};
use saphyr_parser::Tag;
use serde_json::Value;
use std::borrow::Cow;

const CORE: &str = "tag:yaml.org,2002:";

/// What a tag asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// No tag, or the one that says nothing (`!`).
    Nothing,
    /// A tag of the standard, without its prefix: `int`.
    Standard(String),
    /// Any other tag, as written.
    Unknown(String),
}

/// Understand the tag of an event.
pub(super) fn asked(tag: Option<&Cow<'_, Tag>>) -> Asked {
    let Some(tag) = tag else {
        return Asked::Nothing;
    };
    let full = format!("{}{}", tag.handle, tag.suffix);
    match full.strip_prefix(CORE) {
        Some(name) => Asked::Standard(name.to_owned()),
        None if full == "!" => Asked::Nothing,
        None => Asked::Unknown(full),
    }
}

/// The value of a scalar that carries the standard tag `!!name`; the error says why there is none.
pub(super) fn tagged_scalar(name: &str, raw: &str) -> Result<Value, String> {
    match name {
        // A date stays text, as it does without the tag.
        "str" | "timestamp" => Ok(Value::String(raw.to_owned())),
        "null" => Ok(Value::Null),
        "bool" => scalar::boolean(&raw.to_lowercase())
            .map(Value::Bool)
            .ok_or_else(|| format!("`!!bool` on `{raw}`, which is neither true nor false")),
        "int" => match scalar::integer(raw) {
            Some(Ok(Number::Exact(value) | Number::Rounded(value))) => Ok(value),
            _ => Err(format!("`!!int` on `{raw}`, which is no whole number")),
        },
        "float" => {
            scalar::tagged_float(raw).ok_or_else(|| format!("`!!float` on `{raw}`, which is no number"))
        }
        _ => Err(format!("the tag `!!{name}` cannot be used here")),
    }
}
