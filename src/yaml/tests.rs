//! What is read is compared with what PyYAML 6.0 said; the rest are tables and properties.

use super::*;
use crate::diagnostic::Severity;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

fn read(text: &str) -> Parsed {
    parse(text.as_bytes(), Limits::default())
}

fn value(text: &str) -> Value {
    let parsed = read(text);
    assert!(
        parsed.findings.iter().all(|f| !f.is_error()),
        "{text:?}: {:?}",
        parsed.findings
    );
    parsed.root.map_or(Value::Null, |root| root.to_value())
}

/// Severity, line:column, width and message of each finding.
fn findings(bytes: &[u8]) -> Vec<String> {
    parse(bytes, Limits::default())
        .findings
        .iter()
        .map(|f| {
            let word = if f.severity == Severity::Error { "E" } else { "W" };
            format!(
                "{word} {}:{}+{} {}",
                f.span.line, f.span.column, f.span.width, f.message
            )
        })
        .collect()
}

/// `testdata/pyyaml-scalars.json` maps a plain scalar to the type and value `yaml.safe_load` of PyYAML 6.0 gave it.
#[test]
fn plain_scalars_are_read_as_pyyaml_reads_them() {
    let table: BTreeMap<String, (String, Value)> =
        serde_json::from_str(include_str!("testdata/pyyaml-scalars.json")).unwrap();
    assert!(table.len() > 400);
    for (text, (kind, wanted)) in table {
        let read = read_plain(&text);
        let got = read.as_ref().map(|reading| reading.value.clone());
        let wanted = wanted.as_str().unwrap_or_default();
        match kind.as_str() {
            "error" => assert!(got.is_err(), "{text:?} gave {got:?}"),
            "null" => assert_eq!(got, Ok(Value::Null), "{text:?}"),
            "bool" => assert!(got.as_ref().is_ok_and(Value::is_boolean), "{text:?}"),
            "int" => assert_eq!(got.unwrap().to_string(), wanted, "{text:?}"),
            "float" if wanted.ends_with("inf") || wanted.ends_with("nan") => {
                assert_eq!(got, Ok(json!(wanted)), "{text:?}");
            }
            "float" => {
                let (got, wanted) = (got.unwrap().as_f64().unwrap(), wanted.parse::<f64>().unwrap());
                assert!(
                    (got - wanted).abs() <= wanted.abs() * 1e-15,
                    "{text:?}: {got} {wanted}"
                );
            }
            "text" => assert_eq!(got, Ok(json!(wanted)), "{text:?}"),
            "date" => {
                let reading = read.unwrap();
                assert_eq!(reading.value, json!(text));
                assert_eq!(reading.note, Some(scalar::Note::Date), "{text:?}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_reading_that_yaml_1_2_does_not_share_is_a_warning() {
    let warns = |text: &str| read_plain(text).unwrap().note.is_some();
    for same in [
        "true", "1", "-5", "0x1F", "1.5", ".5", "1.5e+3", "~", "abc", "10Gi", "1.5.2", "a:b", "NA", "y",
    ] {
        assert!(!warns(same), "{same}");
    }
    for other in [
        "yes",
        "Off",
        "014",
        "0o14",
        "1_000",
        "1e3",
        "12:30:45",
        "-.5",
        "+.5",
        "0b1",
        "-0x1f",
        "2024-01-01",
    ] {
        assert!(warns(other), "{other}");
    }
    insta::assert_snapshot!(findings(b"a: yes\nb: 014\nc: 1e3\nd: 2024-01-01\ne: .inf\non: 1\nf: 99999999999999999999\n").join("\n"), @r"
    W 1:4+3 `yes` is read as true (YAML 1.1, like PyYAML); YAML 1.2 reads text
    W 2:4+3 `014` is read as the number 12 (YAML 1.1, like PyYAML); YAML 1.2 reads the number 14
    W 3:4+3 `1e3` is read as text (YAML 1.1, like PyYAML); YAML 1.2 reads the number 1000.0
    W 4:4+10 `2024-01-01` is a date in YAML 1.1; it is kept as text
    W 5:4+4 `.inf` is kept as text, because there is no such JSON number
    W 6:1+2 `on` is read as true (YAML 1.1, like PyYAML); YAML 1.2 reads text
    W 7:4+20 `99999999999999999999` does not fit in 64 bits and is rounded
    ");
}

#[test]
fn documents_become_trees() {
    assert_eq!(value(""), Value::Null);
    assert_eq!(value("# only a comment\n"), Value::Null);
    assert_eq!(
        value("\u{feff}a: 1\r\nb: [x, 'y', \"z\\n\"]\rc: {d: , e: ~}"),
        json!({"a": 1, "b": ["x", "y", "z\n"], "c": {"d": null, "e": null}})
    );
    assert_eq!(
        value("a: |\n  x\n   y\n\nb: >-\n  x\n  y\n"),
        json!({"a": "x\n y\n", "b": "x y"})
    );
    assert_eq!(value("a: |\n  x"), json!({"a": "x"}));
    assert_eq!(value("a: |\n  x\n"), json!({"a": "x\n"}));
    assert_eq!(value("'yes'"), json!("yes"));
    assert_eq!(
        value("8080: a\n014: b\ntrue: c\n"),
        json!({"8080": "a", "12": "b", "true": "c"})
    );
    assert_eq!(value("!!str 014"), json!("014"));
    assert_eq!(
        value(
            "[!!int '3', !!float 1, !!bool 'yes', !!null x, ! 12, !!seq [1], !<tag:yaml.org,2002:int> 0x10]"
        ),
        json!([3, 1.0, true, null, 12, [1], 16])
    );
    assert_eq!(
        value("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n"),
        json!({"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]})
    );
    assert_eq!(
        value("a: \"in\ttext\" # and\tcomment\nb: |\n  x\n  \ty\n"),
        json!({"a": "in\ttext", "b": "x\n\ty\n"})
    );
}

#[test]
fn merge_keys_are_merged_in_pyyamls_order() {
    let merged = value("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\na:\n  <<: [*b, *o]\n  y: 9\n  w: 0\n");
    assert_eq!(merged["a"].to_string(), r#"{"y":9,"z":4,"x":1,"w":0}"#);
    assert_eq!(value("'<<': {a: 1}"), json!({"<<": {"a": 1}}));
    assert_eq!(
        findings(b"<<: 3\n"),
        ["E 1:5+1 `<<` takes a map, or a list of maps"]
    );
    assert_eq!(
        findings(b"<<: [3]\n"),
        ["E 1:6+1 `<<` takes a map, or a list of maps"]
    );
}

#[test]
fn positions_are_lines_and_characters() {
    let root = read("a: 1\nü漢: [x, 'y z' ] # c\nm:\n  k: \"two\n    lines\"\n")
        .root
        .unwrap();
    let pairs = root.pairs().unwrap();
    let place = |node: &Node| (node.span.line, node.span.column, node.span.width);
    assert_eq!(place(&pairs[1].0), (2, 1, 2));
    let items = pairs[1].1.items().unwrap();
    assert_eq!(place(&items[1]), (2, 9, 5));
    assert_eq!(items[1].text_column(), Some(10));
    assert_eq!(items[0].text_column(), Some(6));
    let two_lines = pairs[2].1.get("k").unwrap();
    assert_eq!(place(two_lines), (4, 6, 4));
    assert_eq!(two_lines.text_column(), None);
}

#[test]
fn everything_wrong_is_found_in_one_pass() {
    insta::assert_snapshot!(findings(b"a: 1\nb: !foo x\na: 2\nc: {d: 1, 'd': 2}\ne: !!binary aGk=\nf: !!int x\ng: =\n? [1]\n: 2\n: 3\nh: 0x_\ni: 5\t# no\nj:\t6\n").join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    let cases: &[&[u8]] = &[
        b"\xff\xfea\0",
        b"a: 1\nb: \xe9t\xe9\n",
        b"a: 1\0\n",
        b"a: \x1b[31mred\n",
        "a: x\u{2028}y\u{85}\n".as_bytes(),
        b"a:\n\tb: 1\n",
        b"\ta: 1\n",
        b"a: 'x'\t# c\n",
        b"a: 1\n---\nb: 2\n",
        b"a: [1, 2\nb: 3\n",
        b"a: 1\n b: 2\n",
        b"a: *nowhere\n",
        b"a: &x [1, *x]\n",
        b"!e!t x\n",
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|bytes| {
            let findings = findings(bytes);
            assert!(findings.iter().any(|f| f.starts_with('E')), "{bytes:?}");
            format!(
                "{}\n    {}",
                String::from_utf8_lossy(bytes).escape_debug(),
                findings.join("\n    ")
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_a_document_may_cost_is_bounded() {
    let small = Limits {
        bytes: 1 << 20,
        depth: 10,
        nodes: 100,
    };
    let refused = |text: &str| {
        parse(text.as_bytes(), small)
            .findings
            .iter()
            .map(|f| f.message.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(refused(&"[".repeat(11)), ["nested more than 10 levels deep"]);
    assert_eq!(refused(&"- ".repeat(11)), ["nested more than 10 levels deep"]);
    assert!(refused("[[[[[[[[[[1]]]]]]]]]]").is_empty());
    assert_eq!(
        refused(&"- a\n".repeat(101)),
        ["more than 100 values, aliases counted each time they are used"]
    );
    let nested = "a: &a [[[[[1]]]]]\nb: &b [[[[[*a]]]]]\n";
    assert_eq!(refused(nested), ["nested more than 10 levels deep"]);
    let huge = vec![b'a'; Limits::default().bytes + 1];
    assert_eq!(findings(&huge), ["E 1:1+1 the file is larger than 4 MiB"]);
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let inside = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{inside}]").unwrap();
    }
    assert!(findings(bomb.as_bytes())[0].contains("more than 400000 values"));
    let deep = "[".repeat(100_000);
    assert!(!findings(deep.as_bytes()).is_empty());
}

#[test]
fn many_findings_are_counted_instead_of_listed() {
    let text = "a: 1\n".repeat(1000);
    let findings = findings(text.as_bytes());
    assert_eq!(findings.len(), 201);
    assert_eq!(findings[200], "E 0:0+0 799 more errors are not listed");
}

#[test]
fn ours_is_read_to_its_first_error() {
    assert_eq!(from_str("a: 1"), Ok(json!({"a": 1})));
    assert_eq!(from_str(""), Ok(Value::Null));
    assert_eq!(from_str("a: yes\na: 1").unwrap_err().span.line, 2);
    assert_eq!(
        yaml_scalars(&["4", "on", "[a]", "0x_", "a b"]),
        json!([4, true, "[a]", "0x_", "a b"])
    );
}

fn yaml_scalars(texts: &[&str]) -> Value {
    texts.iter().map(|text| scalar(text)).collect()
}

#[test]
fn written_in_block_style() {
    let value = json!({
        "experiment": {"name": "a b", "empty": {}, "none": []},
        "list": [1, 1.5, 1e300, -2.5e-7, true, null, "yes", "1e3", "014", "12:30", "", " x", "a: b", "a #b", "# c", "- d", "it's", "y", "~", "=", "<<", ".inf", "ü", "tab\there", "\u{1b}[2J", "\u{feff}\u{2028}\u{1f600}\u{e000}", "2024-01-01"],
        "nested": [[1, [2]], {"a": [], "b": {"c": 1}}, []],
        "text": "line one\n  line two\n\nline four\n",
        "cut": "no end\nhere",
        "odd": "\n leading\n",
        "8080": "number key",
        "a.b/c": "path",
        "true": 0,
        "multi\nline": 1
    });
    let text = to_string(&value);
    insta::assert_snapshot!(text);
    assert_eq!(super::tests::value(&text), value);
    for (value, text) in [
        (json!("x"), "x\n"),
        (json!("a\nb\n"), "\"a\\nb\\n\"\n"),
        (json!([]), "[]\n"),
        (json!({}), "{}\n"),
        (Value::Null, "null\n"),
        (json!(["a\nb"]), "- |-\n  a\n  b\n"),
    ] {
        assert_eq!(to_string(&value), text);
    }
    let long = json!({"k".repeat(2000): {"a": 1}, "z": 1});
    assert_eq!(super::tests::value(&to_string(&long)), long);
}

#[test]
fn documents_are_read_one_by_one() {
    let values = documents("# first\n---\na: 1\n---\n# nothing\n---\n- b\n...\n").unwrap();
    assert_eq!(values, [json!({"a": 1}), json!(null), json!(["b"])]);
    assert!(documents("").unwrap().is_empty());
    assert!(documents("# only a comment\n").unwrap().is_empty());
    let stream = parse_documents(b"a: 1\n---\nb: [1, 2]\n", Limits::default());
    let (_, list) = &stream.roots[1].pairs().unwrap()[0];
    assert_eq!((list.span.line, list.span.column), (3, 4));
}

#[test]
fn an_anchor_ends_with_its_document() {
    let error = documents("a: &x 1\n---\nb: *x\n").unwrap_err();
    assert_eq!((error.span.line, error.span.column), (3, 4));
    assert!(
        error.message.contains("its own document") || error.message.contains("not valid"),
        "{}",
        error.message
    );
}

#[test]
fn further_lines_of_a_quoted_scalar_need_no_indentation() {
    let text = "a:\n  b: \"one \\\" two\nthree\n\n four\n\"\n  c: {d: 'it''s\nso', e: 1}\nf: 2\n";
    let wanted = json!({"a": {"b": "one \" two three\nfour ", "c": {"d": "it's so", "e": 1}}, "f": 2});
    assert_eq!(from_str(text).unwrap(), wanted);
    assert_eq!(documents(text).unwrap(), [wanted]);
    let error = from_str("a:\n  b: 'no end\nhere\n").unwrap_err();
    assert!(error.message.contains("not valid YAML"));
}

#[test]
fn the_last_of_two_equal_keys_counts_in_documents() {
    let text = "a: {x: 1, x: 2}\n";
    assert!(from_str(text).unwrap_err().message.contains("given twice"));
    assert_eq!(documents(text).unwrap(), [json!({"a": {"x": 2}})]);
    let stream = parse_documents(text.as_bytes(), Limits::default());
    assert!(!stream.findings[0].is_error());
    assert_eq!(
        stream.roots[0].get("a").unwrap().get("x").unwrap().raw(),
        Some("2")
    );
}

#[test]
fn the_limits_are_those_of_all_documents_together() {
    let limits = Limits {
        nodes: 50,
        ..Limits::default()
    };
    let stream = parse_documents("- 1\n- 2\n---\n".repeat(30).as_bytes(), limits);
    assert!(stream.roots.is_empty());
    assert!(stream.findings[0].message.contains("more than 50 values"));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\n]{0,30}",
        "[0-9a-fxo_.:eE+-]{1,8}",
        "(yes|no|on|off|y|n|null|~|true|<<|=|-|\\.inf|---|\\.\\.\\.|%x|@|`)",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no such number", |f| f.is_finite())
            .prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..5)
                .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let parsed = parse(&bytes, Limits::default());
        prop_assert!(parsed.findings.iter().all(|f| !f.message.is_empty()));
    }

    #[test]
    fn no_yaml_like_text_panics(text in "([a-c]: |- |\\[|\\]|\\{|\\}|, |\n|  |\t|'|\"|&a |\\*a|!!int |!x |<<: |\\| |> |# |---\n|\\?|\\\\x|%|=|1|漢){0,40}") {
        let parsed = read(&text);
        for finding in &parsed.findings {
            prop_assert!(finding.span.line as usize <= text.lines().count() + 1);
        }
    }

    #[test]
    fn what_is_written_is_read_back_equal(value in any_value()) {
        let text = to_string(&value);
        let parsed = read(&text);
        prop_assert!(parsed.findings.iter().all(|f| !f.is_error()), "{text}\n{:?}", parsed.findings);
        let noisy = text.contains(".inf") || text.contains(".nan");
        prop_assert!(noisy || parsed.findings.is_empty(), "{text}\n{:?}", parsed.findings);
        prop_assert_eq!(parsed.root.unwrap().to_value(), value, "{}", text);
    }
}
