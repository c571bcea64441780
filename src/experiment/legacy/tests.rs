//! The table is checked entry by entry: what a typical value of each old name sets today.

use super::*;
use crate::experiment::path::parse_path;
use std::fmt::Write as _;

fn table() -> IndexMap<String, Meaning> {
    serde_json::from_value(yaml::from_str(TABLE).unwrap()).unwrap()
}

/// A value such as the old tool's users would give.
fn sample(name: &str, meaning: &Meaning) -> &'static str {
    match meaning.reading {
        Reading::Text if name.ends_with("_TAG") || name.ends_with("_VERSION") => "1.10",
        Reading::Flag => "1",
        Reading::Methods => "modelservice",
        Reading::Model => "Meta/Llama-3.1_8B",
        Reading::Affinity => "nvidia.com/gpu.product:H100",
        Reading::Pairs => "a:b,c:d:e",
        Reading::List => "ReadWriteOnce",
        Reading::Yaml => "{a:____[1,____x]}",
        Reading::YamlList => "{name: x}",
        Reading::Blanks => "python3____x.py",
        Reading::Arguments => "[--a____1]",
        Reading::GatewayClass => "kgateway",
        Reading::Plugins => "default",
        Reading::Text | Reading::Scalar | Reading::OmitAuto => "8",
    }
}

fn shown(name: &str, meaning: &Meaning, text: &str, methods: Option<&str>) -> String {
    match convert(name, meaning, text, methods) {
        Ok(Converted::Keys(keys)) => keys
            .iter()
            .map(|key| {
                format!(
                    "{}{}={}",
                    if key.common { "~" } else { "" },
                    format_path(&key.path),
                    key.value
                )
            })
            .collect::<Vec<_>>()
            .join(" "),
        Ok(Converted::ImagePart { target, part, text }) => {
            format!("{} {part:?}={text}", format_path(&target))
        }
        Err(refused) => format!(
            "REFUSED {} ({})",
            refused.message,
            refused.help.unwrap_or_default()
        ),
    }
}

#[test]
fn every_entry_says_what_it_sets() {
    let table = table();
    assert!(table.len() >= 300, "{}", table.len());
    let mut out = String::new();
    for (name, meaning) in &table {
        assert!(name.starts_with(PREFIX), "{name}");
        assert!(
            meaning.instead.is_some() != meaning.targets().next().is_some(),
            "{name}: either keys or advice"
        );
        assert!(
            meaning.default.is_none() || meaning.instead.is_some(),
            "{name}: a default is for names without keys"
        );
        writeln!(
            out,
            "{name}: {}",
            shown(name, meaning, sample(name, meaning), None)
        )
        .unwrap();
        if let Some(default) = &meaning.default {
            assert_eq!(shown(name, meaning, default, None), "", "{name}");
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn values_are_converted_as_the_old_tool_meant_them() {
    let one = |name: &str, text: &str, methods: Option<&str>| {
        let name = format!("{PREFIX}{name}");
        shown(&name, meaning(&name).unwrap(), text, methods)
    };
    let cases = [
        ("DEPLOY_METHODS", "standalone", None),
        ("DEPLOY_METHODS", "modelservice,fma", None),
        ("DEPLOY_METHODS", "standalon", None),
        ("DEPLOY_METHODS", "", None),
        ("DEPLOY_MODEL_LIST", "a/b,c/d", None),
        ("VLLM_COMMON_REPLICAS", "2", Some("standalone")),
        ("VLLM_COMMON_REPLICAS", "2", Some("modelservice")),
        ("VLLM_COMMON_REPLICAS", "2", Some("kustomize")),
        ("VLLM_COMMON_REPLICAS", "2", None),
        ("VLLM_MODELSERVICE_PREFILL_REPLICAS", "0", None),
        ("VLLM_MODELSERVICE_DECODE_REPLICAS", "4", None),
        ("VLLM_MODELSERVICE_DECODE_ACCELERATOR_NR", "auto", None),
        ("VLLM_MODELSERVICE_DECODE_ACCELERATOR_NR", "4", None),
        ("VLLM_COMMON_AFFINITY", "auto", None),
        ("VLLM_COMMON_AFFINITY", "nonsense", None),
        ("VLLM_COMMON_ANNOTATIONS", "auto", None),
        ("VLLM_COMMON_EXTRA_POD_CONFIG", "{a: [", None),
        ("VLLM_COMMON_EXTRA_INIT_CONTAINER_CONFIG", "{}", None),
        ("VLLM_MODELSERVICE_MULTINODE", "maybe", None),
        ("VLLM_STANDALONE_ARGS", "vllm____serve____x", None),
        ("VLLM_STANDALONE_ARGS", "--a____--b", None),
        ("VLLM_MODELSERVICE_GATEWAY_CLASS_NAME", "istio", None),
        (
            "VLLM_MODELSERVICE_GAIE_PLUGINS_CONFIGFILE",
            "prefix-cache-tracking-config",
            None,
        ),
        ("VLLM_COMMON_FQDN", ".example.org", None),
        ("HF_TOKEN", "hf_x", None),
    ];
    let shown: Vec<String> = cases
        .iter()
        .map(|(name, text, methods)| {
            format!(
                "{name} `{text}` {}: {}",
                methods.unwrap_or("-"),
                one(name, text, *methods)
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    assert_eq!(
        suggestion("LLMDBENCH_VLLM_COMMON_REPLICA"),
        "did you mean `LLMDBENCH_VLLM_COMMON_REPLICAS`?"
    );
    assert!(suggestion("LLMDBENCH_0").contains("config key"));
    assert!(is_known_key(&parse_path("decode.accelerator.count")));
    assert!(!is_known_key(&parse_path("decode.acelerator.count")));
}
