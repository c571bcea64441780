//! Where values come from, line by line, and that nothing is without an origin.

use super::*;
use crate::experiment::{self, Source as Experiment, parse_path};
use crate::plan::testing::BaseDirOnDisk;
use crate::plan::{BaseDir, Request, SweepPlan, make, spec_names};
use std::path::Path;

const DEFAULTS: &str = "\
namespace: {name: auto}
model: {name: small, size: 1Gi}
huggingface: {token: '', enabled: false}
resourcePresets:
  big:
    decode:
      parallelism: {tensor: 8}
accelerator: {profile: '', type: nvidia}
decode: &role
  replicas: 1
  parallelism:
    tensor: 1
  resources: {cpu: 1}
  env: [{name: A, value: a}]
prefill:
  <<: *role
  replicas: 0
modelservice: {enabled: true}
gateway: {className: epponly, namespace: auto}
router:
  epp: {zmqPort: 5557}
";

const SCENARIO: &str = "\
shared:
  model: {size: 2Gi}
  modelservice:
    decode: {resources: {cpu: 3}}
scenario:
  - name: one
    common:
      model:
        name: org/big
      resources: {cpu: 8}
    decode:
      replicas: 2
      env:
        - name: A
          value: b
        - name: HF_TOKEN
          value: something
    resourcePreset: big
    greeting: \"of ${model.name}\"
    huggingface: {token: hf_abcdefghijkl}
";

const EXPERIMENT: &str = "\
setup:
  treatments:
    - name: tp2
      decode.replicas: 4
      decode.parallelism: {tensor: 2}
    - name: tp4
      decode.parallelism.tensor: 4
";

fn planned(change: impl FnOnce(&mut Request)) -> SweepPlan {
    let folder = BaseDirOnDisk::new(DEFAULTS, SCENARIO);
    folder.write(
        "config/templates/values/overlays/nvidia.yaml",
        "model:\n  size: 9Gi\ndecode: {replicas: 7}\n",
    );
    let source = Experiment {
        name: "mine.yaml".to_owned(),
        stem: "mine".to_owned(),
        path: None,
        text: EXPERIMENT.as_bytes().to_vec(),
    };
    let mut design = experiment::load(&source).design.unwrap();
    design.runs.clear();
    let mut request = Request::new("mine", source, design);
    request.base_dir = Some(folder.path());
    request.platform = crate::plan::PlatformKind::Kubernetes;
    change(&mut request);
    make(&request).unwrap_or_else(|error| panic!("{error}"))
}

/// `layer@file:line:column=value`, one text for each origin.
fn told(plan: &SweepPlan, setup: usize, path: &str) -> Vec<String> {
    let provenance = plan.provenance(&plan.setups[setup], "one");
    provenance
        .of(&parse_path(path))
        .into_iter()
        .map(|origin| {
            let place = origin.place.map_or(String::new(), |place| {
                let file = place.file.rsplit('/').next().unwrap();
                format!("@{file}:{}:{}", place.line, place.column)
            });
            format!("{}{place}={}", origin.layer, origin.value)
        })
        .collect()
}

#[test]
fn a_value_has_every_layer_that_set_it_with_its_place() {
    let plan = planned(|_| {});
    assert_eq!(
        told(&plan, 0, "decode.replicas"),
        [
            "defaults@defaults.yaml:10:3=1",
            "stack@mine.yaml:12:7=2",
            "setup treatment tp2@mine.yaml:4:7=4",
        ]
    );
    assert_eq!(
        told(&plan, 0, "model.size"),
        [
            "defaults@defaults.yaml:2:22=\"1Gi\"",
            "shared@mine.yaml:2:11=\"2Gi\""
        ]
    );
    assert_eq!(
        told(&plan, 0, "decode.parallelism.tensor"),
        [
            "defaults@defaults.yaml:12:5=1",
            "setup treatment tp2@mine.yaml:5:28=2",
            "resource preset big@defaults.yaml:7:21=8",
        ]
    );
}

