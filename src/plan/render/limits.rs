//! What a template may look like. minijinja reads some chains (`not not not …`, `{% elif %}`) by recursion, so their
//! length is bounded before it sees them; what a template may do is bounded by fuel.

use super::source::span;
use super::tags::tags;
use crate::diagnostic::{Finding, Span};

/// The reference's largest template has 45 kB.
pub(super) const MAX_TEMPLATE: usize = 1 << 20;
/// The reference's longest tag has a few hundred bytes.
const MAX_TAG: usize = 16 << 10;
/// Signs of addition in one tag. minijinja adds lists lazily up to 32 times and then copies them; a tag stays below, and
/// between tags the sums are made out (see `rewrite`).
const MAX_SUMS: usize = 31;
/// Alternatives in one template; each is nested in the one before it.
const MAX_ALTERNATIVES: usize = 1_000;

/// What is too much in `template`.
pub(super) fn check(template: &str) -> Option<Finding> {
    if template.len() > MAX_TEMPLATE {
        let message = format!("the template is larger than {} MiB", MAX_TEMPLATE >> 20);
        return Some(Finding::error(Span::default(), message));
    }
    let mut alternatives = 0;
    for tag in tags(template) {
        let at = || span(template, tag.inside.start, tag.inside.start + 1);
        if tag.inside.len() > MAX_TAG {
            let message = format!("the tag that begins here is longer than {} KiB", MAX_TAG >> 10);
            return Some(Finding::error(at(), message).with_help("is its end missing?"));
        }
        let inside = template.get(tag.inside.clone()).unwrap_or_default();
        if inside.matches('+').count() > MAX_SUMS {
            let message = format!("the tag has more than {MAX_SUMS} signs of addition");
            return Some(Finding::error(at(), message).with_help("texts can be put together with `~`"));
        }
        if tag.is_block && inside.trim_start_matches(['-', '+', ' ']).starts_with("elif") {
            alternatives += 1;
            if alternatives > MAX_ALTERNATIVES {
                let message = format!("there are more than {MAX_ALTERNATIVES} alternatives in this template");
                return Some(Finding::error(at(), message));
            }
        }
    }
    None
}
