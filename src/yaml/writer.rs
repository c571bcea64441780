//! The one YAML writer: block style, key order kept, read back equal by PyYAML and by YAML 1.2 readers alike.

use super::scalar::read_plain;
use serde_json::{Number, Value};
use std::fmt::Write as _;

/// Longest key that still fits YAML's rule for keys without a question mark (1,024 characters with quotes).
const LONGEST_SIMPLE_KEY: usize = 1_000;

/// `value` as a YAML document that ends in a newline.
///
/// The texts `.inf`, `-.inf` and `.nan` stand for the numbers JSON lacks and are written without quotes, as the reader
/// in this module makes them of such numbers.
pub fn to_string(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => node(&mut out, value, 0),
        Value::Array(list) if !list.is_empty() => node(&mut out, value, 0),
        Value::String(text) => out.push_str(&flow_text(text)),
        _ => out.push_str(&scalar(value)),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// A non-empty list or map; the cursor stands at column `indent`.
fn node(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (position, (key, value)) in map.iter().enumerate() {
                pad(out, position, indent);
                let key = flow_text(key);
                if key.len() > LONGEST_SIMPLE_KEY {
                    let _ = write!(out, "? {key}\n{:indent$}:", "");
                } else {
                    let _ = write!(out, "{key}:");
                }
                entry(out, value, indent);
            }
        }
        Value::Array(list) => {
            for (position, value) in list.iter().enumerate() {
                pad(out, position, indent);
                out.push('-');
                if is_filled(value) {
                    out.push(' ');
                    node(out, value, indent + 2);
                } else {
                    after_indicator(out, value, indent);
                }
            }
        }
        _ => {}
    }
}

/// What follows `key:`; a filled list or map begins on its own line.
fn entry(out: &mut String, value: &Value, indent: usize) {
    if is_filled(value) {
        let _ = write!(out, "\n{:width$}", "", width = indent + 2);
        node(out, value, indent + 2);
    } else {
        after_indicator(out, value, indent);
    }
}

fn after_indicator(out: &mut String, value: &Value, indent: usize) {
    out.push(' ');
    match value {
        Value::String(text) if fits_literal(text) => literal(out, text, indent + 2),
        Value::String(text) => out.push_str(&flow_text(text)),
        _ => out.push_str(&scalar(value)),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn pad(out: &mut String, position: usize, indent: usize) {
    // The first entry stands where its parent left the cursor.
    if position > 0 {
        let _ = write!(out, "{:indent$}", "");
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => flow_text(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
    }
}

/// YAML 1.1 takes a number with an exponent for text unless it has a dot, and a sign in the exponent.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return text;
    };
    let dot = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
    format!("{mantissa}{dot}e{sign}{exponent}")
}

/// A text on one line: plain where every reader takes it for the same text, else quoted.
fn flow_text(text: &str) -> String {
    if matches!(text, ".inf" | "-.inf" | ".nan") || is_safe_plain(text) {
        return text.to_owned();
    }
    if text
        .chars()
        .all(|c| c == '\u{a0}' || (!c.is_control() && !needs_escape(c)))
    {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || needs_escape(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(quoted, "\\x{code:02x}"),
                    0x100..=0xffff => write!(quoted, "\\u{code:04x}"),
                    _ => write!(quoted, "\\U{code:08x}"),
                };
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Characters that some reader takes for a line break, a byte order mark or nothing at all.
fn needs_escape(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_safe_plain(text: &str) -> bool {
    let safe_characters = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_./-+@%,:= ()<>$~^;".contains(&b));
    let safe_start = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric() || b"_/.".contains(&b));
    safe_characters
        && safe_start
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.starts_with("...")
        // Some readers take the single letters of YAML 1.1's text for booleans.
        && !matches!(text, "y" | "Y" | "n" | "N")
        && read_plain(text).is_ok_and(|reading| reading.note.is_none() && reading.value.is_string())
}

/// Whether a text of several lines can be written as a block, with each line as it is.
fn fits_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.starts_with([' ', '\n'])
        && !body.ends_with('\n')
        && body.lines().all(|line| !line.ends_with(' '))
        && body
            .chars()
            .all(|c| c == '\n' || !(c.is_control() || needs_escape(c)))
}

fn literal(out: &mut String, text: &str, indent: usize) {
    out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.lines() {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
}
