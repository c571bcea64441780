//! Command lines and environments of llm-d-benchmark's users, tried without running anything.

use crate::lab::{Lab, SMALL};
use std::process::Output;

const DRY: [&str; 6] = ["experiment", "--spec", "local", "-e", "quickstart", "-n"];

fn dry(lab: &Lab, more: &[&str]) -> (Option<i32>, String, String) {
    told(lab.run(&[&DRY, more].concat()))
}

fn dry_with(lab: &Lab, variable: &str, value: &str) -> (Option<i32>, String, String) {
    told(lab.command(&DRY).env(variable, value).output().unwrap())
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_command_line_for_a_cluster_can_be_rehearsed_as_it_is() {
    let lab = Lab::new();
    let line = "-k /no/such -p a,b -m Qwen/Qwen3-8B --gateway-class istio -f --parallel 2 -l builtin -r gs://bucket/x \
                -j 2 --wait-timeout 60 --data-access-timeout 9 -d --fast-collect --stop-on-error --skip-teardown \
                --non-admin --telemetry-enabled --telemetry-provider http --telemetry-token hush-hush \
                --epp-keda-saturation --run-keywords a,b";
    let flags: Vec<&str> = line.split_whitespace().collect();
    let (code, stdout, stderr) = dry(&lab, &flags);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("builtin × 2"), "{stdout}");
    let told = "note: no effect on the local platform: --output (results stay in the workspace), --debug, --parallel, \
                --data-access-timeout, --fast-collect, --telemetry-… (nothing is reported)";
    assert!(stderr.contains(told), "{stderr}");
    assert!(!stderr.contains("hush-hush"), "{stderr}");
    // All of it also before the subcommand.
    let before = [&flags, &DRY[..]].concat();
    let (code, before_stdout, _) = self::told(lab.run(&before));
    assert_eq!((code, before_stdout), (Some(0), stdout));
    assert_eq!(dry(&lab, &["--output", "local"]).2, "");
    let (code, _, stderr) = dry(&lab, &["--output", "ftp://x"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("s3://"), "{stderr}");
}

#[test]
fn the_settings_of_a_cluster_lie_over_the_scenario_and_under_set() {
    let lab = Lab::new();
    lab.write("small.yaml", SMALL);
    lab.write(
        "cluster.yaml",
        "standalone: {parallelism: {tensor: 4}}\nstorag: {size: 1}\n",
    );
    let flags = |more: &[&'static str]| {
        let mut all = vec![
            "experiment",
            "--spec",
            "local",
            "-e",
            "small",
            "-n",
            "--cc",
            "cluster.yaml",
        ];
        all.extend(more);
        told(lab.run(&all))
    };
    let (code, stdout, stderr) = flags(&[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("standalone: 2 replica × TP 4"), "{stdout}");
    assert!(stderr.contains("did you mean `storage`?"), "{stderr}");
    let (_, stdout, _) = flags(&["--set", "standalone.parallelism.tensor=8"]);
    assert!(stdout.contains("standalone: 2 replica × TP 8"), "{stdout}");
    let (code, _, stderr) = dry(&lab, &["--cluster-config", "nowhere.yaml"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--cluster-config: cannot read"), "{stderr}");
}

#[test]
fn empty_variables_are_none_and_bad_ones_are_named() {
    let lab = Lab::new();
    let variables = [
        "PARALLELISM",
        "WAIT_TIMEOUT",
        "HARNESS",
        "SET",
        "OVERRIDES",
        "BASE_DIR",
        "STACK",
        "KUBECONFIG",
        "GATEWAY_CLASS",
        "WORKSPACE",
        "WORKLOAD",
        "OUTPUT",
        "TELEMETRY_ENABLED",
        "DEBUG",
    ];
    for name in variables {
        let (code, _, stderr) = dry_with(&lab, &format!("LLMDBENCH_{name}"), "");
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{name}");
    }
    let (code, _, stderr) = dry_with(&lab, "LLMDBENCH_PARALLELISM", "two");
    assert_eq!(code, Some(2));
    assert!(stderr.contains("variable LLMDBENCH_PARALLELISM"), "{stderr}");
    for (value, on) in [
        ("yes", true),
        ("TRUE", true),
        ("1", true),
        ("0", false),
        ("on", false),
    ] {
        let (_, _, stderr) = dry_with(&lab, "LLMDBENCH_TELEMETRY_ENABLED", value);
        assert_eq!(stderr.contains("--telemetry-…"), on, "{value}: {stderr}");
    }
}

#[test]
fn an_ambiguous_prefix_names_what_it_could_be() {
    let lab = Lab::new();
    let (code, _, stderr) = dry(&lab, &["--work", "x"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("--work could be --workload, --workspace"),
        "{stderr}"
    );
}

#[test]
fn secrets_of_the_environment_are_not_in_the_help() {
    let lab = Lab::new();
    let secret = "hf_abcdefghijklmnop";
    let help = lab
        .command(&["experiment", "--help"])
        .env("LLMDBENCH_SET", format!("huggingface.token={secret}"))
        .env("LLMDBENCH_TELEMETRY_TOKEN", secret)
        .output()
        .unwrap();
    let (code, stdout, _) = told(help);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("LLMDBENCH_TELEMETRY_TOKEN") && !stdout.contains(secret));
}
