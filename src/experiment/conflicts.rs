//! Overrides of one treatment that cannot both hold.

use super::design::{Override, OverrideTarget, PathSegment};
use super::path::format_path;
use crate::diagnostic::{Finding, Findings, Span};
use std::collections::{HashMap, HashSet};

/// Reports each conflict once, however many treatments share it.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    reported: HashSet<(Span, Span)>,
    /// Where all treatments set the same factors: the pairs reported already.
    factors: Option<HashSet<(String, String)>>,
}

impl Conflicts {
    /// For treatments that all set the same factors, so that the first one stands for all.
    pub(super) fn of_factors() -> Self {
        Self {
            factors: Some(HashSet::new()),
            ..Self::default()
        }
    }

    /// Report overrides of one treatment that set the same place, or a place and something inside it.
    pub(super) fn check(&mut self, overrides: &[Override], findings: &mut Findings) {
        let mut paths: Vec<(Vec<&str>, &Override)> = overrides
            .iter()
            .filter_map(|item| Some((place(&item.target)?, item)))
            .collect();
        // Sorted, a path stands right before the paths inside it.
        paths.sort_by(|(a, _), (b, _)| a.cmp(b));
        for pair in paths.windows(2) {
            if let [(outer, first), (inner, second)] = pair
                && inner.starts_with(outer)
            {
                self.report(first, second, findings);
            }
        }
        let mut bare: HashMap<&str, &Override> = HashMap::new();
        for item in overrides {
            if let OverrideTarget::EveryKey(name) = &item.target
                && let Some(other) = bare.insert(name, item)
            {
                self.report(other, item, findings);
            }
        }
        for (path, item) in &paths {
            if let Some(other) = path.last().and_then(|name| bare.get(name)) {
                self.report(other, item, findings);
            }
        }
    }

    fn report(&mut self, a: &Override, b: &Override, findings: &mut Findings) {
        let (first, second) = if a.span <= b.span { (a, b) } else { (b, a) };
        if !self.reported.insert((first.span, second.span)) {
            return;
        }
        let (one, two) = (describe(&first.target), describe(&second.target));
        if let Some(factors) = &mut self.factors
            && !factors.insert((one.clone(), two.clone()))
        {
            return;
        }
        let message = if one == two {
            format!("`{two}` is set twice, also in line {}", first.span.line)
        } else {
            format!(
                "`{two}` cannot be set together with `{one}` of line {}",
                first.span.line
            )
        };
        findings.push(Finding::error(second.span, message).with_help("keep one of the two"));
    }
}

fn place(target: &OverrideTarget) -> Option<Vec<&str>> {
    match target {
        OverrideTarget::Path(path) | OverrideTarget::Known(path) => {
            Some(path.iter().map(PathSegment::text).collect())
        }
        OverrideTarget::EveryKey(_) => None,
    }
}

/// An override's target as a user would write it.
pub(super) fn describe(target: &OverrideTarget) -> String {
    match target {
        OverrideTarget::Path(path) | OverrideTarget::Known(path) => format_path(path),
        OverrideTarget::EveryKey(name) => name.clone(),
    }
}
