//! References in texts: `${model.name}` stands for the value of that key.

use super::{Context, Notes};
use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// A path with at least one dot: what has none is the shell's.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$\{(\w+(?:\.\w+)+)\}").ok());

/// A step towards a text: a key, or a position in a list.
#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// Replace references once, in the order of the document: a text that comes later is taken as it was written.
pub(super) fn substitute(config: &mut Value, context: &Context, notes: &mut Notes) {
    let Some(regex) = REFERENCE.as_ref() else {
        return;
    };
    let mut places = Vec::new();
    find(config, &mut Vec::new(), &mut places);
    for place in places {
        let Some(text) = reach(config, &place).and_then(|value| value.as_str().map(str::to_owned)) else {
            continue;
        };
        let replaced = regex.replace_all(&text, |found: &regex::Captures| {
            let name = found.get(1).map_or("", |name| name.as_str());
            let value = name
                .split('.')
                .try_fold(&*config, |value, key| value.as_object()?.get(key));
            match value {
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
                    let message = format!("there is no value for ${{{name}}}; it stays as it is");
                    notes.warning(context.about(message));
                    found.get(0).map_or("", |whole| whole.as_str()).to_owned()
                }
                Some(value) => printed(value),
            }
        });
        let replaced = replaced.into_owned();
        if let Some(target) = reach(config, &place) {
            *target = replaced.into();
        }
    }
}

fn find(value: &Value, path: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    match value {
        Value::String(text) if text.contains("${") => places.push(path.clone()),
        Value::Object(map) => {
            for (key, value) in map {
                if may_hold(value) {
                    path.push(Step::Key(key.clone()));
                    find(value, path, places);
                    path.pop();
                }
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                path.push(Step::Index(index));
                find(value, path, places);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Spares the names of values that hold no references.
fn may_hold(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Object(_) | Value::Array(_) => true,
        _ => false,
    }
}

fn reach<'a>(value: &'a mut Value, place: &[Step]) -> Option<&'a mut Value> {
    place.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

/// A single value as Python prints it, since that is what scenarios were written against.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => printed_float(float),
            None => number.to_string(),
        },
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The shortest digits that read back the same; an exponent below 0.0001 and from 10^16 on.
fn printed_float(float: f64) -> String {
    let scientific = format!("{float:e}");
    let exponent = scientific
        .split_once('e')
        .and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?)));
    match exponent {
        Some((digits, exponent)) if float != 0.0 && !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{float:?}"),
    }
}
