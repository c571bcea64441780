//! A plan in lines for people: the first setup treatment in full, the others by what is different about them.

use super::contents::{Contents, Setup, Stack};
use super::in_one_line;
use crate::plan::{Change, RenderedSetup, difference};
use crate::text::sanitize;
use std::fmt::Write as _;

/// Values that are told of a setup treatment that differs.
const MOST_CHANGES: usize = 12;
/// Setup treatments after the first that are told of.
const MOST_SETUPS: usize = 40;
/// Characters of a value that are told.
const MOST_SHOWN: usize = 60;
/// Width of the names before values.
const LABEL: usize = 12;

/// The overview. Everything from files is clean for a terminal.
pub(super) fn text(contents: &Contents, rendered: &[RenderedSetup], color: bool) -> String {
    let mut page = Page {
        text: String::new(),
        color,
        said: contents.warnings.clone(),
    };
    page.value(0, "spec", &format!("{} ({})", contents.spec, contents.base_dir));
    if let Some(experiment) = &contents.experiment {
        let count = rendered.len();
        let plural = if count == 1 { "" } else { "s" };
        page.value(
            0,
            "experiment",
            &format!("{experiment}, {count} setup treatment{plural}"),
        );
    }
    if let Some(first) = contents.setup_treatments.first() {
        page.setup(first, contents.experiment.is_some());
    }
    if let Some((first, others)) = rendered.split_first() {
        for setup in others.iter().take(MOST_SETUPS) {
            page.other(&setup.setup, &first.setup, &changes(first, setup));
        }
    }
    let total = rendered.len().saturating_sub(1);
    if total > MOST_SETUPS {
        page.line(0, &format!("… and {} more setup treatments", total - MOST_SETUPS));
    }
    page.line(0, "");
    page.value(0, "written to", &contents.folder.display().to_string());
    page.text
}

/// What differs between the configs of two setup treatments, with the stack where there are several, and how many files.
fn changes(base: &RenderedSetup, other: &RenderedSetup) -> (Vec<(String, Change)>, usize) {
    let mut found = Vec::new();
    let mut files = 0;
    let several = base.stacks.len() > 1;
    for (a, b) in base.stacks.iter().zip(&other.stacks) {
        for change in difference(&a.shown_config(), &b.shown_config()) {
            let place = if several {
                format!("{}: ", a.name)
            } else {
                String::new()
            };
            found.push((place, change));
        }
        files += a
            .files
            .iter()
            .zip(&b.files)
            .filter(|(a, b)| a.text != b.text)
            .count();
    }
    (found, files)
}

struct Page {
    text: String,
    color: bool,
    /// Warnings that stderr has already.
    said: Vec<String>,
}

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{:indent$}{}", "", sanitize(text), indent = depth * 2);
    }

    fn title(&mut self, depth: usize, text: &str) {
        let (on, off) = if self.color {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        let _ = writeln!(
            self.text,
            "{:indent$}{on}{}{off}",
            "",
            sanitize(text),
            indent = depth * 2
        );
    }

    fn value(&mut self, depth: usize, label: &str, value: &str) {
        let (on, off) = if self.color {
            ("\x1b[2m", "\x1b[0m")
        } else {
            ("", "")
        };
        let _ = writeln!(
            self.text,
            "{:indent$}{on}{label:<LABEL$}{off} {}",
            "",
            sanitize(value),
            indent = depth * 2
        );
    }

    /// Several values under one label.
    fn values(&mut self, depth: usize, label: &str, values: impl IntoIterator<Item = String>) {
        for (index, value) in values.into_iter().enumerate() {
            self.value(depth, if index == 0 { label } else { "" }, &value);
        }
    }

    fn setup(&mut self, setup: &Setup, named: bool) {
        self.line(0, "");
        if named {
            self.title(0, &format!("setup treatment {}", setup.name));
        }
        for stack in &setup.stacks {
            self.title(usize::from(named), &format!("stack {}", stack.name));
            self.stack(usize::from(named) + 1, stack);
        }
    }

    fn stack(&mut self, depth: usize, stack: &Stack) {
        let optional = [
            ("method", stack.method.map(str::to_owned)),
            ("model", stack.model.clone()),
            ("servers", servers(stack)),
            ("namespace", stack.namespace.clone()),
            (
                "harness in",
                stack
                    .harness_namespace
                    .clone()
                    .filter(|name| Some(name) != stack.namespace.as_ref()),
            ),
            ("gateway", stack.gateway_class.clone()),
            ("plugins", stack.router_plugins.clone()),
        ];
        for (label, value) in optional {
            if let Some(value) = value {
                self.value(depth, label, &value);
            }
        }
        self.values(depth, "images", stack.images.iter().cloned());
        let releases = stack.helm_releases.iter().map(|release| {
            let version = release.version.as_deref().unwrap_or("newest");
            format!("{} from {} {version}", release.name, release.chart)
        });
        self.values(depth, "releases", releases);
        let files = stack.files.iter().map(|file| match file.objects.as_slice() {
            [] => file.name.clone(),
            objects => format!("{}: {}", file.name, objects.join(", ")),
        });
        self.values(depth, "files", files);
        let sides: Vec<&str> = stack.files.iter().map(|file| file.template.side).collect();
        if sides.contains(&"embedded") && sides.contains(&"external") {
            let filled = stack.files.iter().filter(|file| file.template.side == "embedded");
            let names: Vec<&str> = filled.map(|file| file.name.as_str()).collect();
            self.value(
                depth,
                "embedded",
                &format!("the base dir lacks the templates of {}", names.join(", ")),
            );
        }
        let open = stack
            .unresolved
            .iter()
            .map(|open| format!("{}: {}", open.path, open.why));
        self.values(depth, "unresolved", open);
        let said = std::mem::take(&mut self.said);
        let more = stack.warnings.iter().filter(|warning| !said.contains(warning));
        self.values(depth, "warnings", more.cloned());
        self.said = said;
    }

    /// A setup treatment that is told by what is different about it.
    fn other(&mut self, setup: &str, first: &str, (changes, files): &(Vec<(String, Change)>, usize)) {
        self.line(0, "");
        self.title(0, &format!("setup treatment {setup}"));
        if changes.is_empty() {
            self.line(1, &format!("deploys the same as {first}"));
            return;
        }
        let plural =
            |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let count = format!(
            "{} and {}",
            plural(changes.len(), "value"),
            plural(*files, "file")
        );
        self.line(1, &format!("differs from {first} in {count}"));
        for (stack, change) in changes.iter().take(MOST_CHANGES) {
            self.line(2, &format!("{stack}{}", told(change)));
        }
        if changes.len() > MOST_CHANGES {
            self.line(
                2,
                &format!(
                    "… and {} more; --diff {first} {setup}",
                    changes.len() - MOST_CHANGES
                ),
            );
        }
    }
}

/// `decode.replicas: 1 → 2`
fn told(change: &Change) -> String {
    let side = |value: &Option<serde_json::Value>| match value {
        None => "nothing".to_owned(),
        Some(value) => shortened(&in_one_line(value)),
    };
    format!(
        "{}: {} → {}",
        change.path,
        side(&change.before),
        side(&change.after)
    )
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `4 × prefill with TP 1, 1 × decode with TP 4: 8 accelerators`
fn servers(stack: &Stack) -> Option<String> {
    let words: Vec<String> = stack
        .servers
        .iter()
        .map(|server| {
            let data = match server.data_parallelism {
                1 => String::new(),
                engines => format!(" and DP {engines}"),
            };
            format!(
                "{} × {} with TP {}{data}",
                server.replicas, server.role, server.tensor_parallelism
            )
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}
