//! Differences of examples, and what must hold for all of them: applied to the one value they give the other.

use super::path::Step;
use super::*;
use crate::yaml;
use proptest::prelude::*;
use serde_json::json;

fn told(a: &Value, b: &Value) -> Vec<String> {
    let side = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    difference(a, b)
        .iter()
        .map(|change| {
            format!(
                "{}: {} → {}",
                change.path,
                side(&change.before),
                side(&change.after)
            )
        })
        .collect()
}

fn read(text: &str) -> Value {
    yaml::from_str(text).unwrap()
}

#[test]
fn keys_are_compared_whatever_their_order_and_writing() {
    let a = read("a: {x: 1, y: 'two'}\nb: [1, 2]\nold: 3\n");
    let b = read("b:\n- 1\n- 2\n# comment\na:\n  \"y\": two\n  x: 1\nnew.key: {deep: 1}\n");
    assert_eq!(told(&a, &b), ["old: 3 → -", r#""new.key": - → {"deep":1}"#]);
    assert_eq!(told(&json!({"a": 1}), &json!({"a": "1"})), [r#"a: 1 → "1""#]);
    assert_eq!(told(&json!(1), &json!([1])), [": 1 → [1]"]);
}

#[test]
fn named_lists_are_matched_by_name_and_others_by_what_they_share() {
    let a = read(
        "containers: [{name: vllm, image: a, ports: [{containerPort: 1, protocol: TCP}]}, {name: proxy}]",
    );
    let b = read(
        "containers: [{name: proxy}, {name: vllm, image: b, ports: [{containerPort: 1, protocol: UDP}]}, {name: new}]",
    );
    assert_eq!(
        told(&a, &b),
        [
            r#"containers[vllm].image: "a" → "b""#,
            r#"containers[vllm].ports[1].protocol: "TCP" → "UDP""#,
            r#"containers[new]: - → {"name":"new"}"#,
            r#"containers (order): ["vllm","proxy"] → ["proxy","vllm","new"]"#,
        ]
    );
    let a = json!(["--model", "m", "--port", "80", "--old"]);
    let b = json!(["--model", "m", "--new", "--port", "81"]);
    assert_eq!(
        told(&a, &b),
        [
            r#"[2]: - → "--new""#,
            r#"[3]: "80" → "81""#,
            r#"[4]: "--old" → -"#,
        ]
    );
}

#[test]
fn documents_of_kubernetes_are_matched_by_kind_and_name() {
    let object = |kind: &str, name: &str, value: u32| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"x": value}});
    let a = json!([object("Service", "m1", 1), object("ConfigMap", "c", 1)]);
    let b = json!([object("ConfigMap", "c", 2), object("Service", "m2", 1)]);
    assert_eq!(
        told(&a, &b),
        [
            r#"[Service/m1].metadata.name: "m1" → "m2""#,
            "[ConfigMap/c].data.x: 1 → 2",
            r#" (order): ["Service/m1","ConfigMap/c"] → ["ConfigMap/c","Service/m2"]"#.trim_start(),
        ]
    );
}

#[test]
fn documents_within_texts_are_told_down_to_the_key() {
    let plugins = |weight: u32, note: &str| json!({"data": {"plugins.yaml": format!("# {note}\nkind: EndpointPickerConfig\nplugins:\n- type: queue\n  weight: {weight}\n")}});
    assert_eq!(told(&plugins(1, "one"), &plugins(1, "two")), Vec::<String>::new());
    assert_eq!(
        told(&plugins(1, "one"), &plugins(2, "two")),
        [r#"data."plugins.yaml" > plugins[queue].weight: 1 → 2"#]
    );
    let command = |role: &str, tp: u32| {
        json!(format!(
            "vllm serve org/model --port 8000 --tensor-parallel-size {tp} \
             --kv-transfer-config '{{\"kv_connector\": \"Nixl\", \"kv_role\": \"{role}\"}}'"
        ))
    };
    assert_eq!(
        told(&command("kv_both", 1), &command("kv_producer", 4)),
        [
            r#"word 7 (--tensor-parallel-size): "1" → "4""#,
            r#"word 9 (--kv-transfer-config) > kv_role: "kv_both" → "kv_producer""#,
        ]
    );
}

#[test]
fn long_texts_are_told_by_line_and_short_ones_as_a_whole() {
    let script = |line: &str| json!({"command": format!("#!/bin/sh\nset -e\nexport A=1\n{line}exec vllm\n")});
    assert_eq!(
        told(&script(""), &script("sleep 5\n")),
        [r#"command line 4: - → "sleep 5""#]
    );
    assert_eq!(told(&json!("a b c"), &json!("a b d")), [r#": "a b c" → "a b d""#]);
    let (one, other) = ("one ".repeat(20), "two ".repeat(20));
    assert_eq!(told(&json!(one), &json!(other)).len(), 1);
}

#[test]
fn lists_too_long_to_be_matched_are_compared_by_position() {
    let list = |offset: usize| Value::from((0..3000).map(|n| n * 2 + offset).collect::<Vec<_>>());
    assert_eq!(difference(&list(0), &list(1)).len(), 3000);
}

/// Changes, each with the steps that are still ahead.
type Ahead<'a> = Vec<(&'a [Step], &'a Change)>;

/// The value with the changes made to it.
fn apply(value: &mut Value, changes: &Ahead) {
    if let [([], change)] = changes[..] {
        *value = change.after.clone().unwrap();
        return;
    }
    match &changes[0].0[0] {
        Step::Index(_) => {
            let list = value.as_array_mut().unwrap();
            apply_to_parts(list, changes);
        }
        step @ (Step::Line(_) | Step::Word(..)) => {
            let text = value.as_str().unwrap();
            let (parts, between) = match step {
                Step::Line(_) => (text.split('\n').collect(), "\n"),
                _ => (text::words(text), " "),
            };
            let mut parts = parts.into_iter().map(Value::from).collect();
            apply_to_parts(&mut parts, changes);
            let parts: Vec<&str> = parts.iter().map(|part| part.as_str().unwrap()).collect();
            *value = parts.join(between).into();
        }
        _ => grouped(changes, |step, group| apply_at(value, step, group)),
    }
}

/// The changes of each first step, in order.
fn grouped(changes: &Ahead, mut then: impl FnMut(&Step, &Ahead)) {
    let mut seen = Vec::new();
    for (steps, _) in changes {
        if !seen.contains(&&steps[0]) {
            seen.push(&steps[0]);
            let of = changes.iter().filter(|(other, _)| other[0] == steps[0]);
            then(
                &steps[0],
                &of.map(|(other, change)| (&other[1..], *change)).collect(),
            );
        }
    }
}

/// Positions are those of the first value, of additions those of the second: so what stays is edited first, then what
/// goes is removed from behind, then what is new is added from the front.
fn apply_to_parts(parts: &mut Vec<Value>, changes: &Ahead) {
    let position = |step: &Step| match step {
        Step::Index(at) | Step::Line(at) | Step::Word(at, _) => *at,
        _ => panic!("{step:?}"),
    };
    let (whole, within): (Ahead, Ahead) = changes
        .iter()
        .partition(|(steps, change)| steps.len() == 1 && (change.before.is_none() || change.after.is_none()));
    grouped(&within, |step, group| apply(&mut parts[position(step)], group));
    for (steps, _) in whole.iter().rev().filter(|(_, change)| change.after.is_none()) {
        parts.remove(position(&steps[0]));
    }
    for (steps, change) in whole.iter().filter(|(_, change)| change.before.is_none()) {
        parts.insert(position(&steps[0]), change.after.clone().unwrap());
    }
}

fn apply_at(value: &mut Value, step: &Step, group: &Ahead) {
    let gone = matches!(group[..], [([], Change { after: None, .. })]);
    match (step, value) {
        (Step::Key(key), Value::Object(map)) if gone => drop(map.shift_remove(key)),
        (Step::Key(key), Value::Object(map)) => apply(map.entry(key).or_insert(Value::Null), group),
        (Step::Document { before, behind }, Value::String(text)) => {
            let end = text.len() - behind;
            let mut document = yaml::from_str(&text[*before..end]).unwrap();
            apply(&mut document, group);
            *text = format!("{}{document}{}", &text[..*before], &text[end..]);
        }
        (Step::Named(name), Value::Array(list)) => match list.iter().position(|one| called(one) == *name) {
            Some(at) if gone => drop(list.remove(at)),
            Some(at) => apply(&mut list[at], group),
            None => list.push(group[0].1.after.clone().unwrap()),
        },
        (Step::Order, Value::Array(list)) => {
            let order = group[0].1.after.clone().unwrap();
            let order = order.as_array().unwrap();
            list.sort_by_key(|one| order.iter().position(|name| *name == called(one)));
        }
        other => panic!("{other:?}"),
    }
}

fn called(value: &Value) -> String {
    let name = &value["name"];
    name.as_str().map_or_else(|| name.to_string(), str::to_owned)
}

fn applied(a: &Value, b: &Value) -> Value {
    let changes = difference(a, b);
    let mut value = a.clone();
    if !changes.is_empty() {
        let all: Vec<_> = changes.iter().map(|change| (&change.steps[..], change)).collect();
        apply(&mut value, &all);
    }
    value
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
        prop::collection::vec("[a-b]{1,2}", 0..5).prop_map(|lines| lines.join("\n").into()),
        prop::collection::vec("(--flag|[a-b]{8,12})", 3..9).prop_map(|words| words.join(" ").into()),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        let map = prop::collection::btree_map("(name|a|b|x\\.y)", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            map.clone()
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            prop::collection::vec(map.clone(), 0..4).prop_map(|maps| {
                let named = |(index, map): (usize, std::collections::BTreeMap<String, Value>)| {
                    let mut map: Map<String, Value> = map.into_iter().collect();
                    map.insert("name".into(), format!("n{index}").into());
                    Value::Object(map)
                };
                maps.into_iter().enumerate().map(named).collect()
            }),
            map.prop_map(|map| {
                let map = Value::Object(map.into_iter().collect());
                yaml::to_string(&map).into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(a in value()) {
        prop_assert_eq!(difference(&a, &a), vec![]);
    }

    #[test]
    fn the_changes_lead_to_the_other_value(a in value(), b in value()) {
        let got = applied(&a, &b);
        // Documents in texts are the same however they are written, and so are they after the changes.
        prop_assert_eq!(difference(&got, &b), vec![], "{} is not {}", got, b);
    }

    #[test]
    fn a_difference_is_told_from_both_sides(a in value(), b in value()) {
        prop_assert_eq!(difference(&a, &b).is_empty(), difference(&b, &a).is_empty());
    }
}
