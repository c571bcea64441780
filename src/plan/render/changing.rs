//! Maps and lists that a template may change: `{% set _ = found.update({key: value}) %}`.
//!
//! Values of minijinja never change, but templates of the reference collect into a map from inside of a loop, where a
//! `set` would be forgotten. `rewrite` wraps the literals that such a name starts with.

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The function that wraps the literal of a list; no template can have this name by accident.
pub(super) const LIST: &str = "__list__";
/// Values nested deeper cannot be put into a collection.
const DEEPEST: usize = 32;

/// A map or a list that changes.
#[derive(Debug)]
pub(super) struct Changing(Mutex<Parts>);

#[derive(Debug)]
enum Parts {
    Map(IndexMap<Value, Value>),
    List(Vec<Value>),
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "minijinja hands arguments over by value"
)]
/// Jinja's `dict()`: a new map with the entries of another one, and the named ones.
pub(super) fn dict(state: &State, from: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let mut map = IndexMap::new();
    for source in from.iter().chain([&Value::from(named)]) {
        for (key, value) in entries(source)? {
            map.insert(key, settled(state, &value, 0)?);
        }
    }
    Ok(Value::from_dyn_object(Changing::map(map)))
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "minijinja hands arguments over by value"
)]
/// A new list with the items of another one.
pub(super) fn list(state: &State, from: Value) -> Result<Value, Error> {
    let items: Result<_, _> = from.try_iter()?.map(|item| settled(state, &item, 0)).collect();
    Ok(Value::from_dyn_object(Changing::list(items?)))
}

impl Changing {
    pub(super) fn map(map: IndexMap<Value, Value>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Parts::Map(map))))
    }

    pub(super) fn list(items: Vec<Value>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Parts::List(items))))
    }

    /// Whether `method` is one that changes a collection.
    pub(super) fn knows(method: &str) -> bool {
        matches!(
            method,
            "update" | "setdefault" | "pop" | "append" | "extend" | "insert" | "clear"
        )
    }

    /// The lock is never held while anything can panic.
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_map(&self, state: &State, method: &str, arguments: &[Value]) -> Result<Value, Error> {
        match method {
            "update" => {
                let (from, named): (Option<Value>, Kwargs) = from_args(arguments)?;
                let mut new = Vec::new();
                for source in from.iter().chain([&Value::from(named)]) {
                    for (key, value) in entries(source)? {
                        new.push((key, settled(state, &value, 0)?));
                    }
                }
                if let Parts::Map(map) = &mut *self.parts() {
                    map.extend(new);
                }
                Ok(Value::from(()))
            }
            "setdefault" => {
                let (key, value): (Value, Option<Value>) = from_args(arguments)?;
                let value = settled(state, &value.unwrap_or_else(|| Value::from(())), 0)?;
                match &mut *self.parts() {
                    Parts::Map(map) => Ok(map.entry(key).or_insert(value).clone()),
                    Parts::List(_) => Err(Error::from(ErrorKind::UnknownMethod)),
                }
            }
            "pop" => {
                let (key, default): (Value, Option<Value>) = from_args(arguments)?;
                let found = match &mut *self.parts() {
                    Parts::Map(map) => map.shift_remove(&key),
                    Parts::List(_) => None,
                };
                found
                    .or(default)
                    .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("pop: there is no {key}")))
            }
            _ => self.clear_or_unknown(method),
        }
    }

    fn change_list(&self, state: &State, method: &str, arguments: &[Value]) -> Result<Value, Error> {
        let mut new = Vec::new();
        let mut at = None;
        match method {
            "append" => {
                let (item,): (Value,) = from_args(arguments)?;
                new.push(settled(state, &item, 0)?);
            }
            "insert" => {
                let (position, item): (usize, Value) = from_args(arguments)?;
                new.push(settled(state, &item, 0)?);
                at = Some(position);
            }
            "extend" => {
                let (items,): (Value,) = from_args(arguments)?;
                for item in items.try_iter()? {
                    new.push(settled(state, &item, 0)?);
                }
            }
            "pop" => {
                let (position,): (Option<usize>,) = from_args(arguments)?;
                let Parts::List(list) = &mut *self.parts() else {
                    return Err(Error::from(ErrorKind::UnknownMethod));
                };
                let position = position.unwrap_or_else(|| list.len().wrapping_sub(1));
                if position < list.len() {
                    return Ok(list.remove(position));
                }
                return Err(Error::new(ErrorKind::InvalidOperation, "pop: no such item"));
            }
            _ => return self.clear_or_unknown(method),
        }
        if let Parts::List(list) = &mut *self.parts() {
            let at = at.unwrap_or(list.len()).min(list.len());
            list.splice(at..at, new);
        }
        Ok(Value::from(()))
    }

    fn clear_or_unknown(&self, method: &str) -> Result<Value, Error> {
        if method != "clear" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        match &mut *self.parts() {
            Parts::Map(map) => map.clear(),
            Parts::List(list) => list.clear(),
        }
        Ok(Value::from(()))
    }
}

/// The entries of a map, or of a list of pairs.
fn entries(source: &Value) -> Result<Vec<(Value, Value)>, Error> {
    let is_map = source.kind() == ValueKind::Map;
    let entry = |item: Value| {
        if is_map {
            let value = source.get_item(&item)?;
            Ok((item, value))
        } else {
            Ok((item.get_item_by_index(0)?, item.get_item_by_index(1)?))
        }
    };
    source.try_iter()?.map(entry).collect()
}

/// `value` as it is now. A collection that contained itself could not be written, nor be dropped.
fn settled(state: &State, value: &Value, depth: usize) -> Result<Value, Error> {
    state.consume_fuel(1)?;
    if depth > DEEPEST {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("the value is nested deeper than {DEEPEST} levels"),
        ));
    }
    match value.kind() {
        ValueKind::Map => {
            let mut map = IndexMap::new();
            for (key, value) in entries(value)? {
                map.insert(key, settled(state, &value, depth + 1)?);
            }
            Ok(Value::from_dyn_object(Changing::map(map)))
        }
        ValueKind::Seq | ValueKind::Iterable => value
            .try_iter()?
            .map(|item| settled(state, &item, depth + 1))
            .collect(),
        _ => Ok(value.clone()),
    }
}

impl Object for Changing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match &*self.parts() {
            Parts::Map(_) => ObjectRepr::Map,
            Parts::List(_) => ObjectRepr::Seq,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match &*self.parts() {
            Parts::Map(map) => map.get(key).cloned(),
            Parts::List(list) => list.get(key.as_usize()?).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &*self.parts() {
            Parts::Map(map) => {
                let pairs: Vec<_> = map
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                Enumerator::RevKeyValueIter(Box::new(pairs.into_iter()))
            }
            Parts::List(list) => Enumerator::Values(list.clone()),
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(match &*self.parts() {
            Parts::Map(map) => map.len(),
            Parts::List(list) => list.len(),
        })
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let is_map = matches!(&*self.parts(), Parts::Map(_));
        if is_map {
            self.change_map(state, method, arguments)
        } else {
            self.change_list(state, method, arguments)
        }
    }
}
