//! From the text of an old variable's value to what it sets today.

use super::{ImagePart, Meaning, Reading};
use crate::experiment::PathSegment;
use crate::experiment::nearest::did_you_mean;
use crate::experiment::path::parse_path;
use crate::yaml;
use serde_json::{Map, Value, json};

/// Deploy methods, in the order their switches are written.
const METHODS: [&str; 5] = ["standalone", "modelservice", "fma", "kustomize", "nok8s"];
/// How the old tool wrote a blank where its shell would have split words.
const BLANK: &str = "____";

/// What a value becomes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::experiment) enum Converted {
    /// Keys with their values.
    Keys(Vec<Given>),
    /// A part of an image's repository, which needs the others beside it.
    ImagePart {
        target: Vec<PathSegment>,
        part: ImagePart,
        text: String,
    },
}

/// One key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::experiment) struct Given {
    pub(in crate::experiment) path: Vec<PathSegment>,
    pub(in crate::experiment) value: Value,
    /// Whether this came from a variable for all methods, which a variable of one method beats.
    pub(in crate::experiment) common: bool,
}

/// Why a value is refused, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::experiment) struct Refused {
    pub(in crate::experiment) message: String,
    pub(in crate::experiment) help: Option<String>,
}

impl Refused {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Some(help.into()),
        }
    }
}

/// Translate the value `text` of `name`. `methods` is the value of `LLMDBENCH_DEPLOY_METHODS` beside it, if any.
pub(in crate::experiment) fn convert(
    name: &str,
    meaning: &Meaning,
    text: &str,
    methods: Option<&str>,
) -> Result<Converted, Refused> {
    if let Some(instead) = &meaning.instead {
        return if meaning.default.as_deref() == Some(text) {
            Ok(Converted::Keys(Vec::new()))
        } else {
            Err(Refused::new(format!("`{name}` has no effect today"), instead))
        };
    }
    if let (Some(part), [target]) = (meaning.image, meaning.sets.as_slice()) {
        return Ok(Converted::ImagePart {
            target: parse_path(target),
            part,
            text: text.to_owned(),
        });
    }
    let mut keys = match meaning.reading {
        Reading::Methods => method_switches(text)?,
        Reading::Model => model(text)?,
        Reading::Arguments => arguments(meaning, text),
        reading => match value(reading, text)? {
            Some(value) => everywhere(meaning, &value, methods),
            None => Vec::new(),
        },
    };
    if let Some(switch) = &meaning.enables {
        let on = keys
            .first()
            .and_then(|key| key.value.as_f64())
            .is_some_and(|number| number > 0.0);
        keys.push(given(switch, json!(on)));
    }
    if !keys.is_empty() && text != "auto" {
        keys.extend(meaning.also.iter().map(|(key, value)| given(key, value.clone())));
    }
    Ok(Converted::Keys(keys))
}

fn given(key: &str, value: Value) -> Given {
    Given {
        path: parse_path(key),
        value,
        common: false,
    }
}

/// `value` at each key of the methods in effect; at all of them where the methods are not known.
fn everywhere(meaning: &Meaning, value: &Value, methods: Option<&str>) -> Vec<Given> {
    let in_effect = |method: &str| methods.is_none_or(|list| listed(list).any(|one| one == method));
    let mut keys: Vec<Given> = meaning.sets.iter().map(|key| given(key, value.clone())).collect();
    for (method, targets) in [
        ("standalone", &meaning.standalone),
        ("modelservice", &meaning.modelservice),
    ] {
        if in_effect(method) {
            for key in targets {
                let common = Given {
                    common: true,
                    ..given(key, value.clone())
                };
                if !keys.contains(&common) {
                    keys.push(common);
                }
            }
        }
    }
    keys
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ']).filter(|part| !part.is_empty())
}

