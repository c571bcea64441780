//! What all objects have in common: kind, name, namespace, labels, annotations.

use super::cursor::Cursor;
use super::decode::decode;
use super::names;
use crate::yaml::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Most bytes of all annotations of an object together.
const ANNOTATIONS: usize = 256 * 1024;

/// Which object a document is.
pub(super) struct Identity<'a> {
    pub(super) api_version: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) namespace: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// The identity of a document that has an `apiVersion` and a `kind`, as text.
    pub(super) fn of(root: &'a Node) -> Option<Self> {
        let metadata = |key: &str| root.get("metadata")?.get(key)?.as_str();
        Some(Self {
            api_version: root.get("apiVersion")?.as_str()?,
            kind: root.get("kind")?.as_str()?,
            name: metadata("name"),
            namespace: metadata("namespace"),
        })
    }

    /// `Deployment web`.
    pub(super) fn shown(&self) -> String {
        match self.name {
            Some(name) => format!("{} {name}", self.kind),
            None => self.kind.to_owned(),
        }
    }
}

/// Check a map that is no object; of one that was meant as an object, say what it lacks.
pub(super) fn without_identity(root: &Cursor<'_>) {
    let (version, kind) = (root.node.get("apiVersion"), root.node.get("kind"));
    if root.node.get("metadata").is_none() || (version.is_none() && kind.is_none()) {
        return;
    }
    for name in ["apiVersion", "kind"] {
        match root.get(name) {
            None => root.lacks(name),
            Some(value) if value.node.as_str().is_none() => {
                value.error(format!("must be text, and is {}", value.node.kind_name()));
            }
            Some(_) => {}
        }
    }
}

/// Check an object whose kind is not known. Not all such documents go to an API server (kustomizations, configs of a
/// program), and those have no metadata.
pub(super) fn unknown_kind(root: &Cursor<'_>) {
    if let Some(metadata) = root.get("metadata") {
        decode::<ObjectMeta>(&metadata);
        metadata_of(root, names::dns_subdomain);
    }
}

/// Check the metadata of `root`, which must be there, with `rule` for the name.
pub(super) fn metadata_of(root: &Cursor<'_>, rule: fn(&str) -> Result<(), &'static str>) {
    let Some(metadata) = root.get("metadata") else {
        root.lacks("metadata");
        return;
    };
    match metadata.get("name") {
        Some(name) => named(&name, rule),
        None if metadata.get("generateName").is_some() => {}
        None if root.may_be_unnamed() && metadata.node.get("name").is_some() => {}
        None => metadata.lacks("name"),
    }
    if let Some(namespace) = metadata.get("namespace") {
        named(&namespace, names::dns_label);
    }
    labels_and_annotations(&metadata);
}

/// Check the labels and annotations of some metadata, also of a pod template's.
pub(super) fn labels_and_annotations(metadata: &Cursor<'_>) {
    if let Some(map) = metadata.get("labels") {
        labels(&map);
    }
    let Some(annotations) = metadata.get("annotations") else {
        return;
    };
    let mut size = 0;
    for field in annotations.fields() {
        // Upper case is taken in the prefix of an annotation, for old times' sake.
        key(&field, &field.name().to_lowercase());
        size += field.name().len() + field.node.raw().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        annotations.error(format!(
            "annotations take {size} bytes, and {ANNOTATIONS} is the most"
        ));
    }
}

/// Check a map of labels, or of labels to select by.
pub(super) fn labels(map: &Cursor<'_>) {
    for field in map.fields() {
        key(&field, field.name());
        if let Some(value) = field.node.as_str()
            && let Err(why) = names::label_value(value)
        {
            field.error(format!("the label's value `{value}` {why}"));
        }
    }
}

fn key(field: &Cursor<'_>, name: &str) {
    if let Err(why) = names::label_key(name) {
        field.error(format!("the key `{name}` {why}"));
    }
}

/// Check that the text at `cursor` keeps to `rule`. What is no text was told of by the type.
pub(super) fn named(cursor: &Cursor<'_>, rule: fn(&str) -> Result<(), &'static str>) {
    if let Some(name) = cursor.node.as_str()
        && let Err(why) = rule(name)
    {
        cursor.error(format!("`{name}` {why}"));
    }
}

/// Check that the text at `key` is one of `known`, where it is there.
pub(super) fn one_of(cursor: &Cursor<'_>, key: &str, known: &[&str]) {
    if let Some(value) = cursor.get(key)
        && let Some(text) = value.node.as_str()
        && !known.contains(&text)
    {
        let known = known.join(", ");
        value.error_with_help(format!("`{text}` is not known here"), format!("one of {known}"));
    }
}

/// Check that the map at `cursor` has `key`, and that it is neither null nor empty text.
pub(super) fn required(cursor: &Cursor<'_>, key: &str) {
    if cursor
        .get(key)
        .is_none_or(|value| value.node.as_str() == Some(""))
    {
        cursor.lacks(key);
    }
}
