//! Typed access to a map of a profile that remembers which keys were asked for.

use super::ProfileError;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Most groups of prompts that begin alike.
const MOST_GROUPS: u32 = 1_000_000;

/// Whether two spellings mean the same key: `-` and `_` are alike.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .all(|(a, b)| a == b || (matches!(a, b'-' | b'_') && matches!(b, b'-' | b'_')))
}

/// One map, and how it is reached from the root.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
    asked: HashSet<&'a str>,
}

impl<'a> Fields<'a> {
    /// The whole profile.
    pub(super) fn root(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            path: String::new(),
            asked: HashSet::new(),
        }
    }

    /// A map inside a profile, at `path`.
    pub(super) fn at(map: &'a Map<String, Value>, path: &str) -> Self {
        Self {
            map,
            path: path.to_owned(),
            asked: HashSet::new(),
        }
    }

    /// `key` with the path to it.
    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of `key`; a null counts as absent.
    pub(super) fn get(&mut self, key: &str) -> Option<&'a Value> {
        let (found, value) = self.map.iter().find(|(k, _)| same_key(k, key))?;
        self.asked.insert(found);
        (!value.is_null()).then_some(value)
    }

    /// A finite number. Numbers in quotes count, because overrides may come as text.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<f64>, ProfileError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(key, "a number", value)),
        }
    }

    /// A number above 0, or `None` for infinity (`inf`, as vLLM writes it) and for an absent key.
    pub(super) fn rate(&mut self, key: &str) -> Result<Option<f64>, ProfileError> {
        if let Some(Value::String(text)) = self.get(key) {
            let text = text.trim().trim_start_matches(['+', '.']).to_ascii_lowercase();
            if text == "inf" || text == "infinity" {
                return Ok(None);
            }
        }
        match self.number(key)? {
            Some(rate) if rate > 0.0 => Ok(Some(rate)),
            Some(_) => Err(self.invalid(key, "must be above 0")),
            None => Ok(None),
        }
    }

    /// A whole number, not below 0.
    pub(super) fn count(&mut self, key: &str) -> Result<Option<u64>, ProfileError> {
        match self.number(key)? {
            None => Ok(None),
            Some(number) if number >= 0.0 && number.fract() == 0.0 && number < 9.0e15 => {
                Ok(Some(number as u64))
            }
            Some(number) => Err(self.invalid(key, &format!("must be a whole number from 0, not {number}"))),
        }
    }

    /// A whole number that fits 32 bits and is at least `least`.
    pub(super) fn small(&mut self, key: &str, least: u32) -> Result<Option<u32>, ProfileError> {
        match self.count(key)? {
            None => Ok(None),
            Some(count) => match u32::try_from(count) {
                Ok(count) if count >= least => Ok(Some(count)),
                _ => Err(self.invalid(key, &format!("must be from {least} to {}, not {count}", u32::MAX))),
            },
        }
    }

    /// How many groups of prompts begin alike. Each has a beginning in memory, so there is a limit.
    pub(super) fn groups(&mut self, key: &str) -> Result<Option<u32>, ProfileError> {
        match self.small(key, 1)? {
            Some(groups) if groups > MOST_GROUPS => {
                Err(self.invalid(key, &format!("must be at most {MOST_GROUPS}, not {groups}")))
            }
            groups => Ok(groups),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<&'a str>, ProfileError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a text", other)),
        }
    }

    /// A switch. A bare flag of a command line is written `none` in profiles, and means yes.
    pub(super) fn switch(&mut self, key: &str) -> Result<Option<bool>, ProfileError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "none" | "" | "true" | "yes" | "on" => Ok(Some(true)),
                "false" | "no" | "off" => Ok(Some(false)),
                _ => Err(self.invalid(key, &format!("must be true or false, not `{text}`"))),
            },
            Some(other) => Err(self.wrong(key, "true or false", other)),
        }
    }

    /// A map inside this one.
    pub(super) fn map(&mut self, key: &str) -> Result<Option<Fields<'a>>, ProfileError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields {
                map,
                path: self.name(key),
                asked: HashSet::new(),
            })),
            Some(other) => Err(self.wrong(key, "a map", other)),
        }
    }

    /// A list of maps inside this one.
    pub(super) fn maps(&mut self, key: &str) -> Result<Vec<Fields<'a>>, ProfileError> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(entries)) => entries
                .iter()
                .enumerate()
                .map(|(at, entry)| {
                    let path = format!("{}.{at}", self.name(key));
                    match entry {
                        Value::Object(map) => Ok(Fields {
                            map,
                            path,
                            asked: HashSet::new(),
                        }),
                        other => Err(ProfileError::WrongType {
                            key: path,
                            expected: "a map",
                            found: kind(other),
                        }),
                    }
                })
                .collect(),
            Some(other) => Err(self.wrong(key, "a list", other)),
        }
    }

    /// Keys that mean something to the tool and nothing here, for good reason.
    pub(super) fn without_effect(&mut self, keys: &[&str]) {
        for key in keys {
            self.get(key);
        }
    }

    /// Warn about what was not asked for.
    pub(super) fn finish(self, warnings: &mut Vec<String>) {
        for key in self.map.keys().filter(|key| !self.asked.contains(key.as_str())) {
            warnings.push(format!(
                "`{}` is not known to the built-in load generator and has no effect",
                self.name(key)
            ));
        }
    }

    /// The error that `key` has a bad value.
    pub(super) fn invalid(&self, key: &str, problem: &str) -> ProfileError {
        ProfileError::Invalid {
            key: self.name(key),
            problem: problem.to_owned(),
        }
    }

    fn wrong(&self, key: &str, expected: &'static str, found: &Value) -> ProfileError {
        ProfileError::WrongType {
            key: self.name(key),
            expected,
            found: kind(found),
        }
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}
