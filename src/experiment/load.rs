//! The one linter: from the bytes of an experiment file to its design and all there is to say about it.

use super::design::{Design, Dialect, ExperimentInfo, RetryPolicy, RunTreatment, SetupTreatment};
use super::find::Source;
use super::names::is_inside;
use super::nearest::did_you_mean;
use super::parameter::{Side, Treatment};
use super::{factor, treatment};
use crate::diagnostic::{Finding, Findings, Span};
use crate::yaml::{self, Limits, Node};
use std::num::NonZeroU32;

/// Most treatments on one side of a design.
pub const MOST_TREATMENTS: usize = 10_000;
/// Most cells of a design.
pub const MOST_CELLS: usize = 4_000_000;

const ROOT_KEYS: [&str; 10] = [
    "experiment",
    "design",
    "setup",
    "constants",
    "treatments",
    "run",
    "reset_caches",
    "treatment_max_attempts",
    "treatment_stop_on_error",
    "validate_failures",
];
const EXPERIMENT_KEYS: [&str; 5] = ["name", "description", "harness", "profile", "datasetUrl"];

/// Where findings about a file as a whole point to.
const START: Span = Span {
    line: 1,
    column: 1,
    width: 1,
};

/// What came of an experiment file.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The design; `None` exactly where there is an error among the findings.
    pub design: Option<Design>,
    /// Everything the linter has to say, in the order of the file.
    pub findings: Vec<Finding>,
}

/// Read and check an experiment file of either dialect.
pub fn load(source: &Source) -> Loaded {
    let parsed = yaml::parse(&source.text, Limits::default());
    let mut findings = Findings::default();
    let readable = !parsed.findings.iter().any(Finding::is_error);
    findings.extend(parsed.findings);
    let design = match &parsed.root {
        Some(root) => read_root(root, source, &mut findings),
        None if readable => {
            let finding = Finding::error(START, "the file is empty");
            findings.push(finding.with_help("an experiment has `setup` or run `treatments`"));
            None
        }
        None => None,
    };
    let design = design.filter(|_| findings.errors() == 0);
    Loaded {
        design,
        findings: findings.into_sorted(),
    }
}

fn read_root(root: &Node, source: &Source, findings: &mut Findings) -> Option<Design> {
    let Some(pairs) = root.pairs() else {
        let message = format!(
            "an experiment file must be a map, and this is {}",
            root.kind_name()
        );
        findings.push(Finding::error(root.span, message).with_help("begin with `setup:` or `treatments:`"));
        return None;
    };
    report_unknown_keys(pairs, &ROOT_KEYS, "the file", findings);
    let experiment = read_info(root, source, findings);
    let policy = read_policy(root, findings);
    let dialect = dialect(root, findings);
    let (setups, runs) = match dialect {
        Dialect::Factor => (
            factor_side(root, Side::Setup, findings),
            factor_side(root, Side::Run, findings),
        ),
        Dialect::Treatment => (setup_treatments(root, findings), run_treatments(root, findings)),
    };
    if !setups.in_file && !runs.in_file {
        let finding = Finding::error(root.span, "the file has neither setup nor run treatments");
        findings.push(finding.with_help("add `setup:` with treatments, or `treatments:` for the workload"));
    }
    let cells = setups.treatments.len().saturating_mul(runs.treatments.len());
    if cells > MOST_CELLS {
        let message = format!("the design has {cells} cells; at most {MOST_CELLS} are possible");
        findings.push(
            Finding::error(root.span, message).with_help("leave treatments out, or split the experiment"),
        );
    }
    Some(Design {
        experiment,
        dialect,
        setups: setups.treatments.into_iter().map(as_setup).collect(),
        runs: runs.treatments.into_iter().map(as_run).collect(),
        policy,
    })
}

/// One side of the design.
struct SideRead {
    treatments: Vec<Treatment>,
    /// Whether the file says something about this side; if not, the one treatment is the default.
    in_file: bool,
}

impl SideRead {
    fn of(treatments: Vec<Treatment>) -> Self {
        Self {
            treatments,
            in_file: true,
        }
    }

