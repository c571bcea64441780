//! Layers of config, one over the other, by the reference's rules.

use serde_json::{Map, Value};

/// Lay `over` on `base`: maps merge key by key, null never overrides, everything else replaces.
///
/// So an empty map over a map changes nothing, and a value cannot be cleared by null.
pub(super) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over.iter().filter(|(_, value)| !value.is_null()) {
                match base.get_mut(key) {
                    Some(below) => merge(below, value),
                    None => {
                        base.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// The value at a path of keys.
pub fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The text at a path of keys; empty where there is none.
pub(super) fn text(value: &Value, path: &[&str]) -> String {
    get(value, path)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Whether a value counts as yes: scenarios are written for Python's idea of it.
pub(super) fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
    }
}

/// Set the value at a path of keys; maps on the way are made where there is none.
pub(super) fn set(value: &mut Value, path: &[&str], new: Value) {
    let Some((key, rest)) = path.split_first() else {
        *value = new;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Value::Object(map) = value {
        set(map.entry(*key).or_insert(Value::Null), rest, new);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn null_never_overrides_and_lists_replace() {
        let mut base = json!({"a": {"b": 1, "c": [1, 2]}, "d": "x", "e": 3});
        merge(
            &mut base,
            &json!({"a": {"b": null, "c": [3], "n": 1}, "d": {}, "e": {"f": 1}, "z": null}),
        );
        assert_eq!(
            base,
            json!({"a": {"b": 1, "c": [3], "n": 1}, "d": {}, "e": {"f": 1}})
        );
        let mut base = json!({"a": {"b": 1}});
        merge(&mut base, &json!({"a": {}}));
        assert_eq!(base, json!({"a": {"b": 1}}));
    }

    /// Any value, of few different keys, so that two of them meet.
    pub(in crate::plan) fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn merging_again_changes_nothing(mut base in value(), over in value()) {
            merge(&mut base, &over);
            let once = base.clone();
            merge(&mut base, &over);
            prop_assert_eq!(base, once);
        }

        #[test]
        fn nothing_over_a_value_is_the_value(base in value()) {
            let mut merged = base.clone();
            merge(&mut merged, &Value::Null);
            prop_assert_eq!(&merged, &base);
            merge(&mut merged, &base.clone());
            prop_assert_eq!(merged, base);
        }

        #[test]
        fn keys_that_nobody_names_stay(base in value(), over in value()) {
            let mut merged = base.clone();
            merge(&mut merged, &over);
            if let (Value::Object(before), Value::Object(over), Value::Object(after)) = (&base, &over, &merged) {
                for (key, value) in before.iter().filter(|(key, _)| over.get(*key).is_none_or(Value::is_null)) {
                    prop_assert_eq!(after.get(key), Some(value));
                }
                let known = |key: &&String| before.contains_key(*key);
                prop_assert!(after.keys().take(before.len()).all(|key| known(&key)), "their order stays too");
            }
            let mut again = base.clone();
            merge(&mut again, &over);
            prop_assert_eq!(serde_json::to_string(&merged).unwrap(), serde_json::to_string(&again).unwrap());
        }

        #[test]
        fn what_is_set_can_be_got(mut base in value(), path in prop::collection::vec("[a-d]", 1..4), new in value()) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            set(&mut base, &path, new.clone());
            prop_assert_eq!(get(&base, &path), Some(&new));
        }
    }
}
