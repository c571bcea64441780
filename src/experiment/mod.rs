//! The experiment file: reading both dialects, checking them, and generating the design.

mod design;
mod ids;

pub use design::{
    Design, Dialect, ExperimentInfo, Level, Override, OverrideTarget, PathSegment, RetryPolicy, RunTreatment,
    SetupTreatment,
};
pub use ids::{CellId, RunId, SetupId};