fn method_switches(text: &str) -> Result<Vec<Given>, Refused> {
    let wanted: Vec<&str> = listed(text).collect();
    if let Some(unknown) = wanted.iter().find(|method| !METHODS.contains(method)) {
        let help =
            did_you_mean(unknown, METHODS).unwrap_or_else(|| format!("methods are {}", METHODS.join(", ")));
        return Err(Refused::new(format!("`{unknown}` is no deploy method"), help));
    }
    if wanted.is_empty() {
        return Err(Refused::new(
            "no deploy method",
            format!("methods are {}", METHODS.join(", ")),
        ));
    }
    let switch = |method: &&str| given(&format!("{method}.enabled"), json!(wanted.contains(method)));
    Ok(METHODS.iter().map(switch).collect())
}

fn model(text: &str) -> Result<Vec<Given>, Refused> {
    if listed(text).count() != 1 {
        let message = format!("`{text}` is not one model");
        return Err(Refused::new(
            message,
            "give one model per treatment, such as facebook/opt-125m",
        ));
    }
    Ok(vec![
        given("model.name", json!(text)),
        given("model.huggingfaceId", json!(text)),
        given("model.path", json!(format!("models/{text}"))),
        given("model.shortName", json!(short_name(text))),
    ])
}

/// The model's id as a name Kubernetes accepts: lower case, everything else than letters and digits a dash.
fn short_name(id: &str) -> String {
    let mut name = String::new();
    for c in id.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_matches('-').chars().take(63).collect()
}

fn without_blanks(text: &str) -> String {
    text.replace(BLANK, " ")
}

/// Flags in brackets or beginning with a dash go to the first key, a whole command to the second.
fn arguments(meaning: &Meaning, text: &str) -> Vec<Given> {
    let [flags, command] = meaning.sets.as_slice() else {
        return Vec::new();
    };
    let plain = without_blanks(text);
    let inside = plain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inside {
        None if !plain.starts_with('-') => vec![given(command, json!(plain))],
        _ => {
            let words: Vec<&str> = inside.unwrap_or(&plain).split_whitespace().collect();
            vec![given(flags, json!(words))]
        }
    }
}

/// The value of the text; `None` where it says to leave the key alone.
fn value(reading: Reading, text: &str) -> Result<Option<Value>, Refused> {
    let value = match reading {
        Reading::Flag => json!(flag(text)?),
        Reading::OmitAuto if text == "auto" => return Ok(None),
        Reading::Affinity if text == "auto" => json!("auto"),
        Reading::Pairs if matches!(text, "auto" | "") => return Ok(None),
        Reading::Affinity | Reading::Pairs => pairs(text)?,
        Reading::List => json!([text]),
        Reading::Blanks => json!(without_blanks(text)),
        Reading::GatewayClass if text == "kgateway" => json!("agentgateway"),
        Reading::Plugins if text == "default" => json!("default-plugins.yaml"),
        Reading::Text | Reading::GatewayClass | Reading::Plugins => json!(text),
        Reading::Yaml => parsed(text)?,
        Reading::YamlList => match parsed(text)? {
            list @ Value::Array(_) => list,
            Value::Object(map) if map.is_empty() => return Ok(None),
            Value::Null => return Ok(None),
            other => json!([other]),
        },
        Reading::Scalar | Reading::OmitAuto | Reading::Methods | Reading::Model | Reading::Arguments => {
            yaml::scalar(text)
        }
    };
    Ok(Some(value))
}

fn flag(text: &str) -> Result<bool, Refused> {
    match text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Refused::new(
            format!("`{text}` is neither true nor false"),
            "write true or false",
        )),
    }
}

/// `key:value`, or several of them with commas; a value may hold colons.
fn pairs(text: &str) -> Result<Value, Refused> {
    let mut map = Map::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        match pair.split_once(':') {
            Some((key, value)) if !key.trim().is_empty() => {
                map.insert(key.trim().to_owned(), json!(value.trim()));
            }
            _ => {
                return Err(Refused::new(
                    format!("`{pair}` is no `key:value`"),
                    "write it as `key:value`",
                ));
            }
        }
    }
    Ok(Value::Object(map))
}

fn parsed(text: &str) -> Result<Value, Refused> {
    let text = without_blanks(text);
    yaml::from_str(&text).map_err(|error| {
        Refused::new(
            format!("`{text}` cannot be read as YAML: {}", error.message),
            "write it as a YAML value, with REPLACE_COMMA for each comma",
        )
    })
}
