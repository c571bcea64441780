//! A document as a tree that still knows where everything stood.

use crate::diagnostic::Span;
use serde_json::{Map, Value};

/// One value with its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it starts, and how far it reaches on that line. Of an alias: the place of the alias.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The three kinds of YAML values.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// A single value.
    Scalar {
        /// As PyYAML reads it. Dates stay text, and so do `.inf` and `.nan`, which JSON numbers lack.
        value: Value,
        /// The text without quotes; of a map's key, the text of the key as JSON has it.
        raw: String,
        /// Whether it stands there without quotes, so that its text decided its type.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A map in file order: keys are scalars and `<<` is merged. A key stands there twice only where a finding says so;
    /// then the last one counts.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The value without positions.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { value, .. } => value.clone(),
            NodeKind::Sequence(items) => items.iter().map(Self::to_value).collect(),
            NodeKind::Mapping(pairs) => Value::Object(
                pairs
                    .iter()
                    .map(|(key, value)| (key.raw().unwrap_or_default().to_owned(), value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The text of a scalar, whatever its type; `None` of lists and maps.
    pub fn raw(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { raw, .. } => Some(raw),
            _ => None,
        }
    }

    /// The text of a scalar that is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar {
                value: Value::String(text),
                ..
            } => Some(text),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn pairs(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            NodeKind::Mapping(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The value of `key` in a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.pairs()?
            .iter()
            .rfind(|(name, _)| name.raw() == Some(key))
            .map(|(_, value)| value)
    }

    /// Whether this is null (also an absent value after a colon).
    pub fn is_null(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Scalar {
                value: Value::Null,
                ..
            }
        )
    }

    /// What kind of value this is, for messages: `a list`.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a map",
            NodeKind::Scalar { value, .. } => match value {
                Value::Null => "nothing",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                _ => "text",
            },
        }
    }

    /// The column of a scalar's first character behind its quote, where the scalar stands on one line without escapes,
    /// so that text and file agree character by character.
    pub fn text_column(&self) -> Option<u32> {
        let chars = self.raw()?.chars().count();
        match (self.span.width as usize).checked_sub(chars)? {
            0 if self.is_plain() => Some(self.span.column),
            2 if !self.is_plain() => Some(self.span.column + 1),
            _ => None,
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self.kind, NodeKind::Scalar { plain: true, .. })
    }
}
