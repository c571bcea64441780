//! The simulated model server: a whole serving stack (router and replicas) in one process, without accelerators.
//!
//! [`model`] is the pure queueing model of continuous batching; [`tokens`] the text it is fed with. `docs/simulator.md`
//! tells what is modelled and what is not.

pub mod model;
pub mod tokens;
