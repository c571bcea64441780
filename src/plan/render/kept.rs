//! Values that templates keep under a name.

use super::changing::Changing;
use super::context::Branch;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// The function that makes a value out; no template can have this name by accident.
pub(super) const KEPT: &str = "__kept__";
/// Values nested deeper are refused: to drop them takes stack.
const DEEPEST: usize = 64;
/// Items that one unit of fuel pays for.
const PER_FUEL: usize = 4;

/// `value` without anything that is still to be done, and not deeper than can be dropped.
#[allow(
    clippy::needless_pass_by_value,
    reason = "minijinja hands arguments over by value"
)]
pub(super) fn kept(state: &mut State, value: Value) -> Result<Value, Error> {
    Ok(made_out(state, &value, 0)?.unwrap_or(value))
}

/// `value` made out; nothing where it is already.
fn made_out(state: &mut State, value: &Value, depth: usize) -> Result<Option<Value>, Error> {
    let is_known =
        value.downcast_object_ref::<Branch>().is_some() || value.downcast_object_ref::<Changing>().is_some();
    if is_known {
        return Ok(None);
    }
    if depth > DEEPEST {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("the value is nested deeper than {DEEPEST} levels"),
        ));
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let lazy = value.downcast_object_ref::<Vec<Value>>().is_none() && !value.is_tuple();
            let (items, changed) = items(state, value, depth)?;
            Ok((lazy || changed).then(|| Value::from(items)))
        }
        ValueKind::Map => {
            let (keys, _) = items(state, value, depth)?;
            let mut changed = false;
            let mut entries = Vec::with_capacity(keys.len());
            for key in keys {
                let item = value.get_item(&key)?;
                let made = made_out(state, &item, depth + 1)?;
                changed |= made.is_some();
                entries.push((key, made.unwrap_or(item)));
            }
            if changed && is_namespace(value) {
                return namespace(state, entries).map(Some);
            }
            Ok(changed.then(|| Value::from_pairs(entries)))
        }
        _ => Ok(None),
    }
}

/// minijinja does not tell otherwise; only a namespace takes `{% set name.part = … %}`.
fn is_namespace(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.type_name().ends_with("::Namespace"))
}

fn namespace(state: &mut State, entries: Vec<(Value, Value)>) -> Result<Value, Error> {
    let named: Kwargs = entries
        .into_iter()
        .map(|(key, value)| (key.to_string(), value))
        .collect();
    let function = state.lookup("namespace").unwrap_or_default();
    function.call(state, &[Value::from(named)])
}

/// The items of a collection made out, and whether any was not yet.
fn items(state: &mut State, value: &Value, depth: usize) -> Result<(Vec<Value>, bool), Error> {
    let mut changed = false;
    let mut items = Vec::new();
    for item in value.try_iter()?.checked() {
        let item = item?;
        if items.len().is_multiple_of(PER_FUEL) {
            state.consume_fuel(1)?;
        }
        let made = made_out(state, &item, depth + 1)?;
        changed |= made.is_some();
        items.push(made.unwrap_or(item));
    }
    Ok((items, changed))
}
