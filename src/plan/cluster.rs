//! What a cluster offers, as plain data. Whoever can reach one asks it; plans only read the answer.

use std::collections::{BTreeMap, BTreeSet};

/// Resources by which nodes offer accelerators.
const ACCELERATORS: [&str; 7] = [
    "nvidia.com/gpu",
    "amd.com/gpu",
    "habana.ai/gaudi",
    "google.com/tpu",
    "intel.com/gpu",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
];
/// Names of the same devices, the one to prefer first.
const INTEL: [&str; 3] = ["gpu.intel.com/xe", "gpu.intel.com/i915", "intel.com/gpu"];
/// Resources by which nodes offer a fast network.
const NETWORKS: [&str; 5] = [
    "nvidia.com/hostdev",
    "rdma/hca_shared_devices_a",
    "rdma/ib",
    "rdma/rdma_shared_device_a",
    "rdma/roce_gdr",
];
/// Labels that name a model of accelerator, though they follow no vendor's convention.
const CLOUD_LABEL: &str = "cloud.google.com/gke-accelerator";
const NVIDIA_CLASS: &str = "gpu.nvidia.com/class";
/// Last parts of labels that name a model of accelerator, the most exact one first.
const ATTRIBUTES: [&str; 4] = ["product", "product-name", "family", "class"];

/// A cluster, as far as a plan knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cluster {
    /// Nobody asked one.
    #[default]
    NotAsked,
    /// One was asked and gave no answer, for this reason.
    Silent(String),
    /// What it offers.
    Known(ClusterFacts),
}

/// What a cluster offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterFacts {
    /// Its nodes.
    pub nodes: Vec<NodeFacts>,
    /// Drivers that hand devices out by claims.
    pub drivers: BTreeSet<String>,
}

