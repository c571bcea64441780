//! The KV cache of one replica: a bounded pool of blocks, shared by prefix, evicted least recently used first.
//!
//! Owned by [`super::replica::Replica`]. A block is *in use* while sequences refer to it, and otherwise *free*; a free
//! block keeps its contents, found again by hash, until it is needed for something else, as in vLLM.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Block hashes are well mixed already: they are their own hash.
#[derive(Debug, Default, Clone, Copy)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A map keyed by block hashes.
pub type HashKeyed<V> = HashMap<u64, V, BuildHasherDefault<Mixed>>;

/// Position of a block in the pool.
pub type BlockId = u32;

const NONE: BlockId = BlockId::MAX;

#[derive(Debug, Clone, Copy)]
struct Block {
    hash: Option<u64>,
    users: u32,
    /// Neighbours in the list of free blocks, oldest first.
    older: BlockId,
    newer: BlockId,
}

/// The pool.
#[derive(Debug)]
pub struct KvCache {
    capacity: u32,
    /// Grows to `capacity` as blocks are first needed.
    blocks: Vec<Block>,
    by_hash: HashKeyed<BlockId>,
    oldest: BlockId,
    newest: BlockId,
    /// Blocks in the list of free ones.
    listed: u32,
}

impl KvCache {
    /// A pool of `capacity` blocks.
    pub fn new(capacity: u32) -> Self {
        Self {
            capacity: capacity.min(NONE - 1),
            blocks: Vec::new(),
            by_hash: HashKeyed::default(),
            oldest: NONE,
            newest: NONE,
            listed: 0,
        }
    }

    /// Blocks in all.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Blocks no sequence uses, with or without contents.
    pub fn free(&self) -> u32 {
        self.capacity - self.blocks.len() as u32 + self.listed
    }

    /// Share of the blocks in use, 0 to 1.
    pub fn usage(&self) -> f64 {
        if self.capacity == 0 {
            return 0.0;
        }
        1.0 - f64::from(self.free()) / f64::from(self.capacity)
    }

    /// How many leading blocks of a sequence are here.
    pub fn matched(&self, hashes: &[u64]) -> usize {
        hashes
            .iter()
            .take_while(|hash| self.by_hash.contains_key(hash))
            .count()
    }

    /// Use the leading blocks of a sequence that are here, at most `hashes.len()`.
    pub fn take_matched(&mut self, hashes: &[u64], into: &mut Vec<BlockId>) {
        for hash in hashes {
            let Some(id) = self.by_hash.get(hash).copied() else {
                break;
            };
            self.unlink_if_free(id);
            if let Some(block) = self.blocks.get_mut(id as usize) {
                block.users += 1;
            }
            into.push(id);
        }
    }

    /// Use `count` blocks with no contents; nothing is taken where so many are not free.
    pub fn take_empty(&mut self, count: u32, into: &mut Vec<BlockId>) -> bool {
        if self.free() < count {
            return false;
        }
        for _ in 0..count {
            let id = if (self.blocks.len() as u32) < self.capacity {
                self.blocks.push(Block {
                    hash: None,
                    users: 0,
                    older: NONE,
                    newer: NONE,
                });
                self.blocks.len() as BlockId - 1
            } else {
                let id = self.oldest;
                self.unlink_if_free(id);
                self.forget(id);
                id
            };
            if let Some(block) = self.blocks.get_mut(id as usize) {
                block.users = 1;
            }
            into.push(id);
        }
        true
    }

    /// Say what a used block holds. Where the same contents are here already, those stay the ones that are found.
    pub fn name(&mut self, id: BlockId, hash: u64) {
        let Some(block) = self.blocks.get_mut(id as usize) else {
            return;
        };
        if block.hash.is_none() && !self.by_hash.contains_key(&hash) {
            block.hash = Some(hash);
            self.by_hash.insert(hash, id);
        }
    }

    /// Stop using blocks. The last of a sequence become the first to be evicted: prefixes are worth more.
    pub fn release(&mut self, blocks: &mut Vec<BlockId>) {
        while let Some(id) = blocks.pop() {
            let Some(block) = self.blocks.get_mut(id as usize) else {
                continue;
            };
            block.users = block.users.saturating_sub(1);
            if block.users == 0 {
                self.link_newest(id);
            }
        }
    }