#[test]
fn sections_that_are_spread_and_hoisted_keep_their_places() {
    let plan = planned(|_| {});
    assert_eq!(
        told(&plan, 1, "model.name"),
        [
            "defaults@defaults.yaml:2:9=\"small\"",
            "stack@mine.yaml:9:9=\"org/big\""
        ]
    );
    // `common` seeds the section, and what is nested in `modelservice` beats both.
    assert_eq!(
        told(&plan, 1, "decode.resources.cpu"),
        [
            "defaults@defaults.yaml:13:15=1",
            "stack@mine.yaml:10:19=8",
            "shared@mine.yaml:4:26=3",
        ]
    );
    assert_eq!(
        told(&plan, 1, "prefill.parallelism.tensor"),
        ["defaults@defaults.yaml:12:5=1"]
    );
    assert_eq!(
        told(&plan, 1, "prefill.replicas"),
        ["defaults@defaults.yaml:17:3=0"]
    );
}

#[test]
fn flags_and_rules_are_layers_too() {
    let plan = planned(|request| {
        request.namespace = Some("ns1".to_owned());
        request.set = vec!["model.size=2Gi,accelerator.profile=nvidia,decode.replicas=3".to_owned()];
    });
    assert_eq!(
        told(&plan, 0, "namespace.name"),
        ["defaults@defaults.yaml:1:13=\"auto\"", "-p=\"ns1\""]
    );
    assert_eq!(
        told(&plan, 1, "model.size"),
        [
            "defaults@defaults.yaml:2:22=\"1Gi\"",
            "shared@mine.yaml:2:11=\"2Gi\"",
            "--set=\"2Gi\"",
            "accelerator profile nvidia@nvidia.yaml:2:3=\"9Gi\"",
            "--set=\"2Gi\"",
        ],
        "the same value again counts, and the overrides come again"
    );
    assert_eq!(
        told(&plan, 0, "decode.replicas").last().unwrap(),
        "setup treatment tp2@mine.yaml:4:7=4"
    );
    assert_eq!(
        told(&plan, 0, "greeting"),
        [
            "stack@mine.yaml:19:5=\"of ${model.name}\"",
            "references=\"of org/big\""
        ]
    );
    let gone = told(&plan, 0, "router.epp.zmqPort");
    assert_eq!(gone, ["defaults@defaults.yaml:21:9=5557", "router defaults=null"]);
    assert!(told(&plan, 0, "nowhere.at.all").is_empty());
}

#[test]
fn a_part_of_a_list_has_a_place_of_its_own() {
    let plan = planned(|_| {});
    assert_eq!(
        told(&plan, 0, "decode.env.0.value"),
        [
            "defaults@defaults.yaml:14:19=\"a\"",
            "stack@mine.yaml:15:11=\"b\""
        ]
    );
    assert_eq!(
        told(&plan, 0, "router.extraServicePorts.0.name"),
        ["router defaults=\"zmq\""]
    );
    assert!(told(&plan, 0, "decode.env.9").is_empty());
}

#[test]
fn a_map_has_the_layers_that_set_something_in_it() {
    let plan = planned(|_| {});
    let all = told(&plan, 1, "model");
    assert_eq!(
        all[0],
        "defaults@defaults.yaml:2:9={\"name\":\"small\",\"size\":\"1Gi\"}"
    );
    assert_eq!(all[1], "shared@mine.yaml:2:11={\"size\":\"2Gi\"}");
    assert!(all[3].starts_with("model id label={\"idLabel\":"), "{all:?}");
}

#[test]
fn nobody_is_told_a_secret() {
    let plan = planned(|_| {});
    assert_eq!(
        told(&plan, 0, "huggingface.token"),
        [
            "defaults@defaults.yaml:3:15=\"\"",
            "stack@mine.yaml:20:19=\"[redacted]\"",
            "Hugging Face token=\"REPLACE_TOKEN\"",
        ]
    );
    assert_eq!(
        told(&plan, 0, "decode.env.1.value"),
        ["stack@mine.yaml:17:11=\"[redacted]\""]
    );
    let provenance = plan.provenance(&plan.setups[0], "one");
    let all = format!("{:?} {:?}", provenance.lines(), provenance.config());
    assert!(
        !all.contains("hf_abcdefghijkl") && !all.contains("something"),
        "{all}"
    );
    assert!(
        !plan.config(&plan.setups[0]).to_string().contains("hf_"),
        "the plan has none either"
    );
}

