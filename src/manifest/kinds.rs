//! The kinds of objects that Kubernetes itself has, each with its type and its rules.

use super::cursor::Cursor;
use super::decode::decode;
use super::object::{self, Identity};
use super::{access, names, storage, workload};
use crate::experiment::did_you_mean;
use k8s_openapi::Resource;
use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling, batch::v1 as batch,
    coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
    networking::v1 as networking, node::v1 as node, policy::v1 as policy, rbac::v1 as rbac,
    resource::v1 as resource, scheduling::v1 as scheduling, storage::v1 as storage_api,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;

/// A rule about the names of a kind.
type NameRule = fn(&str) -> Result<(), &'static str>;

/// One kind.
struct Known {
    api_version: &'static str,
    kind: &'static str,
    decode: fn(&Cursor<'_>),
    name: NameRule,
    rules: fn(&Cursor<'_>),
}

const fn kind<T: Resource + serde::de::DeserializeOwned>(name: NameRule, rules: fn(&Cursor<'_>)) -> Known {
    Known {
        api_version: T::API_VERSION,
        kind: T::KIND,
        decode: decode::<T>,
        name,
        rules,
    }
}

/// A kind that has no rules beyond its type.
const fn plain<T: Resource + serde::de::DeserializeOwned>() -> Known {
    kind::<T>(names::dns_subdomain, |_| {})
}

const SUBDOMAIN: NameRule = names::dns_subdomain;
const LABEL: NameRule = names::dns_label;
const SEGMENT: NameRule = names::path_segment;

static KNOWN: [Known; 44] = [
    kind::<core::Pod>(SUBDOMAIN, workload::pod),
    kind::<core::Service>(names::service_name, workload::service),
    kind::<core::ConfigMap>(SUBDOMAIN, storage::config_map),
    kind::<core::Secret>(SUBDOMAIN, storage::secret),
    kind::<core::Namespace>(LABEL, |_| {}),
    kind::<core::PersistentVolumeClaim>(SUBDOMAIN, storage::claim),
    kind::<core::PersistentVolume>(SUBDOMAIN, storage::volume),
    kind::<core::ReplicationController>(SUBDOMAIN, workload::replication_controller),
    plain::<core::ServiceAccount>(),
    plain::<core::Endpoints>(),
    plain::<core::Event>(),
    plain::<core::LimitRange>(),
    plain::<core::Node>(),
    plain::<core::PodTemplate>(),
    plain::<core::ResourceQuota>(),
    kind::<apps::Deployment>(SUBDOMAIN, workload::deployment),
    kind::<apps::StatefulSet>(SUBDOMAIN, workload::stateful_set),
    kind::<apps::DaemonSet>(SUBDOMAIN, workload::deployment),
    kind::<apps::ReplicaSet>(SUBDOMAIN, workload::deployment),
    plain::<apps::ControllerRevision>(),
    kind::<batch::Job>(LABEL, workload::job),
    kind::<batch::CronJob>(SUBDOMAIN, workload::cron_job),
    kind::<rbac::Role>(SEGMENT, access::role),
    kind::<rbac::ClusterRole>(SEGMENT, access::cluster_role),
    kind::<rbac::RoleBinding>(SEGMENT, access::binding),
    kind::<rbac::ClusterRoleBinding>(SEGMENT, access::cluster_binding),
    plain::<networking::Ingress>(),
    plain::<networking::IngressClass>(),
    plain::<networking::NetworkPolicy>(),
    plain::<policy::PodDisruptionBudget>(),
    plain::<autoscaling::v1::HorizontalPodAutoscaler>(),
    kind::<autoscaling::v2::HorizontalPodAutoscaler>(SUBDOMAIN, workload::autoscaler),
    plain::<storage_api::StorageClass>(),
    plain::<storage_api::CSIDriver>(),
    plain::<storage_api::VolumeAttachment>(),
    plain::<scheduling::PriorityClass>(),
    plain::<node::RuntimeClass>(),
    plain::<coordination::Lease>(),
    plain::<discovery::EndpointSlice>(),
    plain::<admission::ValidatingWebhookConfiguration>(),
    plain::<admission::MutatingWebhookConfiguration>(),
    plain::<resource::ResourceClaim>(),
    plain::<resource::ResourceClaimTemplate>(),
    plain::<extensions::CustomResourceDefinition>(),
];

/// API versions all of whose kinds that one would deploy are in [`KNOWN`].
const COMPLETE: [&str; 5] = [
    "v1",
    "apps/v1",
    "batch/v1",
    "rbac.authorization.k8s.io/v1",
    "autoscaling/v2",
];

/// Versions that Kubernetes had once and no longer has.
const GONE: [(&str, &str); 10] = [
    ("extensions/v1beta1", "apps/v1 or networking.k8s.io/v1"),
    ("apps/v1beta1", "apps/v1"),
    ("apps/v1beta2", "apps/v1"),
    ("batch/v1beta1", "batch/v1"),
    ("policy/v1beta1", "policy/v1"),
    ("autoscaling/v2beta1", "autoscaling/v2"),
    ("autoscaling/v2beta2", "autoscaling/v2"),
    ("networking.k8s.io/v1beta1", "networking.k8s.io/v1"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "rbac.authorization.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1"),
];

/// Check the object at `root`.
pub(super) fn check(root: &Cursor<'_>, identity: &Identity<'_>) {
    let (version, kind) = (identity.api_version, identity.kind);
    let known = KNOWN
        .iter()
        .find(|known| known.kind == kind && known.api_version == version);
    if let Some(known) = known {
        (known.decode)(root);
        object::metadata_of(root, known.name);
        (known.rules)(root);
        return;
    }
    object::unknown_kind(root);
    let (Some(at_version), Some(at_kind)) = (root.get("apiVersion"), root.get("kind")) else {
        return;
    };
    if let Some((_, now)) = GONE.iter().find(|(gone, _)| *gone == version) {
        at_version.warning_with_help(
            format!("Kubernetes no longer has `{version}`"),
            format!("use {now}"),
        );
    } else if let Some(other) = KNOWN
        .iter()
        .find(|known| known.kind == kind && same_group(known.api_version, version))
    {
        at_version.warning_with_help(
            format!("Kubernetes has no {kind} in `{version}`"),
            format!("use {}", other.api_version),
        );
    } else if COMPLETE.contains(&version) {
        let kinds = KNOWN.iter().filter(|known| known.api_version == version);
        let hint = did_you_mean(kind, kinds.map(|known| known.kind));
        let what = format!("`{version}` has no such kind");
        match hint {
            Some(hint) => at_kind.warning_with_help(what, hint),
            None => at_kind.warning(what),
        }
    }
}

/// Whether two API versions are of one group of Kubernetes' own; a group of another project may reuse a kind's name.
fn same_group(known: &str, written: &str) -> bool {
    let group = |version: &str| {
        version
            .rsplit_once('/')
            .map_or(String::new(), |(group, _)| group.to_owned())
    };
    let own = |group: &str| group.is_empty() || !group.contains('.') || group.ends_with(".k8s.io");
    group(known) == group(written)
        || (own(&group(written)) && matches!(written, "v1" | "apps/v1" | "batch/v1"))
}