    fn absent() -> Self {
        let treatment = Treatment {
            name: "default".to_owned(),
            profile: None,
            levels: Vec::new(),
            overrides: Vec::new(),
            span: Span::default(),
        };
        Self {
            treatments: vec![treatment],
            in_file: false,
        }
    }
}

fn as_setup(treatment: Treatment) -> SetupTreatment {
    SetupTreatment {
        name: treatment.name,
        levels: treatment.levels,
        overrides: treatment.overrides,
        span: treatment.span,
    }
}

fn as_run(treatment: Treatment) -> RunTreatment {
    RunTreatment {
        name: treatment.name,
        profile: treatment.profile,
        levels: treatment.levels,
        overrides: treatment.overrides,
        span: treatment.span,
    }
}

/// A key and its value, unless the value is null.
fn entry<'n>(root: &'n Node, key: &str) -> Option<(&'n Node, &'n Node)> {
    let (name, value) = root.pairs()?.iter().find(|(name, _)| name.raw() == Some(key))?;
    (!value.is_null()).then_some((name, value))
}

fn factor_side(root: &Node, side: Side, findings: &mut Findings) -> SideRead {
    match entry(root, side.word()) {
        Some((key, section)) => SideRead::of(factor::read(section, key, side, findings)),
        None => SideRead::absent(),
    }
}

fn setup_treatments(root: &Node, findings: &mut Findings) -> SideRead {
    match entry(root, "setup") {
        Some((key, section)) => SideRead::of(treatment::read_section(section, key, Side::Setup, findings)),
        None => SideRead::absent(),
    }
}

fn run_treatments(root: &Node, findings: &mut Findings) -> SideRead {
    let constants = root.get("constants");
    let (main, other) = (entry(root, "treatments"), entry(root, "run"));
    if let (Some(_), Some((key, _))) = (main, other) {
        findings.push(
            Finding::warning(key.span, "`run` is ignored, because there are `treatments` too")
                .with_help("keep one of the two"),
        );
    }
    if let (None, Some((key, section))) = (main, other)
        && section.pairs().is_some()
    {
        return SideRead::of(treatment::read_section(section, key, Side::Run, findings));
    }
    if let Some((key, list)) = main.or(other) {
        return SideRead::of(treatment::read(
            constants,
            Some(list),
            key.span,
            Side::Run,
            findings,
        ));
    }
    // `treatments:` without a value is a slip, not the absence of a workload.
    let named = |key: &Node| matches!(key.raw(), Some("treatments" | "run"));
    if let Some((key, _)) = root.pairs().into_iter().flatten().find(|(key, _)| named(key)) {
        let finding = Finding::error(key.span, "the treatments are empty");
        findings.push(finding.with_help("list at least one, or remove the key"));
        return SideRead::absent();
    }
    match entry(root, "constants") {
        // Constants alone are no design, but they act on the one default run of a setup sweep.
        Some((key, constants)) => SideRead {
            treatments: treatment::read(Some(constants), None, key.span, Side::Run, findings),
            in_file: false,
        },
        None => SideRead::absent(),
    }
}

/// The language of the file; a mixture is reported.
fn dialect(root: &Node, findings: &mut Findings) -> Dialect {
    let mut found: Option<(Dialect, &str)> = None;
    for key in ["setup", "run", "treatments", "constants"] {
        let Some((name, section)) = entry(root, key) else {
            continue;
        };
        let Some(this) = dialect_of(key, section) else {
            continue;
        };
        match found {
            Some((other, first)) if other != this => {
                let message = format!("`{key}` is written in another dialect than `{first}`");
                let help = "factors, levels and comma-separated treatments do not mix with lists of maps; write both sides alike";
                findings.push(Finding::error(name.span, message).with_help(help));
            }
            Some(_) => {}
            None => found = Some((this, key)),
        }
    }
    found.map_or(Dialect::Treatment, |(dialect, _)| dialect)
}

