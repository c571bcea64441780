use super::check;
use std::fmt::Write as _;

/// Each finding as `severity line:column message`.
fn told(text: &str) -> String {
    let mut out = String::new();
    for finding in check("x.yaml", text) {
        let severity = if finding.is_error() { "error" } else { "warning" };
        let span = finding.span;
        let _ = write!(
            out,
            "{severity} {}:{} {}",
            span.line, span.column, finding.message
        );
        if let Some(help) = finding.help {
            let _ = write!(out, " ({help})");
        }
        out.push('\n');
    }
    out
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/name: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web, more: \"1\"}
    spec:
      serviceAccountName: runner
      containers:
        - name: server
          image: example.com/server:1
          ports: [{name: http, containerPort: 8000}]
          env:
            - {name: MODEL, value: m}
            - name: POD
              valueFrom: {fieldRef: {fieldPath: metadata.name}}
          resources:
            requests: {cpu: 4, memory: 10Gi, nvidia.com/gpu: 1}
            limits: {cpu: \"4.5\", memory: 16Gi, nvidia.com/gpu: \"1\"}
          readinessProbe: {httpGet: {path: /health, port: http}}
          volumeMounts: [{name: cache, mountPath: /cache}]
      volumes:
        - name: cache
          emptyDir: {sizeLimit: 5Gi}
";

#[test]
fn a_good_object_is_fine() {
    assert_eq!(told(DEPLOYMENT), "");
}

/// The deployment with one text replaced by another.
fn with(old: &str, new: &str) -> String {
    assert!(DEPLOYMENT.contains(old), "{old}");
    told(&DEPLOYMENT.replacen(old, new, 1))
}

/// What to replace in the deployment, with what, and what is said about it.
type Case = (&'static str, &'static str, &'static str);

const REFUSED: &[Case] = &[
    (
        "replicas: 2",
        "replicas: two",
        "error 7:13 Deployment web: spec.replicas: must be a whole number, and is text",
    ),
    (
        "replicas: 2",
        "replicas: -1",
        "error 7:13 Deployment web: spec.replicas: must not be negative",
    ),
    (
        "name: web",
        "name: Web",
        "error 4:9 Deployment Web: metadata.name: `Web` must be of lower-case",
    ),
    (
        "name: web",
        "nam: web",
        "error 3:1 Deployment: metadata.name is required",
    ),
    (
        "matchLabels: {app: web}",
        "matchLabels: {app: other}",
        "the pod template has `web` here",
    ),
    ("matchLabels: {app: web}", "matchLabels: {}", "an empty selector"),
    (
        "more: \"1\"",
        "more: 1",
        "error 12:32 Deployment web: spec.template.metadata.labels.more: must be text, and is a number (put it in quotes)",
    ),
    ("more: \"1\"", "more: a b", "the label's value `a b`"),
    ("more: \"1\"", "a/b/c: x", "labels[a/b/c]: the key `a/b/c`"),
    (
        "image: example.com/server:1",
        "command: [x]",
        "containers[0].image is required",
    ),
    (
        "example.com/server:1",
        "\"example.com/server: 1\"",
        "has a space in it",
    ),
    ("containerPort: 8000", "containerPort: 80000", "is no port"),
    ("name: http", "name: HTTP", "`HTTP` must be of lower-case"),
    (
        "value: m",
        "value: true",
        "env[0].value: must be text, and is a boolean",
    ),
    ("name: MODEL", "name: A=B", "printable ASCII"),
    (
        "valueFrom: {fieldRef: {fieldPath: metadata.name}}",
        "valueFrom: {}",
        "must name one source",
    ),
    (
        "memory: 10Gi",
        "memory: 10GB",
        "`10GB` is no quantity: its unit is not known",
    ),
    (
        "memory: 10Gi",
        "memory: 20Gi",
        "requests.memory: is above its limit, which is 16Gi",
    ),
    ("cpu: 4", "cpu: {}", "must be a quantity, and is a map"),
    (
        "limits: {cpu: \"4.5\", memory: 16Gi, nvidia.com/gpu: \"1\"}",
        "limits: {}",
        "requests[nvidia.com/gpu]: needs a limit",
    ),
    (
        "nvidia.com/gpu: \"1\"",
        "nvidia.com/gpu: \"2\"",
        "must equal its limit, which is 2",
    ),
    (
        "name: cache, mountPath",
        "name: cach, mountPath",
        "the pod has no volume `cach` (did you mean `cache`?)",
    ),
    (
        "volumeMounts: [",
        "volumeMounts: [{name: cache, mountPath: /cache}, ",
        "two volumes are mounted at `/cache`",
    ),
    ("emptyDir: {sizeLimit: 5Gi}", "{}", "error"),
    (
        "emptyDir: {sizeLimit: 5Gi}",
        "emptyDir: {sizeLimit: x}",
        "`x` is no quantity",
    ),
    (
        "emptyDir: {sizeLimit: 5Gi}",
        "persistentVolumeClaim: {}",
        "persistentVolumeClaim.claimName is required",
    ),
    (
        "httpGet: {path: /health, port: http}",
        "periodSeconds: 1",
        "must do one of",
    ),
    (
        "serviceAccountName: runner",
        "restartPolicy: Never",
        "`Never` is not known here",
    ),
    (
        "replicas: 2",
        "replicas: 2\n  replicas: 3",
        "error 8:13 Deployment web: spec.replicas: the same key stands above already",
    ),
    (
        "labels: {app.kubernetes.io/name: web}",
        "labels: []",
        "metadata.labels: must be a map, and is a list",
    ),
    (
        "containers:",
        "containers: {}\n      other:",
        "spec.template.spec.containers: must be a list, and is a map",
    ),
];

#[test]
fn what_an_api_server_refuses_is_an_error_at_its_place() {
    for (old, new, wanted) in REFUSED {
        let found = with(old, new);
        assert!(found.contains("error"), "{new}: {found}");
        assert!(found.contains(wanted), "{new}: {found}");
    }
}

#[test]
fn what_is_taken_but_hardly_meant_is_a_warning() {
    for (old, new, wanted) in [
        (
            "readinessProbe:",
            "readynessProbe:",
            "warning 26:27 Deployment web: spec.template.spec.containers[0].readynessProbe: there is no such field (did you mean `readinessProbe`?)",
        ),
        (
            "name: POD",
            "name: MODEL",
            "`MODEL` is set in line 20 already; the last one wins",
        ),
        (
            "port: http}",
            "port: https}",
            "the container has no port called `https`",
        ),
        (
            "apps/v1",
            "apps/v1beta1",
            "Kubernetes no longer has `apps/v1beta1` (use apps/v1)",
        ),
        (
            "kind: Deployment",
            "kind: Deploymnet",
            "`apps/v1` has no such kind (did you mean `Deployment`?)",
        ),
        (
            "apps/v1",
            "v1",
            "Kubernetes has no Deployment in `v1` (use apps/v1)",
        ),
    ] {
        let found = with(old, new);
        assert!(!found.contains("error"), "{new}: {found}");
        assert!(found.contains(wanted), "{new}: {found}");
    }
}

#[test]
fn all_that_is_wrong_is_told_in_one_pass() {
    let text = DEPLOYMENT
        .replace("replicas: 2", "replicas: two")
        .replace("memory: 10Gi", "memory: lots")
        .replace("containerPort: 8000", "containerPort: http");
    let found = told(&text);
    assert_eq!(found.lines().count(), 3, "{found}");
}

#[test]
fn kinds_have_their_own_rules() {
    for (text, wanted) in [
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {a: b}}\n",
            "spec.ports is required",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: 1s}\nspec: {ports: [{port: 80}]}\n",
            "must begin with a letter",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}, {port: 81}]}\n",
            "ports[1].name is required",
        ),
        (
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {accessModes: [RWX]}\n",
            "`RWX` is no access mode",
        ),
        (
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p}\nspec: {accessModes: [ReadWriteMany]}\n",
            "resources.requests.storage is required",
        ),
        (
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n",
            "restartPolicy is required",
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: b}, {name: a, image: c}]}\n",
            "two containers are called `a`",
        ),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: [{verbs: [get]}]\n",
            "rules[0].resources is required",
        ),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\n",
            "roleRef is required",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a/b: x}\n",
            "the key must be of letters",
        ),
        (
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n",
            "`a.b` must be",
        ),
        (
            "apiVersion: v1\nkind: Secret\n",
            "error 1:1 Secret: metadata is required",
        ),
        (
            "kind: Thing\nmetadata: {name: a}\n",
            "error 1:1 apiVersion is required",
        ),
        (
            "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: A_b}\n",
            "Thing A_b: metadata.name",
        ),
    ] {
        let found = told(text);
        assert!(found.contains("error") && found.contains(wanted), "{text}{found}");
    }
}

