//! A file that remembers what of it is on disk.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Disks write sectors whole, and in the order they like. Small ones, so that lines are torn too.
const SECTOR: usize = 48;

/// The journal's file: as programs see it, and as it would be found after a power cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

impl Disk {
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.unsynced.push(Change::Write {
            at: self.seen.len(),
            bytes: bytes.to_vec(),
        });
        self.seen.extend_from_slice(bytes);
    }

    pub(super) fn cut(&mut self, length: usize) {
        self.unsynced.push(Change::Cut { length });
        self.seen.truncate(length);
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.seen);
        self.unsynced.clear();
    }

    /// The power fails: of what was not synced, any sectors are there, and holes between them are zero.
    pub(super) fn lose_power(&mut self, rng: &mut ChaCha8Rng) {
        let mut left = std::mem::take(&mut self.durable);
        let chance = [0.0, 0.5, 0.9, 1.0][rng.random_range(0..4)];
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write { at, bytes } => {
                    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                        if rng.random_bool(chance) {
                            let from = at + index * SECTOR;
                            let to = from + sector.len();
                            left.resize(left.len().max(to), 0);
                            left[from..to].copy_from_slice(sector);
                        }
                    }
                }
                Change::Cut { length } => {
                    if rng.random_bool(chance) {
                        left.truncate(length);
                    }
                }
            }
        }
        self.seen.clone_from(&left);
        self.durable = left;
    }
}
