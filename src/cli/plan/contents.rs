//! What is told of a plan, as plain data: the JSON of `--format json`, and what the overview is written from.

use super::write::folder;
use crate::experiment::Level;
use crate::plan::{FileOrigin, RenderedFile, RenderedSetup, RenderedStack, SweepPlan, get, shape};
use crate::workspace::Instance;
use crate::yaml;
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// A plan.
#[derive(Debug, Serialize)]
pub(super) struct Contents {
    pub(super) spec: String,
    pub(super) base_dir: String,
    /// The experiment's name, of a plan with one.
    pub(super) experiment: Option<String>,
    /// Where it was written.
    pub(super) folder: PathBuf,
    pub(super) warnings: Vec<String>,
    pub(super) setup_treatments: Vec<Setup>,
}

/// A setup treatment.
#[derive(Debug, Serialize)]
pub(super) struct Setup {
    pub(super) name: String,
    /// Its factors with their values.
    pub(super) levels: Map<String, Value>,
    pub(super) folder: PathBuf,
    pub(super) stacks: Vec<Stack>,
}

/// A stack, as it would be deployed.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Stack {
    pub(super) name: String,
    pub(super) method: Option<&'static str>,
    pub(super) model: Option<String>,
    pub(super) servers: Vec<Server>,
    pub(super) namespace: Option<String>,
    pub(super) harness_namespace: Option<String>,
    pub(super) gateway_class: Option<String>,
    pub(super) router_plugins: Option<String>,
    pub(super) images: Vec<String>,
    pub(super) files: Vec<File>,
    pub(super) helm_releases: Vec<Release>,
    pub(super) unresolved: Vec<Unresolved>,
    pub(super) warnings: Vec<String>,
}

/// Servers of one role.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Server {
    pub(super) role: &'static str,
    pub(super) replicas: u32,
    pub(super) tensor_parallelism: u32,
    pub(super) data_parallelism: u32,
}

/// A rendered file with something in it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct File {
    pub(super) name: String,
    /// Where its template came from.
    pub(super) template: FileOrigin,
    /// `Deployment/vllm`, of every object in it.
    pub(super) objects: Vec<String>,
}

/// A release that helmfile installs.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Release {
    pub(super) name: String,
    pub(super) chart: String,
    pub(super) version: Option<String>,
}

/// What only a cluster or a registry knows.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Unresolved {
    pub(super) path: String,
    pub(super) why: String,
}

impl Contents {
    /// What there is to tell of `plan`, which lies in `instance`, and of the first setup treatments, those in `rendered`.
    pub(super) fn of<'a>(
        plan: &SweepPlan,
        rendered: impl Iterator<Item = &'a RenderedSetup>,
        instance: &Instance,
    ) -> Self {
        let experiment = (!plan.experiment_file.name.is_empty()).then(|| plan.experiment.clone());
        let by_treatment = experiment.is_some();
        let setups = plan.setups.iter().zip(rendered);
        Self {
            spec: plan.spec.name.clone(),
            base_dir: plan.spec.base_dir.root(),
            experiment,
            folder: instance.path().to_owned(),
            warnings: plan.warnings.iter().map(|w| w.finding.message.clone()).collect(),
            setup_treatments: setups
                .map(|(setup, rendered)| Setup {
                    name: setup.name.clone(),
                    levels: levels(&setup.levels),
                    folder: folder(instance, &setup.name, by_treatment),
                    stacks: rendered
                        .stacks
                        .iter()
                        .map(|stack| Stack::of(plan, stack))
                        .collect(),
                })
                .collect(),
        }
    }
}

fn levels(levels: &[Level]) -> Map<String, Value> {
    levels
        .iter()
        .map(|level| (level.factor.clone(), level.value.clone().into()))
        .collect()
}

