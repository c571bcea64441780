//! Setup treatments on a resolved config: the experiment's overrides by the rules of merging, with findings for keys
//! that nothing knows.

use super::merge::merge;
use crate::diagnostic::Finding;
use crate::experiment::{Override, OverrideTarget, PathSegment, apply_overrides, did_you_mean};
use serde_json::{Map, Value};

/// Lay overrides over a config. Keys that `known` has count as known although the config lacks them.
///
/// Null leaves a value alone and maps merge, as in every layer. A path whose parent nothing knows is an error.
pub(super) fn apply(config: &mut Value, known: &Value, overrides: &[Override], what: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in overrides {
        if one.value.is_null() {
            continue;
        }
        let mut one = one.clone();
        if let OverrideTarget::Path(path) | OverrideTarget::Known(path) = &one.target {
            make_room(config, known, path);
            if let (Some(Value::Object(below)), Value::Object(_)) = (find(config, path), &one.value) {
                let mut merged = Value::Object(below.clone());
                merge(&mut merged, &one.value);
                one.value = merged;
            }
        }
        findings.extend(apply_overrides(config, &[one], what));
    }
    findings
}

/// Values of the command line: as [`apply`], with warnings instead of errors, since the reference takes them.
pub(super) fn assign(config: &mut Value, path: &[PathSegment], value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let mut target = config;
    for segment in path {
        let key = key(segment);
        target = match target {
            Value::Object(map) => map.entry(key).or_insert(Value::Null),
            Value::Null => {
                *target = Value::Object(Map::new());
                match target {
                    Value::Object(map) => map.entry(key).or_insert(Value::Null),
                    _ => return Err(format!("there is no place for `{key}`")),
                }
            }
            Value::Array(_) => return Err(format!("`{key}` would descend into a list")),
            _ => return Err(format!("`{key}` would descend into a plain value")),
        };
    }
    merge(target, value);
    Ok(())
}

/// Make the key that `path` leads to, and the maps on the way, as far as they are known to exist.
fn make_room(config: &mut Value, known: &Value, path: &[PathSegment]) {
    let (mut config, mut known) = (config, known);
    for segment in path {
        let key = key(segment);
        let (Value::Object(map), Some(next)) = (config, known.get(key)) else {
            return;
        };
        known = next;
        config = map.entry(key).or_insert(Value::Null);
        if config.is_null() && known.is_object() {
            *config = Value::Object(Map::new());
        }
    }
}

/// Whether there is something at `path`, or an empty map right above it, which is there to be filled.
pub(super) fn knows(value: &Value, path: &[PathSegment]) -> bool {
    let open = |parent: &[PathSegment]| {
        find(value, parent)
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
    };
    find(value, path).is_some() || path.split_last().is_some_and(|(_, parent)| open(parent))
}

/// The names that the first unknown part of `path` was probably meant to be.
pub(super) fn likely(value: &Value, path: &[PathSegment]) -> Option<String> {
    let mut value = value;
    for segment in path {
        match value.get(key(segment)) {
            Some(next) => value = next,
            None => return did_you_mean(key(segment), value.as_object()?.keys().map(String::as_str)),
        }
    }
    None
}

fn find<'a>(value: &'a Value, path: &[PathSegment]) -> Option<&'a Value> {
    path.iter()
        .try_fold(value, |value, segment| value.get(key(segment)))
}

