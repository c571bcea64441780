//! Roles and bindings.

use super::cursor::Cursor;
use super::object::{one_of, required};

pub(super) fn role(root: &Cursor<'_>) {
    let Some(rules) = root.get("rules") else { return };
    for rule in rules.items() {
        verbs_and_resources(&rule);
        if let Some(urls) = rule.get("nonResourceURLs") {
            urls.error("only a ClusterRole may name URLs");
        }
    }
}

pub(super) fn cluster_role(root: &Cursor<'_>) {
    let Some(rules) = root.get("rules") else { return };
    for rule in rules.items() {
        verbs_and_resources(&rule);
    }
}

fn verbs_and_resources(rule: &Cursor<'_>) {
    let empty = |key: &str| {
        rule.get(key)
            .is_none_or(|list| list.node.items().is_some_and(<[_]>::is_empty))
    };
    if empty("verbs") {
        rule.lacks("verbs");
    }
    if empty("nonResourceURLs") {
        for key in ["apiGroups", "resources"] {
            if empty(key) {
                rule.lacks(key);
            }
        }
    }
}

pub(super) fn binding(root: &Cursor<'_>) {
    bound(root, false);
}

pub(super) fn cluster_binding(root: &Cursor<'_>) {
    bound(root, true);
}

fn bound(root: &Cursor<'_>, cluster: bool) {
    match root.get("roleRef") {
        Some(reference) => {
            required(&reference, "name");
            required(&reference, "kind");
            one_of(
                &reference,
                "kind",
                if cluster {
                    &["ClusterRole"]
                } else {
                    &["Role", "ClusterRole"]
                },
            );
            one_of(&reference, "apiGroup", &["rbac.authorization.k8s.io"]);
        }
        None => root.lacks("roleRef"),
    }
    let Some(subjects) = root.get("subjects") else {
        return;
    };
    for subject in subjects.items() {
        required(&subject, "kind");
        required(&subject, "name");
        one_of(&subject, "kind", &["ServiceAccount", "User", "Group"]);
        if cluster && subject.text("kind") == Some("ServiceAccount") {
            required(&subject, "namespace");
        }
    }
}
