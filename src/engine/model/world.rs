//! The simulated platform. It outlives engines, and asserts that it is asked for nothing wrong.

use super::disk::Disk;
use crate::engine::journal::JournalFile;
use crate::engine::{AttemptRef, Failure, Health, Outcome, StackRef, Vitals};
use crate::experiment::CellId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard};

/// The engine died.
#[derive(Debug)]
pub(super) struct Crash;

/// A job of an attempt, under its experiment id.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) cell: CellId,
    pub(super) attempt: u32,
    pub(super) stack: StackRef,
    pub(super) ended: Option<Outcome>,
}

/// Everything that is outside of the engine.
#[derive(Debug, Clone)]
pub(super) struct World {
    seed: u64,
    pub(super) disk: Disk,
    /// Stacks that are up: row and generation.
    pub(super) stacks: BTreeSet<(u32, u32)>,
    pub(super) jobs: BTreeMap<String, Job>,
    /// Names given so far; nothing is named twice.
    pub(super) names: u32,
    /// Things that happened.
    pub(super) ticks: u32,
}

/// A world that tests can hold on to while an engine works in it.
#[derive(Debug, Clone)]
pub(super) struct Universe(Arc<Mutex<Inside>>);

#[derive(Debug)]
pub(super) struct Inside {
    pub(super) world: World,
    /// Copies of the world at each tick, where they are wanted.
    pub(super) past: Option<Vec<World>>,
    /// The engine dies after so many ticks.
    pub(super) fuse: Option<u32>,
    /// One write in so many fails.
    pub(super) trouble: Option<u32>,
    pub(super) rng: ChaCha8Rng,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            disk: Disk::default(),
            stacks: BTreeSet::new(),
            jobs: BTreeMap::new(),
            names: 0,
            ticks: 0,
        }
    }

    /// Fate depends on what is asked, never on when or how often: so that disturbed runs can be compared.
    fn fate(&self, what: u64, a: u32, b: u32, c: u32) -> u32 {
        let key = self.seed ^ (what << 56) ^ (u64::from(a) << 40) ^ (u64::from(b) << 20) ^ u64::from(c);
        ChaCha8Rng::seed_from_u64(key).random_range(0..100)
    }

    fn standup_fails(&self, stack: StackRef) -> bool {
        self.fate(1, stack.setup.0, stack.generation, 0) < 10
    }

    pub(super) fn standup(&mut self, stack: StackRef) -> Result<String, Failure> {
        let key = (stack.setup.0, stack.generation);
        assert!(
            self.stacks.iter().all(|other| *other == key),
            "{key:?} beside {:?}",
            self.stacks
        );
        self.stacks.insert(key);
        if self.standup_fails(stack) {
            return Err(Failure::new("no room"));
        }
        Ok(format!("http://{}.{}", key.0, key.1))
    }

    pub(super) fn smoketest(&self, stack: StackRef, endpoint: &str) -> Result<(), Failure> {
        assert_eq!(endpoint, format!("http://{}.{}", stack.setup.0, stack.generation));
        assert!(
            self.stacks.contains(&(stack.setup.0, stack.generation)),
            "a smoketest of nothing"
        );
        if self.fate(2, stack.setup.0, stack.generation, 0) < 5 {
            return Err(Failure::new("answers with nonsense"));
        }
        Ok(())
    }

    /// Some stacks break after a few jobs; but never three of a row in a row, which would make cells be given up at a
    /// count that an engine may forget.
    pub(super) fn health(&self, stack: StackRef) -> Health {
        if !self.stacks.contains(&(stack.setup.0, stack.generation)) {
            return Health::Broken(Failure::new("nothing is there"));
        }
        let ended = |job: &&Job| job.stack == stack && job.ended.is_some();
        let jobs = self.jobs.values().filter(ended).count() as u32;
        let fate = self.fate(3, stack.setup.0, stack.generation, 0);
        if stack.generation <= 2 && fate < 40 && jobs > fate % 3 {
            return Health::Broken(Failure::new("does not answer"));
        }
        Health::Healthy
    }

    /// Start the job, or find it. One that is cancelled before it began is not started, as the executor's contract says:
    /// its stack may be gone, because an engine that ended everything at once was killed before it could say so.
    pub(super) fn launch(&mut self, attempt: &AttemptRef, cancelled: bool) {
        if let Some(job) = self.jobs.get(&attempt.experiment_id) {
            assert_eq!(
                (job.cell, job.attempt, job.stack),
                (attempt.cell, attempt.attempt, attempt.stack)
            );
            return;
        }
        let at_work: Vec<_> = self.jobs.values().filter(|job| job.ended.is_none()).collect();
        assert!(at_work.is_empty(), "{attempt:?} beside {at_work:?}");
        let twice = self
            .jobs
            .values()
            .any(|job| job.cell == attempt.cell && job.attempt == attempt.attempt);
        assert!(!twice, "{attempt:?} for the second time");
        let key = (attempt.stack.setup.0, attempt.stack.generation);
        assert!(
            cancelled || self.stacks.contains(&key),
            "{attempt:?} on a stack that is not up"
        );
        let job = Job {
            cell: attempt.cell,
            attempt: attempt.attempt,
            stack: attempt.stack,
            ended: cancelled.then_some(Outcome::Cancelled),
        };
        self.jobs.insert(attempt.experiment_id.clone(), job);
    }

    /// Wait for the job's end, or bring it about.
    pub(super) fn outcome(&mut self, id: &str, cancelled: bool) -> Outcome {
        let job = self.jobs.get(id).expect("the job was launched");
        let (cell, attempt) = (job.cell, job.attempt);
        let outcome = match (&job.ended, self.fate(4, cell.setup.0, cell.run.0, attempt)) {
            (Some(outcome), _) => outcome.clone(),
            _ if cancelled => Outcome::Cancelled,
            (None, 0..25) => Outcome::Failed {
                failure: Failure::new("too slow"),
            },
            (None, 25..32) => Outcome::Suspect {
                reasons: vec!["restarted".to_owned()],
                vitals: Vitals::default(),
            },
            (None, 32..36) => Outcome::Interrupted,
            (None, fate) => Outcome::Succeeded {
                vitals: Vitals([("ttft_p50_ms".to_owned(), f64::from(fate) / 7.0)].into()),
            },
        };
        self.jobs.get_mut(id).expect("as above").ended = Some(outcome.clone());
        outcome
    }

    /// Make an end of the job, if there is one.
    pub(super) fn reap(&mut self, attempt: &AttemptRef) -> Outcome {
        if self.jobs.contains_key(&attempt.experiment_id) {
            self.outcome(&attempt.experiment_id, true)
        } else {
            Outcome::Cancelled
        }
    }

    pub(super) fn teardown(&mut self, stack: StackRef) -> Result<(), Failure> {
        let at_work = self.jobs.values().find(|job| job.ended.is_none());
        assert!(at_work.is_none(), "teardown under {at_work:?}");
        self.stacks.remove(&(stack.setup.0, stack.generation));
        if self.fate(5, stack.setup.0, stack.generation, 0) < 10 {
            return Err(Failure::new("a trace was left"));
        }
        Ok(())
    }

    pub(super) fn abandon(&mut self) {
        self.stacks.clear();
        for job in self.jobs.values_mut() {
            job.ended.get_or_insert(Outcome::Interrupted);
        }
    }
}

