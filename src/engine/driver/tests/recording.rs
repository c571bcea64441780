//! Trouble with the disk.

use super::*;

/// The real journal's file, with a disk that can be full.
#[derive(Debug)]
struct Filling {
    file: crate::engine::journal::DiskFile,
    full: Arc<AtomicBool>,
}

impl crate::engine::journal::JournalFile for Filling {
    fn reader(&mut self) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        self.file.reader()
    }

    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.full.load(Ordering::Relaxed) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.file.sync()
    }

    fn truncate(&mut self, length: u64) -> std::io::Result<()> {
        self.file.truncate(length)
    }
}

fn on_a_small_disk(root: &Path) -> (Engine, Arc<AtomicBool>) {
    let instance = crate::workspace::create(root).unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let file = Filling {
        file: crate::engine::journal::DiskFile::create(&instance.journal()).unwrap(),
        full: Arc::clone(&full),
    };
    let engine = Engine::open(instance, None, Box::new(file), design(1, 3)).unwrap();
    (engine, full)
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_an_engine_that_nobody_watches_and_a_resume_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let (engine, full) = on_a_small_disk(root.path());
    let instance = engine.instance().clone();
    let handle = engine.start(Arc::<Sim>::clone(&executor), false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_attempt(CellId::new(0, 1))).await;
    until(&mut signals, is_step).await;
    full.store(true, Ordering::Relaxed);
    let mut troubles = 0;
    while let Some(signal) = signals.recv().await {
        troubles += u32::from(matches!(signal, Signal::Trouble(_)));
    }
    let error = handle.finished().await.unwrap_err();
    assert!(matches!(error, EngineError::Recording { .. }), "{error}");
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(troubles, 1);
    assert!(
        !world.stacks.lock().unwrap().is_empty(),
        "what runs is left for the resume"
    );
    world.at_once.store(0, Ordering::Relaxed);

    let handle = Engine::resume(instance, design(1, 3))
        .unwrap()
        .start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    assert_eq!(state.cells[1].attempts.len(), 1, "the attempt was adopted");
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| *call == "attempt 1×2 1")
            .count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_pauses_a_watched_engine_until_the_operator_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let (engine, full) = on_a_small_disk(root.path());
    let journal = engine.instance().journal();
    let handle = engine.start(executor, true);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_step).await;
    full.store(true, Ordering::Relaxed);
    let trouble = loop {
        if let Signal::Trouble(trouble) = signals.recv().await.unwrap() {
            break trouble;
        }
    };
    assert!(trouble.trouble.contains("paused"), "{trouble:?}");
    let recorded = replay(&journal).unwrap().1.len();
    let calls = world.calls();
    handle.command(Command::Pause);
    assert!(matches!(signals.recv().await, Some(Signal::Refused(_))));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(replay(&journal).unwrap().1.len(), recorded);
    assert_eq!(world.calls(), calls, "nothing goes on unrecorded");
    full.store(false, Ordering::Relaxed);
    handle.command(Command::Start);
    until(&mut signals, |record| {
        matches!(
            record.event,
            Event::PhaseEnded {
                phase: crate::engine::PhaseKind::Teardown,
                ..
            }
        )
    })
    .await;
    handle.command(Command::Stop {
        mode: StopMode::Graceful,
    });
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    assert_eq!(replay(&journal).unwrap().0, state);
}
