//! The table itself, a part per place.

mod everywhere;
mod grid;
mod panes;
mod plans;

use super::{Action, Binding, Context};
use crate::tui::keys::Key;

const fn bind(
    context: Context,
    action: Action,
    keys: &'static [Key],
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        action,
        context,
        keys,
        hint,
        help,
    }
}

/// Everything an operator can do, in the order of the help. The hint bar goes by this order, too, as far as it is wide.
pub fn bindings() -> impl Iterator<Item = &'static Binding> {
    let parts = [grid::GRID, panes::PANES, plans::PLANS, everywhere::EVERYWHERE];
    parts.into_iter().flatten()
}
