//! The filters, tests and functions that the reference's templates know beside Jinja's own, and those of Jinja's own
//! that minijinja has otherwise.

#![allow(
    clippy::needless_pass_by_value,
    reason = "minijinja hands arguments over by value"
)]

use super::changing;
use super::kept;
use super::python::{self, plain};
use super::pyyaml;
use base64::Engine as _;
use minijinja::value::{Kwargs, StringInput, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use sha2::{Digest, Sha256};

/// A deeper indentation is a mistake, and would only fill the memory.
const WIDEST_INDENT: usize = 1_000;

/// Give `environment` everything a template of the reference may call.
pub(super) fn register(environment: &mut Environment<'_>) {
    environment.add_filter("indent", indent);
    environment.add_filter("toyaml", to_yaml);
    environment.add_filter("tojson", to_json);
    environment.add_filter("is_empty", is_empty);
    environment.add_filter("default_if_empty", default_if_empty);
    environment.add_filter("b64pad", b64pad);
    environment.add_filter("b64encode", b64encode);
    environment.add_filter("model_id_label", model_id_label);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("string", string);
    environment.add_test("sequence", is_sequence);
    environment.add_function("raise", raise);
    environment.add_function("dict", changing::dict);
    environment.add_function(changing::LIST, changing::list);
    environment.add_function(kept::KEPT, kept::kept);
}

/// Jinja's own: whatever has a length and parts, also texts and maps.
fn is_sequence(value: &Value) -> bool {
    value.len().is_some()
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// Stops the template with a message of its own.
fn raise(message: StringInput<'_>) -> Result<Value, Error> {
    Err(invalid(message.as_str().to_owned()))
}

/// Every line but the first, and with `first` that one too, moved to the right; empty lines stay empty.
fn indent(
    state: &State,
    text: Value,
    width: Option<usize>,
    first: Option<bool>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let width = width.map_or_else(|| kwargs.get::<Option<usize>>("width"), |width| Ok(Some(width)))?;
    let first = first.map_or_else(|| kwargs.get::<Option<bool>>("first"), |first| Ok(Some(first)))?;
    kwargs.assert_all_used()?;
    let width = checked_width(width.unwrap_or(4))?;
    if !text.is_true() {
        return Ok(text);
    }
    let Some(text) = text.as_str() else {
        return Err(invalid(format!("indent takes text, not {}", text.kind())));
    };
    let lines = text.split('\n').count();
    state.consume_fuel((text.len() + lines.saturating_mul(width)) as u64 / 64)?;
    Ok(Value::from(indented(text, width, first.unwrap_or(false))))
}

fn checked_width(width: usize) -> Result<usize, Error> {
    if width > WIDEST_INDENT {
        let message = format!("an indentation of {width} is beyond the limit of {WIDEST_INDENT}");
        return Err(invalid(message));
    }
    Ok(width)
}

fn indented(text: &str, width: usize, first: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (position, line) in text.split('\n').enumerate() {
        if position > 0 {
            out.push('\n');
        }
        if !line.is_empty() && (position > 0 || first) {
            out.extend(std::iter::repeat_n(' ', width));
        }
        out.push_str(line);
    }
    out
}

/// A value as YAML without a newline at its end. Nothing at all of null and of empty collections; text as it is.
fn to_yaml(state: &State, value: Value, indent: Option<usize>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent = indent.map_or_else(
        || kwargs.get::<Option<usize>>("indent"),
        |indent| Ok(Some(indent)),
    )?;
    kwargs.assert_all_used()?;
    let indent = checked_width(indent.unwrap_or(0))?;
    let text = match value.kind() {
        ValueKind::None => return Ok(Value::from("")),
        ValueKind::String => return Ok(value),
        ValueKind::Seq | ValueKind::Map if value.len() == Some(0) => return Ok(Value::from("")),
        ValueKind::Undefined => return Err(undefined("toyaml")),
        _ => pyyaml::dump(&plain(state, &value)?),
    };
    if indent == 0 {
        return Ok(Value::from(text));
    }
    let lines = text.split('\n').count();
    state.consume_fuel(lines.saturating_mul(indent) as u64 / 64)?;
    Ok(Value::from(indented(&text, indent, true)))
}

/// A value as JSON without spaces.
fn to_json(state: &State, value: Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(undefined("tojson"));
    }
    Ok(Value::from(python::json(&plain(state, &value)?)))
}

fn undefined(filter: &str) -> Error {
    Error::new(
        ErrorKind::UndefinedError,
        format!("{filter} of an undefined value"),
    )
}

/// Whether a value is null, blank or an empty collection. An undefined value is not, as in the reference.
fn is_empty(value: &Value) -> bool {
    match value.kind() {
        ValueKind::None => true,
        ValueKind::String => value.as_str().is_some_and(|text| text.trim().is_empty()),
        ValueKind::Seq | ValueKind::Map => value.len() == Some(0),
        _ => false,
    }
}

fn default_if_empty(value: Value, default: Value) -> Value {
    if is_empty(&value) { default } else { value }
}

/// Base64 with the padding it lacks.
fn b64pad(value: Value) -> Value {
    match value.as_str() {
        Some(text) if !text.is_empty() => {
            let text = text.trim();
            let missing = text.chars().count().next_multiple_of(4) - text.chars().count();
            Value::from(format!("{text}{}", "=".repeat(missing)))
        }
        _ => value,
    }
}

fn b64encode(value: Value) -> Value {
    match value.as_str() {
        Some(text) if !text.is_empty() => Value::from(base64::engine::general_purpose::STANDARD.encode(text)),
        _ => value,
    }
}

/// A short label for a model in a namespace, safe in DNS names.
fn model_id_label(name: Value, namespace: Option<StringInput<'_>>) -> Result<Value, Error> {
    if !name.is_true() {
        return Ok(name);
    }
    let Some(name) = name.as_str() else {
        return Err(invalid(format!("model_id_label takes text, not {}", name.kind())));
    };
    let id = name.replace(['/', '.'], "-");
    let hashed = match namespace {
        Some(namespace) if !namespace.as_str().is_empty() => format!("{}/{id}", namespace.as_str()),
        _ => id.clone(),
    };
    let digest = crate::plan::fingerprint::hex(&Sha256::digest(hashed));
    let chars: Vec<char> = id.chars().collect();
    let start: String = chars.iter().take(8).collect();
    let end: String = chars.iter().skip(chars.len().saturating_sub(8)).collect();
    let hash = digest.get(..8).unwrap_or_default();
    Ok(Value::from(format!("{start}-{hash}-{end}").to_lowercase()))
}

/// Jinja's own, with its named arguments.
fn default(
    value: Value,
    other: Option<Value>,
    also_false: Option<bool>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let other = other.map_or_else(
        || kwargs.get::<Option<Value>>("default_value"),
        |other| Ok(Some(other)),
    )?;
    let also_false =
        also_false.map_or_else(|| kwargs.get::<Option<bool>>("boolean"), |flag| Ok(Some(flag)))?;
    kwargs.assert_all_used()?;
    if value.is_undefined() || (also_false == Some(true) && !value.is_true()) {
        return Ok(other.unwrap_or_else(|| Value::from("")));
    }
    Ok(value)
}

/// Jinja's own: what is no number becomes the default, which is 0.
fn int(value: Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = default.map_or_else(|| kwargs.get::<Option<Value>>("default"), |other| Ok(Some(other)))?;
    let base = kwargs.get::<Option<u32>>("base")?.unwrap_or(10).clamp(2, 36);
    kwargs.assert_all_used()?;
    if value.is_undefined() {
        return Err(undefined("int"));
    }
    let number = match value.kind() {
        ValueKind::Bool => Some(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => return Ok(value),
        ValueKind::Number => f64::try_from(value.clone()).ok().and_then(whole),
        ValueKind::String => {
            let digits = value.as_str().unwrap_or_default().trim().replace('_', "");
            let prefix = match base {
                2 => "0b",
                8 => "0o",
                16 => "0x",
                _ => "",
            };
            let number = digits.to_lowercase();
            let number = number.strip_prefix(prefix).unwrap_or(&number);
            i64::from_str_radix(number, base)
                .ok()
                .or_else(|| digits.parse().ok().and_then(whole))
        }
        _ => None,
    };
    Ok(number.map_or_else(|| default.unwrap_or_else(|| Value::from(0)), Value::from))
}

fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9e18).then_some(number as i64)
}

/// Jinja's own, with floats as Python prints them.
fn string(state: &mut State, value: Value) -> Result<Value, Error> {
    if value.kind() == ValueKind::String {
        return Ok(value);
    }
    state.format(value).map(Value::from)
}

/// Jinja's own: what is no number becomes the default, which is 0.0.
fn float(value: Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = default.map_or_else(|| kwargs.get::<Option<Value>>("default"), |other| Ok(Some(other)))?;
    kwargs.assert_all_used()?;
    if value.is_undefined() {
        return Err(undefined("float"));
    }
    let number = match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::String => value.as_str().unwrap_or_default().trim().parse().ok(),
        _ => None,
    };
    Ok(number.map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from))
}
