//! The experiment file: reading both dialects, checking them, and generating the design.
//!
//! [`find()`] looks a file up, [`load()`] is the one linter every command goes through, [`apply_overrides`] writes the
//! values of a treatment into a config or a profile.

mod conflicts;
mod design;
mod factor;
mod find;
mod ids;
mod legacy;
mod levels;
mod load;
mod names;
mod nearest;
mod overrides;
mod parameter;
mod path;
mod treatment;

pub use design::{
    Design, Dialect, ExperimentInfo, Level, Override, OverrideTarget, PathSegment, RetryPolicy, RunTreatment,
    SetupTreatment,
};
pub use find::{FindError, Source, built_in, find};
pub use ids::{CellId, RunId, SetupId};
pub use load::{Loaded, MOST_CELLS, MOST_TREATMENTS, load};
pub(crate) use nearest::did_you_mean;
pub use overrides::apply_overrides;
pub use path::{format_path, parse_path};

#[cfg(test)]
mod tests;