/// What a node offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeFacts {
    /// Resources and how much of them it has, as quantities.
    pub capacity: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The accelerators of a cluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Accelerators<'a> {
    /// A resource that nodes have.
    Resource(&'a str),
    /// A driver that takes claims.
    Driver(&'a str),
    /// Several kinds: somebody has to choose.
    Several(Vec<&'a str>),
    /// None that we know.
    None,
}

impl ClusterFacts {
    /// Resources of `known` of which some node has any, sorted.
    fn offered(&self, known: &[&'static str]) -> Vec<&'static str> {
        let has = |name: &str| {
            let of_node = |node: &NodeFacts| {
                node.capacity
                    .get(name)
                    .is_some_and(|count| !matches!(count.as_str(), "" | "0"))
            };
            self.nodes.iter().any(of_node)
        };
        let mut found: Vec<&str> = known.iter().copied().filter(|name| has(name)).collect();
        found.sort_unstable();
        found
    }

    /// What to ask for to get an accelerator.
    pub(super) fn accelerators(&self) -> Accelerators<'_> {
        let offered = self.offered(&ACCELERATORS);
        let drivers: Vec<&str> = self.drivers.iter().map(String::as_str).collect();
        match (offered.as_slice(), drivers.as_slice()) {
            ([one], _) => Accelerators::Resource(one),
            ([], [driver]) => Accelerators::Driver(driver),
            ([], []) => Accelerators::None,
            ([], _) => Accelerators::Several(drivers),
            (several, _) => {
                let preferred = INTEL.iter().find(|name| several.contains(name));
                match preferred.filter(|_| several.iter().all(|name| INTEL.contains(name))) {
                    Some(name) => Accelerators::Resource(name),
                    None => Accelerators::Several(offered),
                }
            }
        }
    }

    /// The fast network nodes offer; the first by name where there are several.
    pub(super) fn network(&self) -> Option<&'static str> {
        self.offered(&NETWORKS).first().copied()
    }

    /// The label by which nodes tell their model of accelerator, and its value; the first by name where there are several.
    pub(super) fn model_label(&self) -> Option<(&str, &str)> {
        let offered = self.offered(&ACCELERATORS);
        let vendors: Vec<&str> = offered
            .iter()
            .filter_map(|name| name.split_once('/'))
            .map(|(vendor, _)| vendor)
            .collect();
        let rank = |key: &str| -> Option<usize> {
            let attribute = key.rsplit('/').next()?.rsplit('.').next()?;
            let of_vendor = key
                .split_once('/')
                .is_some_and(|(vendor, _)| vendors.contains(&vendor));
            match key {
                CLOUD_LABEL => Some(0),
                NVIDIA_CLASS => Some(ATTRIBUTES.len()),
                _ if of_vendor => ATTRIBUTES
                    .iter()
                    .position(|name| *name == attribute)
                    .map(|at| at + 1),
                _ => None,
            }
        };
        self.nodes
            .iter()
            .flat_map(|node| &node.labels)
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(key, value)| Some((rank(key)?, key.as_str(), value.as_str())))
            .min()
            .map(|(_, key, value)| (key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resources (eight of each, or `name=count`), and labels.
    type Offers<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

    fn facts(nodes: &[Offers], drivers: &[&str]) -> ClusterFacts {
        ClusterFacts {
            nodes: nodes
                .iter()
                .map(|(resources, labels)| NodeFacts {
                    capacity: resources
                        .iter()
                        .map(|name| name.split_once('=').unwrap_or((name, "8")))
                        .map(|(name, count)| (name.to_owned(), count.to_owned()))
                        .collect(),
                    labels: labels
                        .iter()
                        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                        .collect(),
                })
                .collect(),
            drivers: drivers.iter().map(|driver| (*driver).to_owned()).collect(),
        }
    }

    #[test]
    fn accelerators_are_told_by_what_nodes_have() {
        let of = |resources: &[&str], drivers: &[&str]| {
            format!("{:?}", facts(&[(resources, &[])], drivers).accelerators())
        };
        assert_eq!(of(&["cpu", "amd.com/gpu"], &["d"]), r#"Resource("amd.com/gpu")"#);
        assert_eq!(
            of(&["nvidia.com/gpu=0"], &["gpu.intel.com"]),
            r#"Driver("gpu.intel.com")"#
        );
        assert_eq!(of(&["cpu"], &[]), "None");
        assert_eq!(
            of(&["intel.com/gpu", "gpu.intel.com/i915"], &[]),
            r#"Resource("gpu.intel.com/i915")"#
        );
        assert_eq!(
            of(&["nvidia.com/gpu", "amd.com/gpu"], &[]),
            r#"Several(["amd.com/gpu", "nvidia.com/gpu"])"#
        );
        assert_eq!(of(&[], &["a", "b"]), r#"Several(["a", "b"])"#);
    }

    #[test]
    fn the_most_exact_label_tells_the_model() {
        let with = |labels: &[(&str, &str)]| {
            let facts = facts(
                &[
                    (&["nvidia.com/gpu"], labels),
                    (&["cpu"], &[("nvidia.com/gpu.product", "A")]),
                ],
                &[],
            );
            facts.model_label().map(|(key, value)| format!("{key}={value}"))
        };
        let product = Some("nvidia.com/gpu.product=A".to_owned());
        assert_eq!(with(&[]), product);
        assert_eq!(with(&[("nvidia.com/gpu.product", "B")]), product);
        assert_eq!(
            with(&[("nvidia.com/gpu.family", "F"), ("gpu.nvidia.com/class", "C")]),
            product
        );
        assert_eq!(
            with(&[("cloud.google.com/gke-accelerator", "t4")]),
            Some("cloud.google.com/gke-accelerator=t4".to_owned())
        );
        let foreign = facts(
            &[(&["cpu"], &[("nvidia.com/gpu.product", "A"), ("x/y.product", "B")])],
            &[],
        );
        assert_eq!(
            foreign.model_label(),
            None,
            "labels of vendors whose devices nobody has"
        );
        let class = facts(&[(&["cpu"], &[("gpu.nvidia.com/class", "H100")])], &[]);
        assert_eq!(class.model_label(), Some(("gpu.nvidia.com/class", "H100")));
    }

    #[test]
    fn the_first_network_is_taken() {
        assert_eq!(
            facts(&[(&["rdma/roce_gdr", "rdma/ib"], &[])], &[]).network(),
            Some("rdma/ib")
        );
        assert_eq!(facts(&[(&["cpu"], &[])], &[]).network(), None);
    }
}
