//! How Python prints what a template hands it: bare values, and JSON.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};
use serde_json::Value as Json;
use std::fmt::Write as _;

/// Values nested deeper are refused: no config is, and writing them takes stack.
const DEEPEST: usize = 128;

/// `repr` of a float: the shortest digits that read back equal, with an exponent where Python has one.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // Rust changes to exponents at the same magnitudes as Python, but writes them shorter.
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, number) = exponent
                .strip_prefix('-')
                .map_or(('+', exponent), |number| ('-', number));
            format!("{digits}e{sign}{number:0>2}")
        }
        None => text,
    }
}

/// What `{{ value }}` puts into the output.
pub(super) fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let written = match value.kind() {
        ValueKind::Number if !value.is_integer() => {
            out.write_str(&float(f64::try_from(value.clone()).unwrap_or(f64::NAN)))
        }
        ValueKind::Map | ValueKind::Seq => {
            let mut text = String::new();
            repr(state, value, &mut text, 0)?;
            out.write_str(&text)
        }
        _ => return minijinja::escape_formatter(out, state, value),
    };
    written.map_err(Error::from)
}

/// What `value` looks like inside of a collection that is printed.
fn repr(state: &State, value: &Value, out: &mut String, depth: usize) -> Result<(), Error> {
    within_depth(state, depth)?;
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::Number if !value.is_integer() => {
            out.push_str(&float(f64::try_from(value.clone()).unwrap_or(f64::NAN)));
        }
        ValueKind::Map => {
            out.push('{');
            for (position, key) in value.try_iter()?.enumerate() {
                out.push_str(if position > 0 { ", " } else { "" });
                repr(state, &key, out, depth + 1)?;
                out.push_str(": ");
                repr(state, &value.get_item(&key)?, out, depth + 1)?;
            }
            out.push('}');
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let (open, close) = if value.is_tuple() { ('(', ')') } else { ('[', ']') };
            out.push(open);
            for (position, item) in value.try_iter()?.enumerate() {
                out.push_str(if position > 0 { ", " } else { "" });
                repr(state, &item, out, depth + 1)?;
            }
            out.push_str(if value.is_tuple() && value.len() == Some(1) {
                ","
            } else {
                ""
            });
            out.push(close);
        }
        _ => {
            let text = format!("{value:?}");
            state.consume_fuel(text.len() as u64 / 64)?;
            out.push_str(&text);
        }
    }
    Ok(())
}

fn within_depth(state: &State, depth: usize) -> Result<(), Error> {
    state.consume_fuel(1)?;
    if depth > DEEPEST {
        let message = format!("the value is nested deeper than {DEEPEST} levels");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(())
}

fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => float(value),
        _ => number.to_string(),
    }
}

/// `json.dumps` without spaces: characters from ASCII's end to 16 bits are escaped, keys keep their order.
pub(super) fn json(value: &Json) -> String {
    let mut out = String::new();
    write_json(&mut out, value);
    out
}

fn write_json(out: &mut String, value: &Json) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&number_text(number)),
        Json::String(text) => match text.as_str() {
            // Numbers that JSON lacks are kept as these texts by the reader of configs; Python has words for them.
            ".inf" => out.push_str("Infinity"),
            "-.inf" => out.push_str("-Infinity"),
            ".nan" => out.push_str("NaN"),
            text => json_text(out, text),
        },
        Json::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_json(out, item);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (position, (key, value)) in map.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                json_text(out, key);
                out.push(':');
                write_json(out, value);
            }
            out.push('}');
        }
    }
}

fn json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Python escapes the latter in two halves, which YAML does not put together again.
            ' '..='~' | '\u{10000}'.. => out.push(c),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// A template's value as data. Undefined values and functions are none.
pub(super) fn plain(state: &State, value: &Value) -> Result<Json, Error> {
    plain_at(state, value, 0)
}

fn plain_at(state: &State, value: &Value, depth: usize) -> Result<Json, Error> {
    within_depth(state, depth)?;
    match value.kind() {
        ValueKind::None => Ok(Json::Null),
        ValueKind::Bool => Ok(Json::Bool(value.is_true())),
        ValueKind::Number => number(value),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            state.consume_fuel(text.len() as u64 / 64)?;
            Ok(Json::String(text.to_owned()))
        }
        ValueKind::Seq | ValueKind::Iterable => value
            .try_iter()?
            .map(|item| plain_at(state, &item, depth + 1))
            .collect(),
        ValueKind::Map => {
            let mut map = serde_json::Map::new();
            for key in value.try_iter()? {
                let item = value.get_item(&key)?;
                map.insert(key_text(&key), plain_at(state, &item, depth + 1)?);
            }
            Ok(Json::Object(map))
        }
        kind => Err(Error::new(
            ErrorKind::UndefinedError,
            format!("{kind} is no value that can be written"),
        )),
    }
}

fn number(value: &Value) -> Result<Json, Error> {
    let refused = || Error::new(ErrorKind::InvalidOperation, format!("{value} is out of range"));
    if !value.is_integer() {
        let float = f64::try_from(value.clone())?;
        return serde_json::Number::from_f64(float)
            .map(Json::Number)
            .ok_or_else(refused);
    }
    if let Some(number) = value.as_i64() {
        return Ok(Json::from(number));
    }
    u64::try_from(value.clone())
        .map(Json::from)
        .map_err(|_| refused())
}

/// A map's key as JSON has it.
fn key_text(key: &Value) -> String {
    match key.kind() {
        ValueKind::None => "null".to_owned(),
        ValueKind::Bool => if key.is_true() { "true" } else { "false" }.to_owned(),
        _ => key.to_string(),
    }
}
