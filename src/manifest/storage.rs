//! Claims, volumes, and the data of config maps and secrets.

use super::cursor::Cursor;
use super::object::{named, one_of};
use super::{names, quantity};

/// Most bytes of the data of a config map or a secret.
const DATA: usize = 1024 * 1024;
const ACCESS_MODES: [&str; 4] = [
    "ReadWriteOnce",
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOncePod",
];

pub(super) fn claim(root: &Cursor<'_>) {
    match root.get("spec") {
        Some(spec) => claim_spec(&spec),
        None => root.lacks("spec"),
    }
}

/// Check what is claimed, also by a template of a set of pods.
pub(super) fn claim_spec(spec: &Cursor<'_>) {
    access_modes(spec);
    one_of(spec, "volumeMode", &["Filesystem", "Block"]);
    if let Some(class) = spec
        .get("storageClassName")
        .filter(|class| class.node.as_str() != Some(""))
    {
        named(&class, names::dns_subdomain);
    }
    let resources = spec.get("resources");
    let requests = resources.as_ref().and_then(|resources| resources.get("requests"));
    match requests.as_ref().and_then(|requests| requests.get("storage")) {
        Some(storage) => positive(&storage),
        None => spec.lacks("resources.requests.storage"),
    }
}

pub(super) fn volume(root: &Cursor<'_>) {
    /// What stands in a volume's spec beside its source.
    const OTHERS: [&str; 8] = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeMode",
    ];
    let Some(spec) = root.get("spec") else {
        root.lacks("spec");
        return;
    };
    access_modes(&spec);
    match spec
        .get("capacity")
        .as_ref()
        .and_then(|capacity| capacity.get("storage"))
    {
        Some(storage) => positive(&storage),
        None => spec.lacks("capacity.storage"),
    }
    let sources = spec
        .fields()
        .filter(|field| !OTHERS.contains(&field.name()) && field.name() != "volumeAttributesClassName");
    match sources.count() {
        0 => spec.error("says nowhere where the volume lies (`hostPath`, `nfs`, `csi`, …)"),
        1 => {}
        _ => spec.error("says more than once where the volume lies"),
    }
}

fn access_modes(spec: &Cursor<'_>) {
    let Some(modes) = spec.get("accessModes") else {
        spec.lacks("accessModes");
        return;
    };
    if modes.node.items().is_some_and(<[_]>::is_empty) {
        modes.error("at least one access mode is required");
    }
    for mode in modes.items() {
        let text = mode.node.as_str().unwrap_or_default();
        if !ACCESS_MODES.contains(&text) {
            let known = ACCESS_MODES.join(", ");
            mode.error_with_help(format!("`{text}` is no access mode"), format!("one of {known}"));
        }
    }
}

fn positive(storage: &Cursor<'_>) {
    let size = storage.node.raw().and_then(|raw| quantity::parse(raw).ok());
    if size.is_some_and(|size| size <= 0.0) {
        storage.error("must be more than 0");
    }
}

pub(super) fn config_map(root: &Cursor<'_>) {
    data(root, ["data", "binaryData"]);
}

pub(super) fn secret(root: &Cursor<'_>) {
    data(root, ["data", "stringData"]);
}

fn data(root: &Cursor<'_>, parts: [&str; 2]) {
    let mut size = 0;
    for map in parts.iter().filter_map(|part| root.get(part)) {
        for field in map.fields() {
            size += field.node.raw().map_or(0, str::len);
            if let Err(why) = names::data_key(field.name()) {
                field.error(format!("the key {why}"));
            }
        }
    }
    if size > DATA {
        root.error(format!("the data takes {size} bytes, and {DATA} is the most"));
    }
    // Of a secret the text replaces the encoded value; of a config map the two exclude each other.
    if let [text, "binaryData"] = parts
        && let (Some(text), Some(binary)) = (root.get(text), root.get("binaryData"))
    {
        for field in binary
            .fields()
            .filter(|field| text.node.get(field.name()).is_some())
        {
            field.error("the same key is in `data` as well");
        }
    }
}