    /// Forget all contents: nothing is found any more. Sequences keep what they use.
    pub fn reset(&mut self) {
        self.by_hash.clear();
        for block in &mut self.blocks {
            block.hash = None;
        }
    }

    fn forget(&mut self, id: BlockId) {
        if let Some(hash) = self
            .blocks
            .get_mut(id as usize)
            .and_then(|block| block.hash.take())
        {
            self.by_hash.remove(&hash);
        }
    }

    fn link_newest(&mut self, id: BlockId) {
        let older = self.newest;
        if let Some(block) = self.blocks.get_mut(id as usize) {
            block.older = older;
            block.newer = NONE;
        }
        match self.blocks.get_mut(older as usize) {
            Some(previous) => previous.newer = id,
            None => self.oldest = id,
        }
        self.newest = id;
        self.listed += 1;
    }

    fn unlink_if_free(&mut self, id: BlockId) {
        let Some(block) = self
            .blocks
            .get(id as usize)
            .copied()
            .filter(|block| block.users == 0)
        else {
            return;
        };
        match self.blocks.get_mut(block.older as usize) {
            Some(previous) => previous.newer = block.newer,
            None => self.oldest = block.newer,
        }
        match self.blocks.get_mut(block.newer as usize) {
            Some(next) => next.older = block.older,
            None => self.newest = block.older,
        }
        self.listed = self.listed.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn released_contents_are_found_again_until_evicted_oldest_first() {
        let mut cache = KvCache::new(4);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        assert!(cache.take_empty(2, &mut a));
        cache.name(a[0], 10);
        cache.name(a[1], 11);
        cache.release(&mut a);
        assert_eq!((cache.free(), cache.matched(&[10, 11, 12])), (4, 2));
        assert!(
            cache.take_empty(3, &mut b),
            "two never used, and the end of the old sequence"
        );
        assert_eq!(cache.matched(&[10, 11]), 1);
        cache.take_matched(&[10, 11], &mut a);
        assert_eq!((a.len(), cache.free()), (1, 0));
        assert!(!cache.take_empty(1, &mut b));
        assert!((cache.usage() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_shared_block_stays_until_its_last_user_goes() {
        let mut cache = KvCache::new(2);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        cache.take_empty(1, &mut a);
        cache.name(a[0], 5);
        cache.take_matched(&[5], &mut b);
        cache.release(&mut a);
        assert_eq!(cache.free(), 1);
        cache.release(&mut b);
        assert_eq!(cache.free(), 2);
        cache.reset();
        assert_eq!(cache.matched(&[5]), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn use_never_exceeds_the_pool_and_everything_comes_back(
            capacity in 1u32..40,
            steps in prop::collection::vec((0u8..3, 0u64..30, 1u32..12), 0..80),
        ) {
            let mut cache = KvCache::new(capacity);
            let mut held: Vec<Vec<BlockId>> = Vec::new();
            for (kind, key, count) in steps {
                match kind {
                    0 => {
                        let mut blocks = Vec::new();
                        let free = cache.free();
                        let taken = cache.take_empty(count, &mut blocks);
                        prop_assert_eq!(taken, free >= count);
                        for (at, id) in blocks.iter().enumerate() {
                            cache.name(*id, key * 100 + at as u64);
                        }
                        held.push(blocks);
                    }
                    1 => {
                        let hashes: Vec<u64> = (0..u64::from(count)).map(|at| key * 100 + at).collect();
                        let mut blocks = Vec::new();
                        let found = cache.matched(&hashes);
                        cache.take_matched(&hashes, &mut blocks);
                        prop_assert_eq!(blocks.len(), found);
                        held.push(blocks);
                    }
                    _ => {
                        if !held.is_empty() {
                            let mut blocks = held.swap_remove(key as usize % held.len());
                            cache.release(&mut blocks);
                        }
                    }
                }
                let mut used: Vec<BlockId> = held.iter().flatten().copied().collect();
                used.sort_unstable();
                used.dedup();
                prop_assert_eq!(used.len() as u32 + cache.free(), capacity);
            }
            for mut blocks in held {
                cache.release(&mut blocks);
            }
            prop_assert_eq!(cache.free(), capacity);
        }
    }
}
