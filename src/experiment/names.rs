//! Names of treatments: unique in the design, and safe as names of files and folders.

use crate::diagnostic::{Finding, Findings, Span};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Longest name in characters; folders and files add to it and have 255 bytes.
const LONGEST: usize = 120;

/// The names given so far on one side of the design.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: HashMap<String, Span>,
    /// Names given by the file in lower case, because some file systems do not tell cases apart.
    lower: HashMap<String, String>,
    /// For a wanted name, the next number to try.
    next: HashMap<String, usize>,
}

impl Names {
    /// Take a name that the file gives; a second use is reported.
    pub(super) fn take(&mut self, name: &str, span: Span, findings: &mut Findings) {
        if let Some(first) = self.used.get(name) {
            let message = format!("the name `{name}` is used twice, first in line {}", first.line);
            findings.push(Finding::error(span, message).with_help("give each treatment a name of its own"));
            return;
        }
        self.used.insert(name.to_owned(), span);
        if let Some(other) = self.lower.insert(name.to_lowercase(), name.to_owned()) {
            let message = format!("the names `{other}` and `{name}` differ only in case");
            let help = "where file names ignore case (macOS) they would share a folder; choose another name";
            findings.push(Finding::warning(span, message).with_help(help));
        }
    }

    /// Take `wanted`, or with `_2`, `_3`, … where it is taken.
    pub(super) fn take_free(&mut self, wanted: &str, span: Span) -> String {
        let wanted = shortened(wanted);
        let mut name = wanted.clone();
        if self.used.contains_key(&wanted) {
            let number = self.next.entry(wanted.clone()).or_insert(2);
            while self.used.contains_key(&name) {
                name = format!("{wanted}_{number}");
                *number += 1;
            }
        }
        self.used.insert(name.clone(), span);
        name
    }
}

/// A long generated name, cut and told apart by a hash of the whole.
fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let mut hash = String::new();
    for byte in Sha256::digest(name.as_bytes()).iter().take(4) {
        let _ = write!(hash, "{byte:02x}");
    }
    let start: String = name.chars().take(LONGEST - 9).collect();
    format!("{start}_{hash}")
}

/// The old tool's rule: every run of other characters than letters and digits becomes one `_`.
pub(super) fn plain_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    name
}

/// Whether a name from the file can name a folder; if not, that is reported.
pub(super) fn is_safe_name(name: &str, span: Span, findings: &mut Findings) -> bool {
    let mut help = "use letters, digits, `-`, `_` and `.`";
    let problem = if name.trim().is_empty() {
        "a treatment needs a name that is not empty".to_owned()
    } else if name.chars().any(char::is_control) {
        format!("the name `{}` holds a control character", name.escape_debug())
    } else if name.contains(['/', '\\']) || matches!(name, "." | "..") {
        format!("the name `{name}` would lead out of its folder")
    } else if name.chars().count() > LONGEST {
        help = "shorten it; folders and files are named after it";
        format!("the name has more than {LONGEST} characters")
    } else {
        return true;
    };
    findings.push(Finding::error(span, problem).with_help(help));
    false
}

/// Whether the name of a profile or harness stays in its folder; if not, that is reported.
pub(super) fn is_inside(what: &str, name: &str, span: Span, findings: &mut Findings) -> bool {
    let outside = name.starts_with(['/', '~'])
        || name.contains('\\')
        || name
            .split('/')
            .any(|part| part == ".." || part == "." || part.is_empty());
    let problem = if name.is_empty() {
        format!("the {what} is empty")
    } else if name.chars().any(char::is_control) {
        format!("the {what} `{}` holds a control character", name.escape_debug())
    } else if outside {
        format!("the {what} `{name}` would lead out of its folder")
    } else {
        return true;
    };
    findings.push(Finding::error(span, problem).with_help(format!("give the {what} by its name alone")));
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn generated_names_follow_the_old_rule() {
        assert_eq!(
            plain_name("setup_modelservice,NA,NA,6,2,1,4"),
            "setup_modelservice_NA_NA_6_2_1_4"
        );
        assert_eq!(plain_name("run_a, b--c"), "run_a_b_c");
        let mut names = Names::default();
        assert_eq!(names.take_free("a", Span::default()), "a");
        assert_eq!(names.take_free("a", Span::default()), "a_2");
        assert_eq!(names.take_free("a", Span::default()), "a_3");
        let long = names.take_free(&"x".repeat(300), Span::default());
        let other = names.take_free(&"x".repeat(301), Span::default());
        assert_eq!(long.len(), LONGEST);
        assert_ne!(long, other);
    }

    #[test]
    fn names_that_differ_only_in_case_are_told() {
        let mut findings = Findings::default();
        let mut names = Names::default();
        for name in ["a", "b", "A"] {
            names.take(name, Span::default(), &mut findings);
        }
        assert_eq!(findings.errors(), 0);
        let told: Vec<String> = findings
            .into_sorted()
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert_eq!(told, ["the names `a` and `A` differ only in case"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let safe = |name: &str| is_safe_name(name, Span::default(), &mut Findings::default());
        for good in ["a", "ms-d1xTP8", "größe", "a b", "v1.2", "..."] {
            assert!(safe(good), "{good}");
        }
        for bad in ["", " ", "..", ".", "a/b", "../x", "a\\b", "a\u{1b}b", "a\nb"] {
            assert!(!safe(bad), "{bad:?}");
        }
        let inside = |name: &str| is_inside("profile", name, Span::default(), &mut Findings::default());
        assert!(inside("a.yaml") && inside("sub/a.yaml"));
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "~/a",
            "a\\b",
            "a//b",
            "a\u{7}",
        ] {
            assert!(!inside(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn names_stay_unique_whatever_is_asked_for(wanted in proptest::collection::vec("[ab_2]{0,4}", 0..40)) {
            let mut names = Names::default();
            let got: std::collections::HashSet<_> = wanted.iter().map(|w| names.take_free(w, Span::default())).collect();
            prop_assert_eq!(got.len(), wanted.len());
        }
    }
}
