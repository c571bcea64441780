//! `plan` as a user runs it: what is written, what is told, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Far above what any refusal takes, also on a busy machine.
const SOON: Duration = Duration::from_mins(1);

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LLMDBENCH") {
            command.env_remove(name);
        }
    }
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "KUBECONFIG"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{:?}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What is said of a command line that is refused as wrong input, in good time and without anything written.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let begun = Instant::now();
    let output = run(folder, arguments);
    assert!(begun.elapsed() < SOON, "{arguments:?} took {:?}", begun.elapsed());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(
        !folder.join("workspaces").exists(),
        "{arguments:?} wrote something"
    );
    said
}

/// A base dir with one spec and templates of the test's own.
struct Base(tempfile::TempDir);

impl Base {
    fn new() -> Self {
        let base = Self(tempfile::tempdir().unwrap());
        base.file(
            "config/specification/examples/mini.yaml.j2",
            "{% set base_dir = base_dir | default('../') -%}\nbase_dir: {{ base_dir }}\n\
             values_file: {path: \"{{ base_dir }}/config/templates/values/defaults.yaml\"}\n\
             template_dir: {path: \"{{ base_dir }}/config/templates/jinja\"}\n\
             scenario_file: {path: \"{{ base_dir }}/config/scenarios/examples/mini.yaml\"}\n",
        );
        base.file(
            "config/templates/values/defaults.yaml",
            "model: {name: facebook/opt-125m, maxModelLen: 1024}\nnamespace: {name: auto}\n\
             decode: {enabled: true, replicas: 1, parallelism: {tensor: 1}}\n\
             modelservice: {enabled: true}\nstandalone: {enabled: false}\nhuggingface: {token: \"\"}\n\
             gateway: {className: epponly}\nharness: {name: inference-perf, profile: sanity_random}\n",
        );
        base.file(
            "config/scenarios/examples/mini.yaml",
            "scenario:\n  - name: mini\n    common:\n      model:\n        maxModelLen: 2048\n    decode:\n      replicas: 2\n",
        );
        base.template(
            "13_ms-values.yaml.j2",
            "decode:\n  replicas: {{ decode.replicas }}\n  args:\n    - --max-model-len={{ model.maxModelLen }}\n",
        );
        base
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn template(&self, name: &str, text: &str) -> PathBuf {
        self.file(&format!("config/templates/jinja/{name}"), text)
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

/// Every file below a folder with its bytes, sorted.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    found.sort();
    found
}

const TWO: &str = "experiment: {name: two, harness: builtin, profile: quickstart}
setup:
  treatments:
    - {name: small, decode.replicas: 1}
    - {name: large, decode.replicas: 4}
treatments:
  - {name: only}
";

#[test]
fn a_plan_of_an_embedded_spec_is_written_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(&run(
        folder.path(),
        &["plan", "--spec", "pd-disaggregation", "-n", "-p", "ns1"],
    ));
    for part in [
        "spec         guides/pd-disaggregation (<embedded>)",
        "method       modelservice",
        "servers      1 × prefill with TP 1, 2 × decode with TP 2",
        "namespace    ns1",
        "Namespace/ns1",
        "router from oci://",
        "unresolved   decode.acceleratorType.labelValue: ",
        "written to ",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    let plan = folder.path().join("workspaces/latest-plan/plan");
    assert!(plan.join("pd-disaggregation.yaml").is_file());
    let names: Vec<PathBuf> = files(&plan.join("pd-disaggregation"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in [
        "config.yaml",
        "05_namespace_sa_rbac_secret.yaml",
        "13_ms-values.yaml",
        "20_harness_pod.yaml",
    ] {
        assert!(
            names.contains(&PathBuf::from(name)),
            "{name} is missing in {names:?}"
        );
    }
    let manifest: Value = serde_json::from_slice(&fs::read(plan.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["scenario"]["side"], "embedded");
    assert_eq!(
        manifest["files"].as_array().unwrap().len(),
        names.len() + 1,
        "and the spec"
    );
}

#[test]
fn a_plan_leaves_the_latest_sweep_alone() {
    let folder = tempfile::tempdir().unwrap();
    stdout(&run(folder.path(), &["plan", "--spec", "local", "-n"]));
    assert!(!folder.path().join("workspaces/latest").exists());
    let output = run(
        folder.path(),
        &["experiment", "--resume", "workspaces/latest-plan", "--headless"],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("holds a plan, and no sweep"), "{said}");
}

#[test]
fn templates_of_a_checkout_are_used_and_what_it_lacks_is_embedded() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "plan",
        "--spec",
        "mini",
        "--base-dir",
        base.path(),
        "-n",
        "--ws",
        "ws",
    ];
    let text = stdout(&run(folder.path(), &arguments));
    assert!(
        text.contains("embedded     the base dir lacks the templates of 01_pvc_workload-pvc.yaml"),
        "{text}"
    );
    let plan = folder.path().join("ws/latest-plan/plan");
    assert_eq!(
        fs::read_to_string(plan.join("mini/13_ms-values.yaml")).unwrap(),
        "decode:\n  replicas: 2\n  args:\n    - --max-model-len=2048\n"
    );
    let manifest: Value = serde_json::from_slice(&fs::read(plan.join("manifest.json")).unwrap()).unwrap();
    let side = |file: &str| {
        let templates = manifest["templates"].as_array().unwrap();
        let template = templates.iter().find(|one| one["file"] == file).unwrap();
        template["side"].as_str().unwrap().to_owned()
    };
    assert_eq!(side("13_ms-values.yaml"), "external");
    assert_eq!(side("05_namespace_sa_rbac_secret.yaml"), "embedded");
}

#[test]
fn each_setup_treatment_gets_a_plan_and_its_difference_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.yaml"), TWO).unwrap();
    let base = ["--spec", "pd-disaggregation", "-e", "two", "-n"];
    let line = |more: &[&'static str]| [&["plan"], &base[..], more].concat();
    let text = stdout(&run(folder.path(), &line(&[])));
    assert!(
        text.contains("differs from small in 1 value and 1 file\n    decode.replicas: 1 → 4"),
        "{text}"
    );
    let latest = folder.path().join("workspaces/latest-plan");
    for (name, replicas) in [("small", "replicas: 1"), ("large", "replicas: 4")] {
        let stack = latest.join(format!("setup-treatment-{name}/plan/pd-disaggregation"));
        assert!(
            fs::read_to_string(stack.join("13_ms-values.yaml"))
                .unwrap()
                .contains(replicas),
            "{name}"
        );
    }
    assert!(!latest.join("plan").exists());

    let text = stdout(&run(folder.path(), &line(&["--diff", "small", "large"])));
    assert!(
        text.contains("config.yaml\n  decode.replicas\n    - 1\n    + 4"),
        "{text}"
    );
    assert!(
        text.contains("13_ms-values.yaml\n  decode.replicas\n    - 1\n    + 4"),
        "{text}"
    );
    let text = stdout(&run(folder.path(), &line(&["--diff", "small", "small"])));
    assert!(text.contains("no difference"), "{text}");
    let json: Value = serde_json::from_str(&stdout(&run(
        folder.path(),
        &line(&["--diff", "small", "large", "--format", "json"]),
    )))
    .unwrap();
    assert_eq!(json["changes"][0]["path"], "decode.replicas");
    assert_eq!(
        (&json["changes"][0]["before"], &json["changes"][0]["after"]),
        (&1.into(), &4.into())
    );
    let output = run(folder.path(), &line(&["--diff", "small", "larg"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `large`?"));
}

#[test]
fn a_value_is_explained_by_its_layers_and_places() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.yaml"), TWO).unwrap();
    let line = |more: &[&str]| {
        let all = [&["plan", "--spec", "mini", "--base-dir", base.path(), "-n"], more].concat();
        run(folder.path(), &all)
    };
    let text = stdout(&line(&[
        "--explain",
        "decode.replicas",
        "--set",
        "decode.replicas=3",
    ]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0], "decode.replicas: 3");
    assert!(
        lines[1].starts_with("  set by  --set") && lines[1].ends_with('3'),
        "{text}"
    );
    assert!(
        lines[2].contains("stack") && lines[2].ends_with("mini.yaml:7:7"),
        "{text}"
    );
    assert!(
        lines[3].contains("defaults") && lines[3].ends_with("defaults.yaml:3:25"),
        "{text}"
    );

    let text = stdout(&line(&["-e", "two", "--explain", "decode.replicas"]));
    assert!(
        text.contains("decode.replicas: 4   [setup treatment large]"),
        "{text}"
    );
    assert!(text.contains("two.yaml:5:"), "{text}");

    let json: Value =
        serde_json::from_str(&stdout(&line(&["--explain", "model", "--format", "json"]))).unwrap();
    let length = json
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["key"] == "model.maxModelLen")
        .unwrap();
    assert_eq!(length["value"], 2048);
    assert_eq!(length["origins"][0]["value"], 1024);

    let said = refused(
        folder.path(),
        &[
            "plan",
            "--spec",
            "mini",
            "--base-dir",
            base.path(),
            "-n",
            "--explain",
            "decode.replcas",
        ],
    );
    assert!(said.contains("did you mean `replicas`?"), "{said}");
}

#[test]
fn json_is_one_document_with_all_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.yaml"), TWO).unwrap();
    let arguments = [
        "plan",
        "--spec",
        "pd-disaggregation",
        "-e",
        "two",
        "-n",
        "--format",
        "json",
    ];
    let json: Value = serde_json::from_str(&stdout(&run(folder.path(), &arguments))).unwrap();
    assert_eq!(json["experiment"], "two");
    let stack = &json["setup_treatments"][1]["stacks"][0];
    assert_eq!(stack["method"], "modelservice");
    assert_eq!(stack["servers"][1]["replicas"], 4);
    assert!(
        Path::new(json["folder"].as_str().unwrap()).is_dir()
            || folder.path().join(json["folder"].as_str().unwrap()).is_dir()
    );
    let files = stack["files"].as_array().unwrap();
    assert!(
        files
            .iter()
            .any(|file| file["objects"][0] == "PersistentVolumeClaim/workload-pvc")
    );
}

#[test]
fn embedded_specs_are_planned_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for spec in [
        "local",
        "examples/cpu",
        "examples/gpu",
        "examples/sim",
        "guides/inference-scheduling",
        "guides/pd-disaggregation",
        "guides/precise-prefix-cache-aware",
    ] {
        for method in ["modelservice", "standalone"] {
            let arguments = [
                "plan", "--spec", spec, "-t", method, "-n", "-p", "a,b", "--format", "json",
            ];
            let output = run(folder.path(), &arguments);
            let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
            let stack = &json["setup_treatments"][0]["stacks"][0];
            assert_eq!(stack["method"], method, "{spec}");
            assert_eq!(stack["warnings"], Value::Array(Vec::new()), "{spec}");
            assert_eq!(json["warnings"], Value::Array(Vec::new()), "{spec}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.yaml"), TWO).unwrap();
    let mut seen = Vec::new();
    for workspace in ["one", "other"] {
        let arguments = [
            "plan",
            "--spec",
            "pd-disaggregation",
            "-e",
            "two",
            "-n",
            "--ws",
            workspace,
        ];
        stdout(&run(folder.path(), &arguments));
        seen.push(files(&folder.path().join(workspace).join("latest-plan")));
    }
    assert!(seen[0].len() > 50);
    assert!(seen[0] == seen[1]);
}

#[test]
fn no_secret_is_written_or_told() {
    let base = Base::new();
    base.file(
        "config/scenarios/examples/mini.yaml",
        "scenario:\n  - name: mini\n    huggingface: {token: hf_abcdefghijklmnop}\n    decode:\n      extraEnvVars:\n        \
         - {name: AWS_SECRET_ACCESS_KEY, value: planted-in-a-scenario}\n",
    );
    base.template(
        "05_secret.yaml.j2",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  HF_TOKEN: \"{{ huggingface.token }}\"\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["plan", "--spec", "mini", "--base-dir", base.path(), "-n"];
    let mut told = Vec::new();
    fs::write(
        folder.path().join("two.yaml"),
        TWO.replace(
            "decode.replicas: 1}",
            "decode.extraEnvVars: [{name: OTHER_SECRET, value: planted-here}]}",
        ),
    )
    .unwrap();
    for more in [
        &[][..],
        &["-e", "two", "--diff", "small", "large"],
        &["--format", "json"],
        &["--explain", "huggingface"],
        &["--explain", "decode"],
    ] {
        let output = command(folder.path(), &[&arguments, more].concat())
            .env("HF_TOKEN", "hf_plantedintheenvironment")
            .output()
            .unwrap();
        stdout(&output);
        told.extend([output.stdout, output.stderr]);
    }
    let written = files(&folder.path().join("workspaces/latest-plan"));
    told.extend(written.iter().map(|(_, bytes)| bytes.clone()));
    for bytes in &told {
        let text = String::from_utf8_lossy(bytes);
        for secret in ["hf_planted", "hf_abcdef", "planted-in-a-scenario", "planted-here"] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
    }
    let secret = written
        .iter()
        .find(|(name, _)| name.ends_with("05_secret.yaml"))
        .unwrap();
    assert!(String::from_utf8_lossy(&secret.1).contains("HF_TOKEN: \"REPLACE_TOKEN\""));
}

#[test]
fn specs_that_are_none_are_refused_with_what_there_is() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    let line = |spec: &str| {
        refused(
            folder.path(),
            &["plan", "--base-dir", base.path(), "-n", "--spec", spec],
        )
    };
    let said = line("mani");
    assert!(
        said.contains("did you mean `mini`?") && said.contains("examples/mini"),
        "{said}"
    );
    let scenario = base.0.path().join("config/scenarios/examples/mini.yaml");
    let said = line(scenario.to_str().unwrap());
    assert!(said.contains("scenario"), "{said}");
    let said = refused(
        folder.path(),
        &["plan", "-n", "--spec", "local", "--base-dir", "nowhere"],
    );
    assert!(said.contains("nowhere"), "{said}");
    let said = refused(
        folder.path(),
        &[
            "plan",
            "-n",
            "--spec",
            "mini",
            "--base-dir",
            base.path(),
            "--stack",
            "other",
        ],
    );
    assert!(
        said.contains("there is no stack other") && said.contains("the scenario has mini"),
        "{said}"
    );
    assert!(!said.contains("model.name"), "{said}");
}

#[test]
fn a_spec_may_not_lead_out_of_its_base_dir() {
    let base = Base::new();
    let spec = base.0.path().join("config/specification/examples/mini.yaml.j2");
    let text = fs::read_to_string(&spec).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["plan", "--spec", "mini", "--base-dir", base.path(), "-n"];
    for (place, instead) in [
        (
            "{{ base_dir }}/config/scenarios/examples/mini.yaml",
            "/etc/hostname",
        ),
        ("{{ base_dir }}/config/templates/jinja", "{{ base_dir }}/../.."),
        (
            "{{ base_dir }}/config/templates/jinja",
            "{{ base_dir }}/config/templates/none",
        ),
    ] {
        fs::write(&spec, text.replace(place, instead)).unwrap();
        let said = refused(folder.path(), &arguments);
        let named = instead.rsplit('/').next().unwrap();
        assert!(said.contains(named), "{instead}: {said}");
    }
}

#[test]
fn a_bad_template_is_told_with_its_place_and_the_treatments_it_concerns() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.yaml"), TWO).unwrap();
    let arguments = [
        "plan",
        "--spec",
        "mini",
        "--base-dir",
        base.path(),
        "-e",
        "two",
        "-n",
    ];
    for (text, parts) in [
        (
            "a: 1\nb: {{ decode.nothing.at_all }}\n",
            &[
                "18_bad.yaml.j2:2",
                "setup treatments small, large",
                "decode.nothing",
            ][..],
        ),
        ("a: {% if decode %}\n", &["18_bad.yaml.j2:"]),
        ("a: b: c\n", &["18_bad.yaml"]),
        (
            "a: {{ raise('no such gateway') }}\n",
            &["18_bad.yaml.j2:1", "no such gateway"],
        ),
        (
            "{% if decode.replicas == 4 %}{{ decode.a.b }}{% endif %}\n",
            &["18_bad.yaml.j2:1", "setup treatment large"],
        ),
    ] {
        base.template("18_bad.yaml.j2", text);
        let said = refused(folder.path(), &arguments);
        for part in parts {
            assert!(said.contains(part), "{part} is missing in:\n{said}");
        }
    }
}

#[test]
fn templates_that_never_end_or_eat_the_memory_are_refused() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["plan", "--spec", "mini", "--base-dir", base.path(), "-n"];
    base.template("_one.j2", "{% include '_two.j2' %}");
    base.template("_two.j2", "{% include '_one.j2' %}");
    for text in [
        "{% include '_one.j2' %}",
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in range(1000000000) %}{{ a }}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for a in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{{ 'a\nb' | indent(2000000000) }}",
    ] {
        base.template("18_bad.yaml.j2", text);
        let said = refused(folder.path(), &arguments);
        assert!(
            said.contains("18_bad.yaml.j2") || said.contains("_one.j2") || said.contains("_two.j2"),
            "{text}: {said}"
        );
    }
}

