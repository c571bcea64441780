//! The simulated model server: a whole serving stack (router and replicas) in one process, without accelerators.
//!
//! [`model`] is the pure queueing model of continuous batching; [`tokens`] the text it is fed with; [`driver`] gives it
//! the time of day; [`server`] speaks HTTP; [`config`] holds the flags. `docs/simulator.md` tells what is modelled and
//! what is not.

mod alarm;
pub mod config;
pub mod driver;
pub mod metrics;
pub mod model;
pub mod server;
pub mod tokens;
