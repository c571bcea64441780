//! A whole config as lines, each with where it comes from.

use super::{Origin, Provenance};
use crate::experiment::{PathSegment, format_path};
use crate::plan::secret::redacted;
use serde_json::Value;

/// One line of a resolved config: a value, or the head of a map or list whose parts are the deeper lines after it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigLine {
    /// How deep it lies; 0 for the keys at the top.
    pub depth: usize,
    /// Its key in its map, or its position in its list.
    pub key: String,
    /// The whole path, as `--set` takes it.
    pub path: String,
    /// The value as one line, without secrets; `None` where its parts follow.
    pub value: Option<String>,
    /// Who set it, oldest first; the last one is in effect. Empty for a head.
    pub origins: Vec<Origin>,
}

impl Provenance {
    /// The whole config in the order in which its keys came, with where each value comes from.
    pub fn lines(&self) -> Vec<ConfigLine> {
        let mut lines = Vec::new();
        let config = redacted("", &self.config);
        self.below(&config, &mut Vec::new(), &mut lines);
        lines
    }

    fn below(&self, value: &Value, path: &mut Vec<PathSegment>, lines: &mut Vec<ConfigLine>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let means_more = key.is_empty() || key.contains('.') || key.parse::<i64>().is_ok();
                    path.push(if means_more {
                        PathSegment::Quoted(key.clone())
                    } else {
                        PathSegment::Key(key.clone())
                    });
                    self.line(value, path, lines);
                    path.pop();
                }
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    path.push(PathSegment::Key(index.to_string()));
                    self.line(value, path, lines);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn line(&self, value: &Value, path: &mut Vec<PathSegment>, lines: &mut Vec<ConfigLine>) {
        let is_head = match value {
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => false,
        };
        lines.push(ConfigLine {
            depth: path.len().saturating_sub(1),
            key: path.last().map_or("", PathSegment::text).to_owned(),
            path: format_path(path),
            // JSON is YAML, and takes one line whatever the text.
            value: (!is_head).then(|| match value {
                Value::String(text) if is_plain(text) => text.clone(),
                value => value.to_string(),
            }),
            origins: if is_head { Vec::new() } else { self.of(path) },
        });
        if is_head {
            self.below(value, path, lines);
        }
    }
}

/// Whether a text means itself without quotes.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '.' | '$'))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(char::is_control)
        && crate::yaml::scalar(text) == Value::String(text.to_owned())
}
