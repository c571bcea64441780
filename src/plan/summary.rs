//! A plan in words, for `--dry-run` and for the log.

use super::base_dir::BaseDir;
use super::shape::{Role, StackShape};
use super::sweep::SweepPlan;
use std::fmt::Write;

/// Rows and columns that are listed before the rest is only counted.
const LISTED: usize = 40;

impl SweepPlan {
    /// What would be run, in lines for the operator. Names come from files: sanitize before a terminal.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{label:<12}{value}");
        };
        line("experiment", self.experiment.clone());
        line("spec", format!("{} ({})", self.spec.name, self.spec.base_dir));
        line("stack", self.stack.clone());
        let simulated = if self.simulated { ", SIMULATED" } else { "" };
        line("platform", format!("{}{simulated}", self.platform.name()));
        line("harness", format!("{} × {}", self.harness, self.parallelism));
        line("profile", format!("{}{}", self.profile, self.about_profile()));
        line(
            "cells",
            format!(
                "{} setup × {} run = {}",
                self.setups.len(),
                self.runs.len(),
                self.setups.len() * self.runs.len()
            ),
        );
        line("setups", String::new());
        list(
            &mut text,
            self.setups.iter().map(|s| (s.name.as_str(), s.shape.to_string())),
            self.setups.len(),
        );
        let _ = writeln!(text, "runs");
        list(
            &mut text,
            self.runs
                .iter()
                .map(|r| (r.name.as_str(), r.profile_name.clone())),
            self.runs.len(),
        );
        text
    }
}

impl SweepPlan {
    /// What is not as one would expect about the profile: whose it is, and where it came from.
    fn about_profile(&self) -> String {
        let mut notes = Vec::new();
        if self.harness != self.profile_harness {
            notes.push(format!("a profile of {}", self.profile_harness));
        }
        let embedded = BaseDir::Embedded.root();
        if let Some(profile) = self.profiles.first()
            && self.spec.base_dir != BaseDir::Embedded
            && profile.template.name.starts_with(&embedded)
        {
            notes.push("embedded: the base dir has none".to_owned());
        }
        if notes.is_empty() {
            String::new()
        } else {
            format!(" ({})", notes.join("; "))
        }
    }
}

fn list<'a>(text: &mut String, rows: impl Iterator<Item = (&'a str, String)>, count: usize) {
    let rows: Vec<(&str, String)> = rows.take(LISTED).collect();
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, what) in &rows {
        let _ = writeln!(text, "  {name:<width$}  {what}");
    }
    if count > rows.len() {
        let _ = writeln!(text, "  … and {} more", count - rows.len());
    }
}

/// `modelservice: 6 prefill × 2, 1 decode × 4, default`
impl std::fmt::Display for StackShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.method.name())?;
        for (index, role) in self.roles.iter().enumerate() {
            write!(f, "{} {role}", if index == 0 { ":" } else { "," })?;
        }
        if let Some(plugins) = &self.plugin_config {
            write!(f, ", {plugins}")?;
        }
        write!(f, ", {}", self.model)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} × TP {}",
            self.replicas, self.name, self.tensor_parallelism
        )?;
        match self.data_parallelism {
            1 => Ok(()),
            engines => write!(f, " DP {engines}"),
        }
    }
}