#[test]
fn huge_files_are_refused_without_being_read() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["plan", "--spec", "mini", "--base-dir", base.path(), "-n"];
    let sparse = |name: &str| {
        let path = base.0.path().join(name);
        let before = fs::read(&path).ok();
        fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
        (path, before)
    };
    for name in [
        "config/scenarios/examples/mini.yaml",
        "config/templates/values/defaults.yaml",
        "config/templates/jinja/18_bad.yaml.j2",
    ] {
        let (path, before) = sparse(name);
        let said = refused(folder.path(), &arguments);
        let file = name.rsplit('/').next().unwrap();
        assert!(said.contains(file), "{name}: {said}");
        match before {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
    }
}

#[test]
fn keys_of_a_wrong_type_are_refused_by_name() {
    let base = Base::new();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["plan", "--spec", "mini", "--base-dir", base.path(), "-n"];
    for (text, key) in [
        ("decode: 3", "decode"),
        ("model: [a]", "model"),
        ("namespace: x", "namespace"),
    ] {
        base.file(
            "config/scenarios/examples/mini.yaml",
            &format!("scenario:\n  - name: mini\n    {text}\n"),
        );
        let said = refused(folder.path(), &arguments);
        assert!(
            said.contains(key) && said.contains("mini.yaml:3:"),
            "{text}: {said}"
        );
    }
}
