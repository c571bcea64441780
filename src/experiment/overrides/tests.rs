//! Overrides on small documents, and properties of paths.

use super::*;
use crate::experiment::parse_path;
use serde_json::json;

fn apply(mut document: Value, key: &str, value: Value) -> (Value, Vec<String>) {
    let path = OverrideTarget::Path(parse_path(key));
    let findings = one(&mut document, path, value);
    (document, findings)
}

fn one(document: &mut Value, target: OverrideTarget, value: Value) -> Vec<String> {
    let span = Span::default();
    apply_overrides(document, &[Override { target, value, span }], "the profile")
        .into_iter()
        .map(|f| format!("{:?}: {} ({})", f.severity, f.message, f.help.unwrap_or_default()))
        .collect()
}

#[test]
fn a_path_sets_one_place() {
    let document =
        json!({"load": {"stages": [{"rate": 1}, {"rate": 2}]}, "a.b": {"0": 1}, "empty": null, "open": {}});
    let set = |key: &str| {
        let (document, findings) = apply(document.clone(), key, json!(9));
        assert!(findings.is_empty(), "{findings:?}");
        document
    };
    assert_eq!(
        set("load.stages.0.rate")["load"]["stages"],
        json!([{"rate": 9}, {"rate": 2}])
    );
    assert_eq!(
        set("load.stages.-1.rate")["load"]["stages"],
        json!([{"rate": 1}, {"rate": 9}])
    );
    assert_eq!(set("load.stages.1")["load"]["stages"], json!([{"rate": 1}, 9]));
    assert_eq!(set("\"a.b\".0")["a.b"], json!({"0": 9}));
    assert_eq!(set("empty.x")["empty"], json!({"x": 9}));
    assert_eq!(set("open.x")["open"], json!({"x": 9}));
}

#[test]
fn a_path_without_a_parent_is_an_error_with_the_nearest_names() {
    let document =
        json!({"decode": {"parallelism": {"tensor": 1}, "replicas": 1}, "list": [1, 2], "name": "x"});
    let cases = [
        "decode.paralelism.tensor",
        "decoed.replicas",
        "prefill.replicas",
        "zzz.a",
        "list.5",
        "list.x.y",
        "list.\"0\"",
        "name.x",
        "decode.replicas.x.y",
        "decode.parallelism.tensr",
        "decode.parallelism",
        "brandnew",
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|key| {
            let (after, findings) = apply(document.clone(), key, json!(9));
            if findings.iter().any(|f| f.starts_with("Error")) {
                assert_eq!(after, document, "{key}");
            }
            format!("{key}\n    {}", findings.join("\n    "))
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn parents_of_known_keys_are_made() {
    let mut document = json!({"decode": {"replicas": 1}});
    let known = OverrideTarget::Known(parse_path("decode.accelerator.count"));
    assert!(one(&mut document, known, json!(4)).is_empty());
    assert_eq!(document["decode"]["accelerator"], json!({"count": 4}));
}

#[test]
fn a_bare_name_is_set_wherever_it_is() {
    let every = |name: &str| OverrideTarget::EveryKey(name.to_owned());
    let mut document = json!({"a": {"num": 1}, "b": [{"num": 2}, {"numb": 3}], "c": {"once": 1}});
    assert!(one(&mut document, every("once"), json!(7)).is_empty());
    assert_eq!(
        one(&mut document, every("num"), json!(7)),
        [
            "Warning: `num` is in the profile 2 times, and all are set (to set one, write its whole path: `a.num`, `b.0.num`)"
        ]
    );
    assert_eq!(
        one(&mut document, every("none"), json!(7)),
        ["Warning: there is no `none` in the profile; it is set at the top level ()"]
    );
    assert_eq!(
        document,
        json!({"a": {"num": 7}, "b": [{"num": 7}, {"numb": 3}], "c": {"once": 7}, "none": 7})
    );
    assert_eq!(one(&mut json!([1]), every("x"), json!(7)).len(), 1);
}

fn flatten(value: &Value, path: &mut Vec<PathSegment>, out: &mut Vec<Override>) {
    match value {
        Value::Object(map) if !map.is_empty() || path.is_empty() => {
            for (key, inner) in map {
                path.push(crate::experiment::path::literal(key));
                flatten(inner, path, out);
                path.pop();
            }
        }
        _ => out.push(Override {
            target: OverrideTarget::Known(parse_path(&format_path(path))),
            value: value.clone(),
            span: Span::default(),
        }),
    }
}

proptest::proptest! {
    #[test]
    fn flattened_and_nested_again_is_the_same(
        pairs in proptest::collection::vec((proptest::collection::vec("[a-c.0-2]{0,3}", 1..4), 0i64..9), 0..8)
    ) {
        let mut document = json!({});
        for (path, value) in pairs {
            let path: Vec<_> = path.iter().map(|key| crate::experiment::path::literal(key)).collect();
            let _ = one(&mut document, OverrideTarget::Known(path), json!(value));
        }
        let mut overrides = Vec::new();
        flatten(&document, &mut Vec::new(), &mut overrides);
        let mut again = json!({});
        proptest::prop_assert!(apply_overrides(&mut again, &overrides, "it").is_empty());
        proptest::prop_assert_eq!(again, document);
    }

    #[test]
    fn no_path_panics(key in "[a-c.0-9\"-]{0,12}", bare in proptest::bool::ANY) {
        let mut document = json!({"a": {"b": [1, {"c": 2}], "0": null}, "c": "x"});
        let target = if bare { OverrideTarget::EveryKey(key) } else { OverrideTarget::Path(parse_path(&key)) };
        let _ = one(&mut document, target, json!(1));
    }
}
