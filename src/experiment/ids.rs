//! Identifiers of treatments and cells: positions in the design, small and `Copy`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Position of a setup treatment in the design, from 0, in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SetupId(pub u32);

/// Position of a run treatment in the design, from 0, in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u32);

/// One cell of the grid: a setup treatment × a run treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId {
    /// The row.
    pub setup: SetupId,
    /// The column.
    pub run: RunId,
}

impl CellId {
    /// The cell at row `setup`, column `run`.
    pub fn new(setup: u32, run: u32) -> Self {
        Self {
            setup: SetupId(setup),
            run: RunId(run),
        }
    }
}

impl SetupId {
    /// As an index into per-setup vectors.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl RunId {
    /// As an index into per-run vectors.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Shown from 1, as `row×column`, because that is how the grid's headers count.
impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.setup.0 + 1, self.run.0 + 1)
    }
}

/// In records a cell is the pair `[setup, run]`: short, because sweeps have many.
impl Serialize for CellId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.setup, self.run).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CellId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (setup, run) = Deserialize::deserialize(deserializer)?;
        Ok(Self { setup, run })
    }
}
