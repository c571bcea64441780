//! Kubernetes: what plans want to know of a cluster before anything is deployed on it.
//!
//! A cluster is found as kubectl finds it: the file that is named, else those of `KUBECONFIG`, else `~/.kube/config`, else
//! the service account of the pod we run in.

use crate::plan::{ClusterFacts, NodeFacts};
use crate::text::redact;
use k8s_openapi::api::core::v1::Node;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::client::AuthError;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// How long a plan waits for a cluster, all in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long of that for the drivers of devices.
const PATIENCE_WITH_DRIVERS: Duration = Duration::from_secs(3);
/// Objects of one answer.
const PAGE: u32 = 500;
/// The group of devices that drivers hand out, and its versions, the newest first.
const DEVICES: &str = "resource.k8s.io";
const VERSIONS: [&str; 3] = ["v1", "v1beta2", "v1beta1"];

/// Why a cluster gave no answer. Texts say nothing that stands in a kubeconfig but names and paths.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// There is no cluster to ask.
    #[error("there is no kubeconfig")]
    NoCluster,
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
    /// Whoever hands out credentials did not.
    #[error("the credentials of the kubeconfig cannot be had: {0}")]
    Credentials(&'static str),
    /// The cluster refuses.
    #[error("the cluster refuses to list its nodes: {0}")]
    Refused(String),
    /// The cluster cannot be reached.
    #[error("the cluster cannot be reached: {0}")]
    Unreachable(String),
    /// The cluster does not answer in time.
    #[error("the cluster did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
}

/// What the cluster of `kubeconfig` (or the one that kubectl would take) offers.
///
/// Asked on a thread of its own: a program that hands out credentials may block, and is left behind when it takes too
/// long.
pub fn facts(kubeconfig: Option<PathBuf>) -> Result<ClusterFacts, FactsError> {
    let (sender, receiver) = mpsc::channel();
    let unreachable = |error: std::io::Error| FactsError::Unreachable(error.to_string());
    std::thread::Builder::new()
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let answer = runtime
                .map_err(unreachable)
                .and_then(|runtime| runtime.block_on(ask(kubeconfig.as_deref())));
            // Nobody listens any more if it took too long.
            let _ = sender.send(answer);
        })
        .map_err(unreachable)?;
    receiver
        .recv_timeout(PATIENCE)
        .map_err(|_| FactsError::TimedOut)?
}

async fn ask(kubeconfig: Option<&Path>) -> Result<ClusterFacts, FactsError> {
    let client = Client::try_from(config(kubeconfig).await?).map_err(|error| failed(&error))?;
    let nodes = list(&Api::<Node>::all(client.clone()))
        .await
        .map_err(|error| match error {
            kube::Error::Api(status) => FactsError::Refused(redact(&status.message).into_owned()),
            error => failed(&error),
        })?;
    // Nodes are worth more than drivers that do not answer.
    let drivers = tokio::time::timeout(PATIENCE_WITH_DRIVERS, drivers(&client)).await;
    Ok(ClusterFacts {
        nodes: nodes.into_iter().map(node).collect(),
        drivers: drivers.unwrap_or_default(),
    })
}

async fn config(named: Option<&Path>) -> Result<Config, FactsError> {
    let unusable = |error: &KubeconfigError| FactsError::Kubeconfig(reason(error));
    let kubeconfig = match named {
        Some(path) => Kubeconfig::read_from(path).map_err(|error| unusable(&error))?,
        None => match Kubeconfig::read() {
            Ok(kubeconfig) => kubeconfig,
            Err(KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath) => {
                return Config::incluster().map_err(|_| FactsError::NoCluster);
            }
            Err(error) => return Err(unusable(&error)),
        },
    };
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(&error))
}

/// Why a kubeconfig cannot be used, in words of ours: the client's own may quote lines of the file.
fn reason(error: &KubeconfigError) -> String {
    let text = match error {
        KubeconfigError::ReadConfig(error, path) => return format!("{}: {error}", path.display()),
        KubeconfigError::LoadContext(name) => return format!("it has no context {name}"),
        KubeconfigError::LoadClusterOfContext(name) => {
            return format!("the cluster of the context {name} is missing");
        }
        KubeconfigError::CurrentContextNotSet => "it has no current context",
        KubeconfigError::Parse(_) => "it is no YAML, or no kubeconfig",
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            "the cluster's address is missing or malformed"
        }
        KubeconfigError::ParseProxyUrl(_) => "the proxy's address is malformed",
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            "the cluster's certificate authority cannot be loaded"
        }
        KubeconfigError::LoadClientCertificate(_) => "the client's certificate cannot be loaded",
        KubeconfigError::LoadClientKey(_) => "the client's key cannot be loaded",
        _ => "its parts do not fit together",
    };
    text.to_owned()
}

/// Why a question failed. What programs that hand out credentials say, and how they are called, may hold secrets.
fn failed(error: &kube::Error) -> FactsError {
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    let mut layer = Some(innermost);
    while let Some(error) = layer {
        if let Some(error) = error.downcast_ref::<AuthError>() {
            return FactsError::Credentials(credentials(error));
        }
        innermost = error;
        layer = error.source();
    }
    FactsError::Unreachable(redact(&innermost.to_string()).into_owned())
}

fn credentials(error: &AuthError) -> &'static str {
    match error {
        AuthError::AuthExecStart(_) => "the program that hands them out cannot be started",
        AuthError::AuthExecRun { .. } => "the program that hands them out failed",
        AuthError::AuthExecParse(_) | AuthError::AuthExec(_) | AuthError::ExecPluginFailed => {
            "the program that hands them out answered with something else"
        }
        AuthError::ReadTokenFile(..) => "the file of the token cannot be read",
        _ => "they are incomplete or malformed",
    }
}

/// All objects, page by page.
async fn list<K>(api: &Api<K>) -> Result<Vec<K>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut found = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let answer = api.list(&page).await?;
        found.extend(answer.items);
        match answer.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(found),
        }
    }
}

fn node(node: Node) -> NodeFacts {
    let capacity = node.status.and_then(|status| status.capacity).unwrap_or_default();
    NodeFacts {
        capacity: capacity
            .into_iter()
            .map(|(name, count)| (name, count.0))
            .collect(),
        labels: node.metadata.labels.unwrap_or_default(),
    }
}

/// Drivers that hand out devices. A cluster without them, or one that does not let us look, has none.
async fn drivers(client: &Client) -> BTreeSet<String> {
    for version in VERSIONS {
        let kind = GroupVersionKind::gvk(DEVICES, version, "ResourceSlice");
        let resource = ApiResource::from_gvk_with_plural(&kind, "resourceslices");
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
        if let Ok(slices) = list(&api).await {
            let driver = |slice: &DynamicObject| {
                let driver = slice.data.get("spec")?.get("driver")?.as_str()?;
                (!driver.is_empty()).then(|| driver.to_owned())
            };
            return slices.iter().filter_map(driver).collect();
        }
    }
    BTreeSet::new()
}