fn dialect_of(key: &str, section: &Node) -> Option<Dialect> {
    let of_list = |list: &Node| match list.items()?.first() {
        Some(first) if first.raw().is_some() => Some(Dialect::Factor),
        Some(_) => Some(Dialect::Treatment),
        None => None,
    };
    match key {
        "treatments" | "constants" => Some(Dialect::Treatment),
        _ if section.items().is_some() => Some(Dialect::Treatment),
        _ if section.get("factors").is_some() || section.get("levels").is_some() => Some(Dialect::Factor),
        _ => section
            .get("treatments")
            .and_then(|treatments| match treatments.pairs() {
                Some(_) => Some(Dialect::Factor),
                None => of_list(treatments),
            })
            .or_else(|| {
                section
                    .get("constants")
                    .and_then(Node::items)
                    .map(|_| Dialect::Factor)
            }),
    }
}

/// A warning for each key that nothing reads.
pub(super) fn report_unknown_keys(
    pairs: &[(Node, Node)],
    known: &[&str],
    place: &str,
    findings: &mut Findings,
) {
    for (key, _) in pairs {
        let name = key.raw().unwrap_or_default();
        if known.contains(&name) {
            continue;
        }
        let finding = Finding::warning(
            key.span,
            format!("unknown key `{name}` in {place}; it is ignored"),
        );
        findings.push(match did_you_mean(name, known.iter().copied()) {
            Some(help) => finding.with_help(help),
            None => finding.with_help(format!("known keys are {}", known.join(", "))),
        });
    }
}

fn read_info(root: &Node, source: &Source, findings: &mut Findings) -> ExperimentInfo {
    let mut info = ExperimentInfo {
        name: source.stem.clone(),
        ..ExperimentInfo::default()
    };
    let Some((_, section)) = entry(root, "experiment") else {
        return info;
    };
    let Some(pairs) = section.pairs() else {
        let message = format!("`experiment` must be a map, and is {}", section.kind_name());
        findings.push(
            Finding::error(section.span, message)
                .with_help(format!("its keys are {}", EXPERIMENT_KEYS.join(", "))),
        );
        return info;
    };
    report_unknown_keys(pairs, &EXPERIMENT_KEYS, "experiment", findings);
    if let Some(name) = text(section, "name", findings) {
        info.name = name;
    }
    info.description = text(section, "description", findings);
    info.dataset_url = text(section, "datasetUrl", findings);
    for (key, target) in [("harness", &mut info.harness), ("profile", &mut info.profile)] {
        let span = section.get(key).map_or(section.span, |node| node.span);
        *target = text(section, key, findings).filter(|name| is_inside(key, name, span, findings));
    }
    info
}

/// The text of a key; other scalars count as their text.
fn text(section: &Node, key: &str, findings: &mut Findings) -> Option<String> {
    let (_, node) = entry(section, key)?;
    let Some(text) = node.raw() else {
        let message = format!("`{key}` must be text, and is {}", node.kind_name());
        findings.push(Finding::error(node.span, message).with_help("write a single value"));
        return None;
    };
    if text.chars().any(|c| c.is_control() && c != '\n') {
        let finding = Finding::error(node.span, format!("`{key}` holds a control character"));
        findings.push(finding.with_help("remove it"));
        return None;
    }
    Some(text.to_owned())
}

fn read_policy(root: &Node, findings: &mut Findings) -> RetryPolicy {
    let mut policy = RetryPolicy {
        reset_caches: flag(root, "reset_caches", findings),
        treatment_stop_on_error: flag(root, "treatment_stop_on_error", findings),
        validate_failures: flag(root, "validate_failures", findings),
        ..RetryPolicy::default()
    };
    if let Some((_, node)) = entry(root, "treatment_max_attempts") {
        let number = node
            .to_value()
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .and_then(NonZeroU32::new);
        if let Some(attempts) = number {
            policy.treatment_max_attempts = attempts;
        } else {
            let finding = Finding::error(
                node.span,
                "`treatment_max_attempts` must be a whole number from 1",
            );
            findings.push(finding.with_help("1 means no retry"));
        }
    }
    policy
}

fn flag(root: &Node, key: &str, findings: &mut Findings) -> bool {
    let Some((_, node)) = entry(root, key) else {
        return false;
    };
    node.to_value().as_bool().unwrap_or_else(|| {
        let message = format!("`{key}` must be true or false, and is {}", node.kind_name());
        findings.push(Finding::error(node.span, message).with_help("write true or false"));
        false
    })
}
