//! Plans: spec → scenario → merged config per setup treatment, rendered profiles per run treatment, fingerprints.
//!
//! ```text
//! BaseDir ─► spec ─► scenario ─► stacks ─┐
//! --set, -p, -m, -t ─────────────────────┼─► SweepPlan: a base config, and per treatment what it changes
//! Design (setup and run treatments) ─────┘
//! ```
//!
//! Everything is checked once in [`make()`], for all treatments, and told in one pass. Configs and profiles are then made
//! again when they are needed, so that a plan stays small however large the design is.

mod base;
mod base_dir;
mod cluster;
mod diff;
mod effective;
mod files;
mod fingerprint;
mod flags;
mod make;
mod merge;
mod overrides;
mod placing;
mod profile;
mod provenance;
mod remark;
mod render;
mod request;
mod resolve;
mod scenario;
mod schema;
mod secret;
mod set;
pub mod shape;
mod spec;
mod summary;
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod treatments;

pub use base_dir::{BaseDir, BaseDirError, Document};
pub use cluster::{Cluster, ClusterFacts, NodeFacts};
pub use diff::{Change, difference};
pub use effective::{EffectiveConfig, RoleConfig};
pub use files::{Origin as FileOrigin, PlanFile};
pub use make::make;
pub use merge::get;
pub use profile::BUILTIN;
pub use provenance::{ConfigLine, Origin, Place, Provenance};
pub use remark::{PlanError, Remark};
pub use render::{RenderedFile, RenderedSetup, RenderedStack, Templates};
pub use request::Request;
pub use resolve::{GATEWAYS, Problem, Resolved, Unresolved, Versions};
pub use secret::without_secrets;
pub use spec::{Spec, names as spec_names};
pub use sweep::{PlatformKind, RenderError, RenderedProfile, RunPlan, SetupPlan, SweepPlan};
