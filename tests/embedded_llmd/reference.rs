//! The same configs, with our templates and with those of llm-d-benchmark.

use super::planned::ROLES;
use llmdbenchmark::plan::{Request, Templates, make};
use llmdbenchmark::yaml;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What the values of the model servers say of the servers themselves, by pointer.
fn facts(values: &Value) -> BTreeMap<String, Value> {
    let mut facts = BTreeMap::new();
    let mut note = |pointer: String| {
        if let Some(value) = values.pointer(&pointer) {
            // No parallelism is one of it.
            let none = pointer.contains("/parallelism/") && *value == 0;
            facts.insert(pointer, if none { 1.into() } else { value.clone() });
        }
    };
    for pointer in [
        "/fullnameOverride",
        "/multinode",
        "/modelArtifacts/name",
        "/modelArtifacts/uri",
        "/modelArtifacts/size",
        "/modelArtifacts/mountPath",
        "/modelArtifacts/labels/llm-d.ai~1model",
        "/modelArtifacts/labels/llm-d.ai~1guide",
        "/accelerator/type",
        "/routing/servicePort",
        "/routing/proxy/enabled",
        "/routing/proxy/image",
        "/routing/proxy/targetPort",
        "/routing/proxy/connector",
    ] {
        note(pointer.to_owned());
    }
    for role in ROLES {
        for key in [
            "create",
            "replicas",
            "parallelism/tensor",
            "parallelism/data",
            "parallelism/dataLocal",
            "parallelism/workers",
            "priorityClassName",
            "containers/0/image",
            "containers/0/mountModelVolume",
            "containers/0/extraConfig/startupProbe",
            "containers/0/extraConfig/livenessProbe",
            "containers/0/extraConfig/readinessProbe",
        ] {
            note(format!("/{role}/{key}"));
        }
        for kind in ["limits", "requests"] {
            let pointer = format!("/{role}/containers/0/resources/{kind}");
            let quantities = values.pointer(&pointer).and_then(Value::as_object);
            for name in quantities.into_iter().flat_map(|quantities| quantities.keys()) {
                note(format!("{pointer}/{}", name.replace('/', "~1")));
            }
        }
    }
    facts
}

/// Every `config.yaml` under a folder of `<category>/<spec>/<stack>`.
fn rendered_stacks(folder: &Path) -> Vec<std::path::PathBuf> {
    let inside = |folder: &Path| {
        let mut inside: Vec<_> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        inside.sort();
        inside
    };
    inside(folder)
        .into_iter()
        .flat_map(|category| inside(&category))
        .flat_map(|spec| inside(&spec))
        .filter(|stack| stack.join("config.yaml").is_file())
        .collect()
}

/// Give `LLMDBENCH_REFERENCE_RENDERED` the folder of what llm-d-benchmark rendered, as `<category>/<spec>/<stack>/`.
#[test]
#[ignore = "needs LLMDBENCH_REFERENCE_RENDERED"]
fn our_templates_start_the_servers_of_the_reference() {
    let folder = std::env::var_os("LLMDBENCH_REFERENCE_RENDERED").expect("a folder");
    let plan = make(&Request::without_experiment("pd-disaggregation")).unwrap();
    let templates = Templates::load(&plan.spec).unwrap();
    let mut compared = 0;
    let mut different = Vec::new();
    for stack in rendered_stacks(Path::new(&folder)) {
        let read = |name: &str| std::fs::read_to_string(stack.join(name)).unwrap();
        let config: Value = yaml::from_str(&read("config.yaml")).unwrap();
        // Methods without templates of ours say so.
        let Ok(files) = templates.render(&config, "default", "stack") else {
            println!("{}: not with embedded templates", stack.display());
            continue;
        };
        let ours = |name: &str| files.iter().find(|file| file.name == name).unwrap().text.clone();
        if ours("13_ms-values.yaml").trim().is_empty() {
            continue;
        }
        for (name, both) in [
            (
                "13_ms-values.yaml",
                facts as fn(&Value) -> BTreeMap<String, Value>,
            ),
            ("12_router-values.yaml", |values| {
                BTreeMap::from([(String::new(), values.clone())])
            }),
        ] {
            // A key that is given twice is one of the differences; there is nothing to compare with.
            let Ok(theirs) = yaml::from_str(&read(name)) else {
                println!("{}: {name} of the reference is no YAML", stack.display());
                continue;
            };
            let ours = both(&yaml::from_str(&ours(name)).unwrap());
            for (pointer, theirs) in both(&theirs) {
                compared += 1;
                if ours.get(&pointer) != Some(&theirs) {
                    let ours = ours.get(&pointer);
                    different.push(format!(
                        "{}: {name}{pointer}: {ours:?}, not {theirs:?}",
                        stack.display()
                    ));
                }
            }
        }
    }
    println!("{compared} facts compared");
    assert!(compared > 0);
    assert!(different.is_empty(), "{}", different.join("\n"));
}
