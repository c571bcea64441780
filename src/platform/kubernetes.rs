//! Kubernetes: what plans want to know of a cluster before anything is deployed on it.
//!
//! A cluster is found as kubectl finds it: the file that is named, else those of `KUBECONFIG`, else `~/.kube/config`, else
//! the service account of the pod we run in.

use crate::plan::{ClusterFacts, NodeFacts};
use crate::text::redact;
use k8s_openapi::api::core::v1::Node;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::error::Error as _;
use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

/// How long a plan waits for a cluster, all in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// Objects of one answer.
const PAGE: u32 = 500;
/// The group of devices that drivers hand out, and its versions, the newest first.
const DEVICES: &str = "resource.k8s.io";
const VERSIONS: [&str; 3] = ["v1", "v1beta2", "v1beta1"];

/// Why a cluster gave no answer. Texts hold no secrets of a kubeconfig.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// There is no cluster to ask.
    #[error("there is no kubeconfig: {0}")]
    NoCluster(String),
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
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
pub async fn facts(kubeconfig: Option<&Path>) -> Result<ClusterFacts, FactsError> {
    tokio::time::timeout(PATIENCE, ask(kubeconfig))
        .await
        .map_err(|_| FactsError::TimedOut)?
}

async fn ask(kubeconfig: Option<&Path>) -> Result<ClusterFacts, FactsError> {
    let client = Client::try_from(config(kubeconfig).await?).map_err(|error| unreachable(&error))?;
    let nodes = list(&Api::<Node>::all(client.clone()))
        .await
        .map_err(|error| match error {
            kube::Error::Api(status) => FactsError::Refused(redact(&status.message).into_owned()),
            error => unreachable(&error),
        })?;
    Ok(ClusterFacts {
        nodes: nodes.into_iter().map(node).collect(),
        drivers: drivers(&client).await,
    })
}

async fn config(named: Option<&Path>) -> Result<Config, FactsError> {
    let unusable = |error: &KubeconfigError| FactsError::Kubeconfig(told(error));
    let kubeconfig = match named {
        Some(path) => Kubeconfig::read_from(path).map_err(|error| unusable(&error))?,
        None => match Kubeconfig::read() {
            Ok(kubeconfig) => kubeconfig,
            Err(error @ (KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath)) => {
                return Config::incluster().map_err(|_| FactsError::NoCluster(told(&error)));
            }
            Err(error) => return Err(unusable(&error)),
        },
    };
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(&error))
}

/// An error with what is behind it, without secrets.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    redact(&text).into_owned()
}

fn unreachable(error: &kube::Error) -> FactsError {
    // The outermost layer only says that a service failed.
    let inner = error.source().map(told);
    FactsError::Unreachable(inner.unwrap_or_else(|| told(error)))
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
            let driver =
                |slice: &DynamicObject| Some(slice.data.get("spec")?.get("driver")?.as_str()?.to_owned());
            return slices.iter().filter_map(driver).collect();
        }
    }
    BTreeSet::new()
}