impl Stack {
    fn of(plan: &SweepPlan, stack: &RenderedStack) -> Self {
        let config = &stack.resolved.config;
        let text = |path: &[&str]| {
            get(config, path)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let shape = shape::of(config).ok();
        let documents: Vec<(&RenderedFile, Vec<Value>)> = stack
            .files
            .iter()
            .filter(|file| !file.text.trim().is_empty())
            .map(|file| (file, yaml::documents(&file.text).unwrap_or_default()))
            .collect();
        let all = || documents.iter().flat_map(|(_, documents)| documents);
        let routed = shape
            .as_ref()
            .is_some_and(|shape| shape.method == shape::Method::Modelservice);
        Self {
            name: stack.name.clone(),
            method: shape.as_ref().map(|shape| shape.method.name()),
            model: shape.as_ref().map(|shape| shape.model.clone()),
            servers: shape
                .iter()
                .flat_map(|shape| &shape.roles)
                .map(Server::of)
                .collect(),
            namespace: text(&["namespace", "name"]),
            harness_namespace: text(&["harness", "namespace"]).or_else(|| text(&["namespace", "name"])),
            gateway_class: text(&["gateway", "className"]).filter(|_| routed),
            router_plugins: shape.as_ref().and_then(|shape| shape.plugin_config.clone()),
            images: images(all()),
            files: documents
                .iter()
                .filter(|(_, documents)| documents.iter().any(|document| !document.is_null()))
                .map(|(file, documents)| File {
                    name: file.name.clone(),
                    template: FileOrigin::of(&file.template, &plan.spec.base_dir),
                    objects: documents.iter().filter_map(object).collect(),
                })
                .collect(),
            helm_releases: all().flat_map(releases).collect(),
            unresolved: stack
                .resolved
                .unresolved
                .iter()
                .map(|open| Unresolved {
                    path: open.path.clone(),
                    why: open.why.clone(),
                })
                .collect(),
            warnings: stack
                .resolved
                .warnings
                .iter()
                .chain(&stack.warnings)
                .map(|remark| remark.finding.message.clone())
                .collect(),
        }
    }
}

impl Server {
    fn of(role: &shape::Role) -> Self {
        Self {
            role: role.name,
            replicas: role.replicas,
            tensor_parallelism: role.tensor_parallelism,
            data_parallelism: role.data_parallelism,
        }
    }
}

/// `Deployment/vllm`, where a document is an object of Kubernetes.
fn object(document: &Value) -> Option<String> {
    let kind = document.get("kind")?.as_str()?;
    document.get("apiVersion")?.as_str()?;
    let name = get(document, &["metadata", "name"]).and_then(Value::as_str);
    Some(name.map_or_else(|| kind.to_owned(), |name| format!("{kind}/{name}")))
}

/// The releases of a helmfile.
fn releases(document: &Value) -> Vec<Release> {
    let text = |release: &Value, key: &str| release.get(key)?.as_str().map(str::to_owned);
    let is_object = document.get("kind").is_some();
    let releases = document.get("releases").filter(|_| !is_object);
    let releases = releases.and_then(Value::as_array).map(Vec::as_slice);
    releases
        .unwrap_or_default()
        .iter()
        .filter_map(|release| {
            Some(Release {
                name: text(release, "name")?,
                chart: text(release, "chart")?,
                version: text(release, "version"),
            })
        })
        .collect()
}

/// Every image that is named anywhere, in the order in which they first are.
fn images<'a>(documents: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut found = Vec::new();
    for document in documents {
        collect_images(document, &mut found);
    }
    found
}

fn collect_images(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match image(value).filter(|_| key == "image") {
                    Some(image) if !found.contains(&image) => found.push(image),
                    Some(_) => {}
                    None => collect_images(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect_images(value, found)),
        _ => {}
    }
}

/// An image as a text, or as charts take it: registry, repository and tag.
fn image(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let part = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let registry = part("registry")
        .map(|registry| format!("{registry}/"))
        .unwrap_or_default();
    Some(format!("{registry}{}:{}", part("repository")?, part("tag")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn images_are_found_however_they_are_written() {
        let document = json!({
            "spec": {"containers": [{"image": "a:1"}, {"image": "a:1"}, {"image": ""}]},
            "router": {"epp": {"image": {"registry": "r.io", "repository": "epp", "tag": "2", "pullPolicy": "Always"}}},
            "images": {"image": {"repository": "no-tag"}},
        });
        assert_eq!(images(std::iter::once(&document)), ["a:1", "r.io/epp:2"]);
    }

    #[test]
    fn objects_and_releases_are_told_apart() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "releases": [{"name": "x", "chart": "y"}]});
        assert_eq!(object(&pod).as_deref(), Some("Pod/p"));
        assert_eq!(releases(&pod), []);
        let helmfile = json!({"releases": [{"name": "router", "chart": "oci://c", "version": "v1"}, {"chart": "nameless"}]});
        assert_eq!(object(&helmfile), None);
        let found = releases(&helmfile);
        assert_eq!((found.len(), found[0].version.as_deref()), (1, Some("v1")));
    }
}