#[test]
fn lines_follow_the_config() {
    let plan = planned(|_| {});
    let provenance = plan.provenance(&plan.setups[0], "one");
    let lines = provenance.lines();
    let line = |path: &str| lines.iter().find(|line| line.path == path).unwrap();
    let replicas = line("decode.replicas");
    assert_eq!(
        (replicas.depth, replicas.key.as_str(), replicas.value.as_deref()),
        (1, "replicas", Some("4"))
    );
    assert_eq!(line("decode").value, None);
    assert_eq!(line("decode.env.0.name").depth, 3);
    assert_eq!(
        line("router.modelServers.matchLabels.\"llm-d.ai/model\"")
            .origins
            .len(),
        1
    );
}

/// Whether a place points at the key it is said to be of, or at an element of a list.
fn points_at(plan: &SweepPlan, place: &Place, key: &str) -> bool {
    let document = plan.document(&place.file).unwrap();
    let line = document.text.lines().nth(place.line as usize - 1).unwrap();
    let rest: String = line.chars().skip(place.column as usize - 1).collect();
    key.parse::<usize>().is_ok() || rest.trim_start_matches(['"', '\'']).starts_with(key)
}

/// Every leaf has an origin, the last one's value is the value, and each place has the key.
fn check(plan: &SweepPlan, setup: usize, stack: &str) {
    let provenance = plan.provenance(&plan.setups[setup], stack);
    let resolved = plan.resolved(&plan.setups[setup], stack);
    assert_eq!(provenance.config, resolved.config);
    let shown = provenance.config();
    for line in provenance.lines() {
        if line.value.is_none() {
            continue;
        }
        let path: Vec<String> = parse_path(&line.path)
            .iter()
            .map(|segment| segment.text().to_owned())
            .collect();
        let last = line
            .origins
            .last()
            .unwrap_or_else(|| panic!("{} has no origin", line.path));
        assert_eq!(Some(&last.value), reach(&shown, &path), "{}", line.path);
        for origin in &line.origins {
            if let Some(place) = origin.place.as_ref().filter(|place| place.file != "mine.yaml") {
                assert!(points_at(plan, place, &line.key), "{} {place:?}", line.path);
            }
        }
    }
}

#[test]
fn the_last_origin_is_in_effect_everywhere() {
    let plan = planned(|request| {
        request.set =
            vec!["accelerator.profile=nvidia,new.key={a: [1, {b: 2}], c: {}},decode.env=[]".to_owned()];
    });
    for setup in 0..plan.setups.len() {
        check(&plan, setup, "one");
    }
    check_all(None);
}

#[test]
#[ignore = "needs a checkout of llm-d-benchmark"]
fn the_last_origin_is_in_effect_in_a_checkout() {
    let checkout = std::env::var_os("LLMDBENCH_REFERENCE_CHECKOUT").unwrap();
    check_all(Some(Path::new(&checkout)));
}

fn check_all(base_dir: Option<&Path>) {
    let base = base_dir
        .as_ref()
        .map_or_else(BaseDir::embedded, |path| BaseDir::external(path).unwrap());
    for spec in spec_names(&base) {
        let mut request = Request::without_experiment(&spec);
        request.base_dir = base_dir.map(Path::to_path_buf);
        request.monitoring = Some(true);
        request.hugging_face_token = true;
        let plan = make(&request).unwrap();
        for stack in plan.stacks() {
            check(&plan, 0, stack);
        }
    }
}

#[test]
fn what_is_wrong_with_a_value_is_told_at_its_place() {
    let folder = BaseDirOnDisk::new(DEFAULTS, &format!("{SCENARIO}    router: 3\n"));
    let mut request = Request::without_experiment("mine");
    request.base_dir = Some(folder.path());
    let error = make(&request).unwrap_err().to_string();
    assert!(
        error.contains("router must be a map, and is a number") && error.contains("mine.yaml:21:5"),
        "{error}"
    );
}