impl Universe {
    pub(super) fn new(world: World, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            world,
            past: None,
            fuse: None,
            trouble: None,
            rng: ChaCha8Rng::seed_from_u64(seed),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    /// Something happens next. It may be the end.
    pub(super) fn tick(&self) -> Result<(), Crash> {
        let inside = &mut *self.lock();
        if let Some(fuse) = &mut inside.fuse {
            if *fuse == 0 {
                return Err(Crash);
            }
            *fuse -= 1;
        }
        if let Some(past) = &mut inside.past {
            past.push(inside.world.clone());
        }
        inside.world.ticks += 1;
        Ok(())
    }

    /// What is left when the machine comes up again. Jobs may have ended meanwhile.
    pub(super) fn after_power_cut(&self) {
        let inside = &mut *self.lock();
        inside.world.disk.lose_power(&mut inside.rng);
        inside.fuse = None;
        inside.past = None;
        let ids: Vec<String> = inside.world.jobs.keys().cloned().collect();
        for id in ids {
            if inside.rng.random_bool(0.5) {
                inside.world.outcome(&id, false);
            }
        }
    }

    fn io<T>(&self, change: impl FnOnce(&mut Inside) -> io::Result<T>) -> io::Result<T> {
        self.tick().map_err(|Crash| io::Error::other("the engine died"))?;
        change(&mut self.lock())
    }
}

impl JournalFile for Universe {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::Cursor::new(self.lock().world.disk.seen().to_vec())))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io(|inside| {
            let full = match inside.trouble {
                Some(one_in) => inside.rng.random_range(0..one_in) == 0,
                None => false,
            };
            if full {
                let taken = inside.rng.random_range(0..bytes.len());
                inside.world.disk.append(&bytes[..taken]);
                return Err(io::ErrorKind::StorageFull.into());
            }
            inside.world.disk.append(bytes);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.io(|inside| {
            inside.world.disk.sync();
            Ok(())
        })
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.io(|inside| {
            inside.world.disk.cut(length as usize);
            Ok(())
        })
    }
}