#[test]
fn what_is_no_object_is_only_read() {
    for text in [
        "",
        "\n",
        "# nothing\n",
        "---\n---\n",
        "releases: [{name: a}]\n",
        "- a\n",
        "kind: x\nvalues: 1\n",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a]\n",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {anything: 1}\n",
    ] {
        assert_eq!(told(text), "", "{text}");
    }
    assert!(told("just text\n").contains("must be a map or a list"));
    assert!(told("a: [1\n").contains("not valid YAML"));
    assert!(check("script.sh", "a: [1\n").is_empty());
}

#[test]
fn the_harness_pod_gets_its_name_later() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name:\nspec: {containers: [{name: a, image: b}]}\n";
    assert!(told(text).contains("metadata.name is required"));
    assert!(check("plan/s/20_harness_pod.yaml", text).is_empty());
}

#[test]
fn a_key_given_twice_is_an_error_in_an_object_and_a_warning_in_values() {
    let found = told("a:\n  b: 1\n  b: 2\n");
    assert_eq!(
        found,
        "warning 3:6 a.b: the same key stands above already; this one counts\n"
    );
    // What is wrong with the one that counts is told, and not of the other.
    let found = with("replicas: 2", "replicas: two\n  replicas: 3");
    assert!(
        found.contains("spec.replicas: the same key stands above"),
        "{found}"
    );
}

