//! Values that nobody is shown: by the key they stand under, or by their own shape.

use crate::text::{REDACTED, SENTINELS, redact};
use serde_json::{Map, Value};

/// Ends of keys, in lower case and without anything but letters, under which secrets stand.
const ENDINGS: [&str; 10] = [
    "token",
    "tokenbase64",
    "password",
    "passwd",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "credentials",
];
/// Bytes of the shortest secret that is looked for within other texts.
const SHORTEST: usize = 6;

/// A config as it may be written and shown.
pub fn without_secrets(config: &Value) -> Value {
    redacted("", config)
}

/// `value`, which stands under `key`, as it may be shown.
pub(super) fn redacted(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() || SENTINELS.contains(&text.as_str()) => value.clone(),
        Value::String(_) if is_secret(key) => REDACTED.into(),
        Value::String(text) => redact(text).into(),
        Value::Array(list) => list.iter().map(|one| redacted(key, one)).collect(),
        Value::Object(map) => Value::Object(redacted_map(map)),
        _ => value.clone(),
    }
}

fn redacted_map(map: &Map<String, Value>) -> Map<String, Value> {
    // Variables of containers have their names and values beside each other.
    let named = map.get("name").and_then(Value::as_str).is_some_and(is_secret);
    let shown = |(key, value): (&String, &Value)| {
        let under = if named && key == "value" {
            "token"
        } else {
            key.as_str()
        };
        (key.clone(), redacted(under, value))
    };
    map.iter().map(shown).collect()
}

/// The texts in `value` that nobody is shown, so that they can be taken out of what was made from it as well.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &redacted("", value), &mut found);
    found
}

fn collect(value: &Value, shown: &Value, found: &mut Vec<String>) {
    match (value, shown) {
        // What is shorter is part of ordinary words.
        (Value::String(secret), Value::String(shown))
            if shown == REDACTED && secret.len() >= SHORTEST && !found.contains(secret) =>
        {
            found.push(secret.clone());
        }
        (Value::Array(list), Value::Array(shown)) => {
            for (value, shown) in list.iter().zip(shown) {
                collect(value, shown, found);
            }
        }
        (Value::Object(map), Value::Object(shown)) => {
            for (key, value) in map {
                collect(value, shown.get(key).unwrap_or(&Value::Null), found);
            }
        }
        _ => {}
    }
}

/// Whether secrets stand under a key.
pub(super) fn is_secret(key: &str) -> bool {
    let key: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ENDINGS.iter().any(|ending| key.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_known_by_key_name_and_shape() {
        let config = json!({
            "huggingface": {"token": "abc", "tokenBase64": "UkVQTEFDRV9UT0tFTg==", "tokenKey": "HF_TOKEN", "secretName": "s"},
            "env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "abc"}, {"name": "MODE", "value": "abc"}],
            "command": "serve --api-key abcdefgh hf_abcdefghij",
            "maxTokens": 3,
        });
        assert_eq!(
            redacted("", &config),
            json!({
                "huggingface": {"token": "[redacted]", "tokenBase64": "UkVQTEFDRV9UT0tFTg==", "tokenKey": "HF_TOKEN", "secretName": "s"},
                "env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "[redacted]"}, {"name": "MODE", "value": "abc"}],
                "command": "serve --api-key [redacted] [redacted]",
                "maxTokens": 3,
            })
        );
    }

    #[test]
    fn secrets_are_found_by_their_text() {
        let config = json!({
            "env": [{"name": "API_KEY", "value": "planted"}, {"name": "OTHER_KEY", "value": "seen"}],
            "huggingface": {"token": "REPLACE_TOKEN"},
            "a": {"password": "planted"}, "b": {"password": "x"},
        });
        assert_eq!(texts(&config), ["planted"]);
    }
}
