//! What a plan asks a cluster, and what it does when there is none: `plan` against API servers of the test's own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A server on loopback; ends with the test.
fn serve(router: Router) -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router).await });
    (runtime, format!("http://{address}"))
}

fn kubeconfig(folder: &Path, server: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {{token: planted-token-of-a-kubeconfig}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn plan(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmdbenchmark"));
    command
        .args(["plan", "--spec", "pd-disaggregation", "--format", "json"])
        .args(more)
        .current_dir(folder)
        .env("HOME", folder)
        .env_remove("KUBECONFIG")
        .env_remove("LLMDBENCH_KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST");
    command.output().unwrap()
}

fn told(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for bytes in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(bytes).contains("planted-token"));
    }
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The fields that stayed open, with the reason.
fn open(told: &Value) -> Vec<(String, String)> {
    let list = told["setup_treatments"][0]["stacks"][0]["unresolved"]
        .as_array()
        .unwrap();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    list.iter()
        .map(|one| (text(one, "path"), text(one, "why")))
        .collect()
}

fn node(labels: &Value, capacity: &Value) -> Value {
    json!({"metadata": {"name": "n", "labels": labels}, "status": {"capacity": capacity}})
}

fn cluster() -> Router {
    let nodes = json!({
        "apiVersion": "v1", "kind": "NodeList", "metadata": {},
        "items": [
            node(&json!({}), &json!({"cpu": "8"})),
            node(&json!({"amd.com/gpu.product-name": "MI300X"}), &json!({"amd.com/gpu": "8", "rdma/ib": "1"})),
        ],
    });
    Router::new().route("/api/v1/nodes", get(move || async move { Json(nodes) }))
}

#[test]
fn what_the_cluster_knows_is_in_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = serve(cluster());
    let path = kubeconfig(folder.path(), &url);
    let flags = [
        "-k",
        path.to_str().unwrap(),
        "--set",
        "accelerator.resource=auto,vllmCommon.networkResource=auto",
    ];
    let told = told(&plan(folder.path(), &flags));
    let open: Vec<String> = open(&told).into_iter().map(|(path, _)| path).collect();
    assert!(
        open.iter()
            .all(|path| path.starts_with("chartVersions") || path.starts_with("wva.")),
        "{open:?}"
    );
    let stack = Path::new(told["setup_treatments"][0]["folder"].as_str().unwrap()).join("pd-disaggregation");
    let config = std::fs::read_to_string(folder.path().join(stack).join("config.yaml")).unwrap();
    for part in [
        "resource: amd.com/gpu",
        "labelValue: MI300X",
        "networkResource: rdma/ib",
    ] {
        assert!(config.contains(part), "{part} is missing in\n{config}");
    }
}

#[test]
fn without_an_answer_the_plan_is_made_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let why = |flags: &[&str]| {
        let open = open(&told(&plan(folder.path(), flags)));
        let label = open
            .iter()
            .find(|(path, _)| path == "decode.acceleratorType.labelValue");
        label
            .unwrap_or_else(|| panic!("it should be open: {open:?}"))
            .1
            .clone()
    };
    assert!(why(&[]).contains("there is no kubeconfig"), "{}", why(&[]));
    for (text, reason) in [
        (
            "users: [{name: u, user: planted-token-of-a-kubeconfig}]\n",
            "no kubeconfig",
        ),
        ("token: [planted-token-of-a-kubeconfig\n", "no YAML"),
    ] {
        let path = folder.path().join("broken");
        std::fs::write(&path, text).unwrap();
        let told = why(&["-k", path.to_str().unwrap()]);
        assert!(told.contains(reason), "{told}");
    }
    let path = kubeconfig(folder.path(), "http://127.0.0.1:1");
    let plugin = std::fs::read_to_string(&path).unwrap().replace(
        "token: planted-token-of-a-kubeconfig",
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never, args: [-c, \"echo \
         planted-token-of-a-kubeconfig; exit 3\"]}",
    );
    std::fs::write(&path, plugin).unwrap();
    let told = why(&["-k", path.to_str().unwrap()]);
    assert!(told.contains("the program that hands them out failed"), "{told}");

    let refusing = Router::new().fallback(|| async {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
            "message": "nodes is forbidden: User \"u\" cannot list resource \"nodes\""});
        (StatusCode::FORBIDDEN, Json(status))
    });
    let (_refusing, url) = serve(refusing);
    let path = kubeconfig(folder.path(), &url);
    let told = why(&["-k", path.to_str().unwrap()]);
    assert!(told.contains("cannot list resource \"nodes\""), "{told}");

    let path = kubeconfig(folder.path(), "http://127.0.0.1:1");
    let told = why(&["-k", path.to_str().unwrap()]);
    assert!(told.contains("cannot be reached"), "{told}");

    let (_hanging, url) = serve(Router::new().fallback(std::future::pending::<StatusCode>));
    let path = kubeconfig(folder.path(), &url);
    let told = why(&["-k", path.to_str().unwrap()]);
    assert!(told.contains("did not answer"), "{told}");
}

#[test]
fn a_dry_run_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = serve(Router::new().fallback(std::future::pending::<StatusCode>));
    let path = kubeconfig(folder.path(), &url);
    let open = open(&told(&plan(folder.path(), &["-n", "-k", path.to_str().unwrap()])));
    assert!(
        open.iter()
            .any(|(_, why)| why == "the cluster's node labels tell it"),
        "{open:?}"
    );
}

#[test]
fn several_kinds_of_accelerators_ask_for_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = json!({
        "apiVersion": "v1", "kind": "NodeList", "metadata": {},
        "items": [node(&json!({}), &json!({"amd.com/gpu": "8", "nvidia.com/gpu": "8"}))],
    });
    let (_server, url) = serve(Router::new().route("/api/v1/nodes", get(move || async move { Json(nodes) })));
    let path = kubeconfig(folder.path(), &url);
    let output = plan(
        folder.path(),
        &["-k", path.to_str().unwrap(), "--set", "accelerator.resource=auto"],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("several kinds of accelerators (amd.com/gpu, nvidia.com/gpu)"),
        "{said}"
    );
}

#[test]
#[ignore = "needs a cluster: LLMDBENCH_TEST_KUBECONFIG names its kubeconfig"]
fn a_real_cluster_answers() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = std::env::var("LLMDBENCH_TEST_KUBECONFIG").unwrap();
    let open = open(&told(&plan(folder.path(), &["-k", &kubeconfig])));
    assert!(
        open.iter().all(|(_, why)| !why.contains("could not be asked")),
        "{open:?}"
    );
}