#[test]
fn an_object_is_in_a_file_once() {
    let one = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: n}\n";
    let found = told(&format!("{one}---\n{one}"));
    assert!(
        found.starts_with("error 7:18 ServiceAccount a: the same object is in line 1"),
        "{found}"
    );
    assert_eq!(
        told(&format!(
            "{one}---\n{}",
            one.replace("namespace: n", "namespace: m")
        )),
        ""
    );
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}",
        one.trim_end().replace('\n', "\n  ")
    );
    assert_eq!(told(&list), "");
    assert!(told(&list.replace("name: a", "name: A")).contains("ServiceAccount A"));
}

#[test]
fn no_finding_points_at_a_secret() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  b/c: eA==\n  n: 12\n  token: \"%%hf_abc\"\n";
    let findings = check("x.yaml", text);
    assert_eq!(findings.len(), 3, "{findings:?}");
    let shown = crate::diagnostic::render("x.yaml", text.as_bytes(), &findings, false);
    assert!(!shown.contains("hf_abc") && !shown.contains("12"), "{shown}");
}

/// All files below `folder` that end like YAML.
fn files_below(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

#[test]
#[ignore = "needs rendered plans: LLMDBENCH_TEST_RENDERED=DIR"]
fn rendered_plans_have_no_error() {
    let folder = std::env::var("LLMDBENCH_TEST_RENDERED").unwrap();
    let mut files = Vec::new();
    files_below(folder.as_ref(), &mut files);
    files.sort();
    assert!(!files.is_empty());
    let mut errors = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let findings = check(file.to_str().unwrap(), &text);
        errors += findings.iter().filter(|finding| finding.is_error()).count();
        let name = file.display().to_string();
        print!(
            "{}",
            crate::diagnostic::render(&name, text.as_bytes(), &findings, false)
        );
    }
    assert_eq!(errors, 0, "in {} files", files.len());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(300))]

    /// Whatever becomes of any line, and wherever it is cut, there is an answer and no panic.
    #[test]
    fn any_damage_is_survived(line in 0usize..32, cut in 0usize..80, word in "(\\[|\\{\\}|1|true|~|- |x: |: |!!int a|\"|)") {
        let damaged: Vec<String> = DEPLOYMENT
            .lines()
            .enumerate()
            .map(|(number, text)| if number == line { format!("{}{word}", &text[..cut.min(text.len())]) } else { text.to_owned() })
            .collect();
        for finding in check("x.yaml", &damaged.join("\n")) {
            assert!(!finding.message.is_empty());
            assert!(finding.span.line as usize <= damaged.len() + 1);
        }
    }
}
