//! Decoding a document into a type, reporting on the way all that does not fit instead of ending at the first.
//!
//! Where a value has the wrong kind, that is reported and decoding goes on with an empty value of the right kind. The
//! decoded object itself is of no interest.

use super::cursor::Cursor;
use super::quantity;
use crate::experiment::did_you_mean;
use crate::yaml::{Node, NodeKind};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer as _, Visitor};
use serde_json::{Number, Value};
use std::fmt;

/// Decode the value at `cursor` as a `T`, reporting what does not fit.
pub(super) fn decode<T: de::DeserializeOwned>(cursor: &Cursor<'_>) {
    if let Err(problem) = T::deserialize(*cursor) {
        problem.tell(cursor);
    }
}

/// What a type itself said about a value.
#[derive(Debug)]
pub(super) enum Problem {
    /// Not reported yet.
    New(String),
    /// Reported at its place.
    Told,
}

impl Problem {
    fn tell(self, cursor: &Cursor<'_>) -> Self {
        if let Self::New(message) = self {
            cursor.error(message);
        }
        Self::Told
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(message) => f.write_str(message),
            Self::Told => f.write_str("reported"),
        }
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::New(message.to_string())
    }
}

impl Cursor<'_> {
    fn scalar(&self) -> Option<&Value> {
        match &self.node.kind {
            NodeKind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    fn must_be(&self, wanted: &str) {
        let found = self.node.kind_name();
        let plain =
            matches!(&self.node.kind, NodeKind::Scalar { plain: true, value, .. } if !value.is_null());
        if wanted == "text" && plain {
            self.error_with_help(format!("must be text, and is {found}"), "put it in quotes");
        } else {
            self.error(format!("must be {wanted}, and is {found}"));
        }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let items = self.node.items();
        if items.is_none() && !self.node.is_null() {
            self.must_be("a list");
        }
        visitor.visit_seq(Items {
            list: &self,
            rest: items.unwrap_or_default(),
            index: 0,
        })
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let pairs = self.node.pairs();
        if pairs.is_none() && !self.node.is_null() {
            self.must_be("a map");
        }
        visitor.visit_map(Entries {
            map: &self,
            rest: pairs.unwrap_or_default(),
            value: None,
        })
    }

    /// Warn of keys that the type does not have.
    fn tell_unknown(&self, known: &[&str]) {
        for field in self.fields().filter(|field| !known.contains(&field.name())) {
            let hint = did_you_mean(field.name(), known.iter().copied());
            let help = hint.unwrap_or_else(|| "kubectl refuses it, and an API server drops it".to_owned());
            field.warning_with_help("there is no such field", help);
        }
    }
}

fn whole(number: &Number) -> Option<i64> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0);
    number
        .as_i64()
        .or_else(|| float().filter(|f| f.abs() < 9e15).map(|f| f as i64))
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let number = match self.scalar() {
                Some(Value::Number(number)) => whole(number),
                Some(Value::Null) => Some(0),
                _ => None,
            };
            if number.is_none() {
                self.must_be("a whole number");
            }
            visitor.visit_i64(number.unwrap_or_default())
        }
    )*};
}

impl<'de> Deserializer<'de> for Cursor<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.node.kind {
            NodeKind::Sequence(_) => self.list(visitor),
            NodeKind::Mapping(_) => self.map(visitor),
            NodeKind::Scalar { value, .. } => match value {
                Value::Bool(value) => visitor.visit_bool(*value),
                Value::String(value) => visitor.visit_str(value),
                Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                    (Some(number), _, _) => visitor.visit_i64(number),
                    (_, Some(number), _) => visitor.visit_u64(number),
                    (_, _, number) => visitor.visit_f64(number.unwrap_or_default()),
                },
                _ => visitor.visit_unit(),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if !matches!(self.scalar(), Some(Value::String(_) | Value::Null)) {
            self.must_be("text");
        }
        visitor.visit_str(self.node.raw().unwrap_or_default())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar() {
            Some(Value::Bool(value)) => visitor.visit_bool(*value),
            Some(Value::Null) => visitor.visit_bool(false),
            _ => {
                self.must_be("true or false");
                visitor.visit_bool(false)
            }
        }
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.scalar() {
            Some(Value::Number(number)) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            Some(Value::Null) => visitor.visit_f64(0.0),
            _ => {
                self.must_be("a number");
                visitor.visit_f64(0.0)
            }
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.tell_unknown(fields);
        self.map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == "Quantity" {
            let raw = self
                .node
                .raw()
                .filter(|_| !matches!(self.scalar(), Some(Value::Bool(_))));
            match raw {
                Some(raw) => {
                    if let Err(why) = quantity::parse(raw) {
                        self.error_with_help(format!("`{raw}` is no quantity: {why}"), quantity::HELP);
                    }
                }
                None => self.must_be("a quantity"),
            }
            return visitor.visit_str(raw.unwrap_or_default());
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

struct Items<'a> {
    list: &'a Cursor<'a>,
    rest: &'a [Node],
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some((first, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        let item = self.list.index(self.index, first);
        self.index += 1;
        seed.deserialize(item)
            .map(Some)
            .map_err(|problem| problem.tell(&item))
    }
}

struct Entries<'a> {
    map: &'a Cursor<'a>,
    rest: &'a [(Node, Node)],
    value: Option<&'a (Node, Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some((first, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        self.value = Some(first);
        let name: StrDeserializer<'_, Problem> = first.0.raw().unwrap_or_default().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let field = self.map.key(key, value);
        seed.deserialize(field).map_err(|problem| problem.tell(&field))
    }
}