fn key(segment: &PathSegment) -> &str {
    match segment {
        PathSegment::Key(key) | PathSegment::Quoted(key) => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::experiment::parse_path;
    use crate::plan::merge::tests::value;
    use proptest::prelude::*;
    use serde_json::json;

    fn overriding(key: &str, value: Value) -> Override {
        Override {
            target: OverrideTarget::Path(parse_path(key)),
            value,
            span: Span {
                line: 3,
                column: 5,
                width: 1,
            },
        }
    }

    fn applied(key: &str, value: Value) -> (Value, Vec<Finding>) {
        let mut config =
            json!({"decode": {"replicas": 1, "resources": {"cpu": 1}}, "volumes": [{"name": "a"}]});
        let known = json!({"decode": {"accelerator": {}, "schedulerName": ""}});
        let findings = apply(&mut config, &known, &[overriding(key, value)], "the config");
        (config, findings)
    }

    #[test]
    fn maps_merge_and_null_leaves_a_value_alone() {
        let (config, findings) = applied("decode.resources", json!({"memory": "1Gi", "cpu": null}));
        assert_eq!(config["decode"]["resources"], json!({"cpu": 1, "memory": "1Gi"}));
        assert_eq!(findings, []);
        assert_eq!(applied("decode.replicas", Value::Null).0["decode"]["replicas"], 1);
    }

    #[test]
    fn keys_that_are_known_may_be_new() {
        let (config, findings) = applied("decode.accelerator.count", json!(4));
        assert_eq!(config["decode"]["accelerator"]["count"], 4);
        assert_eq!(findings, []);
        assert_eq!(applied("decode.schedulerName", json!("x")).1, []);
    }

    #[test]
    fn an_unknown_parent_is_an_error_and_an_unknown_leaf_a_warning() {
        let (_, findings) = applied("decod.replicas", json!(1));
        assert!(
            findings[0].is_error() && findings[0].span.line == 3,
            "{findings:?}"
        );
        let (config, findings) = applied("decode.colour", json!("red"));
        assert_eq!(config["decode"]["colour"], "red");
        assert!(!findings[0].is_error() && findings.len() == 1, "{findings:?}");
    }

    #[test]
    fn the_command_line_makes_what_is_missing_but_does_not_break_what_is_there() {
        let mut config = json!({"a": 1, "b": [1]});
        assign(&mut config, &parse_path("c.d"), &json!(2)).unwrap();
        assert_eq!(config["c"], json!({"d": 2}));
        assert!(assign(&mut config, &parse_path("a.x"), &json!(2)).is_err());
        assert!(assign(&mut config, &parse_path("b.0"), &json!(2)).is_err());
    }

    fn path() -> impl Strategy<Value = Vec<PathSegment>> {
        let segment = prop_oneof![
            "[a-d]|[0-3]|-1".prop_map(PathSegment::Key),
            "[a-d.]{0,3}".prop_map(PathSegment::Quoted),
        ];
        prop::collection::vec(segment, 1..5)
    }

    /// Whether two values agree everywhere but below `path`.
    fn same_elsewhere(before: &Value, after: &Value, path: &[PathSegment]) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return true;
        };
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => before.iter().all(|(key, value)| {
                let now = after.get(key).unwrap_or(&Value::Null);
                if key == first.text() {
                    same_elsewhere(value, now, rest)
                } else {
                    now == value
                }
            }),
            (Value::Array(before), Value::Array(after)) => before.len() == after.len(),
            // Nothing there, so that a map could be made.
            (Value::Null, _) => true,
            (before, after) => before == after,
        }
    }

    proptest! {
        #[test]
        fn a_value_of_the_command_line_changes_nothing_else(
            before in value(), path in path(), new in value(),
        ) {
            let mut after = before.clone();
            if assign(&mut after, &path, &new).is_ok() {
                prop_assert!(same_elsewhere(&before, &after, &path), "{after}");
            } else {
                prop_assert_eq!(&after, &before);
            }
            let mut again = before.clone();
            let _ = assign(&mut again, &path, &new);
            prop_assert_eq!(after, again);
        }

        #[test]
        fn a_treatment_changes_nothing_else(
            before in value(), known in value(), path in path(), new in value(), old_name: bool,
        ) {
            let target = if old_name { OverrideTarget::Known(path.clone()) } else { OverrideTarget::Path(path.clone()) };
            let one = Override { target, value: new, span: Span::default() };
            let mut after = before.clone();
            let findings = apply(&mut after, &known, std::slice::from_ref(&one), "the config");
            prop_assert!(same_elsewhere(&before, &after, &path), "{after} {findings:?}");
            let mut again = before.clone();
            prop_assert_eq!(findings, apply(&mut again, &known, &[one], "the config"));
            prop_assert_eq!(after, again);
        }

        #[test]
        fn any_argument_is_applied_or_refused(argument in "[a-c:.=,\\[\\]{}'\"0-2 ]{0,24}", before in value()) {
            for one in crate::plan::set::parse(&argument, true).unwrap_or_default() {
                let mut after = before.clone();
                let result = assign(&mut after, &one.path, &one.value);
                prop_assert!(same_elsewhere(&before, &after, &one.path), "{after} {result:?}");
            }
        }
    }
}
