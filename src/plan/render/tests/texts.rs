//! Any value comes back from what the filters write.

use crate::plan::render::{python, pyyaml};
use crate::yaml;
use proptest::prelude::*;
use serde_json::{Value, json};

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~\n]{0,200}",
        "[a: #'\"\n-]{0,12}",
        Just("yes".to_owned()),
        Just("012".to_owned()),
        Just("1:30".to_owned()),
        Just("2001-01-01".to_owned()),
    ];
    // The reader of configs takes these for numbers that JSON lacks.
    let text = text.prop_filter("stands for a number", |text| {
        !matches!(text.as_str(), ".inf" | "-.inf" | ".nan")
    });
    let float = any::<f64>().prop_filter("no number", |float| float.is_finite());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        float.prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Characters that no YAML 1.1 file may hold in any form are escaped, and so come back.
fn read(text: &str) -> Value {
    yaml::from_str(text).unwrap_or_else(|finding| panic!("{finding:?} in\n{text}"))
}

proptest! {
    #[test]
    fn yaml_reads_back_as_it_was(value in value()) {
        // Breaks at the very end are cut, as the reference cuts them.
        let value = json!({"value": value, "list": [value], "zz": 0});
        prop_assert_eq!(read(&pyyaml::dump(&value)), value);
    }

    #[test]
    fn json_reads_back_as_it_was(value in value()) {
        let text = python::json(&value);
        let escaped = text.chars().all(|c| c.is_ascii() || u32::from(c) > 0xffff);
        prop_assert!(escaped, "{}", text);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value.clone());
        prop_assert_eq!(read(&format!("value: {text}"))["value"].clone(), value);
    }
}

#[test]
fn lines_are_folded_where_pyyaml_folds_them() {
    let words = "word ".repeat(30);
    let value =
        json!({"k": words.trim(), "q": format!("- {}", words.trim()), "e": format!("\t{}", words.trim())});
    assert_eq!(
        pyyaml::dump(&value),
        "e: \"\\tword word word word word word word word word word word word word word word word\\\n  \\ word word word word word word word word word word word word word word\"\nk: word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word\nq: '- word word word word word word word word word word word word word word word word\n  word word word word word word word word word word word word word word'"
    );
}
