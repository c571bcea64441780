//! A sweep from start to end, steered on its way.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_sweep_runs_to_its_end_and_everybody_sees_the_same() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(2, 3));
    let instance = engine.instance().clone();
    let handle = engine.start(executor, false);
    let (mut seen, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    let mut progress = 0;
    while let Some(signal) = signals.recv().await {
        match signal {
            Signal::Recorded(record) => seen.apply(&record),
            Signal::Progress(_) => progress += 1,
            other => panic!("{other:?}"),
        }
    }
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 6);
    assert_eq!(state.mode, Mode::Ended);
    assert!(progress > 0);
    assert_eq!(seen, state);
    assert_eq!(replay(&instance.journal()).unwrap().0, state);
    assert!(world.stacks.lock().unwrap().is_empty());
    assert_eq!(
        world
            .calls()
            .iter()
            .filter(|call| call.starts_with("standup"))
            .count(),
        2
    );
    let summary = std::fs::read_to_string(instance.summary()).unwrap();
    assert!(summary.contains("run_treatments: 3/3"), "{summary}");
    assert!(crate::workspace::unfinished(root.path()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_retried_as_often_as_the_experiment_says_and_by_hand() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let (once, often) = (CellId::new(0, 0), CellId::new(0, 1));
    world.failures.lock().unwrap().extend([(once, 1), (often, 2)]);
    let opened = SweepOpened {
        policy: attempts(2),
        ..design(2, 2)
    };
    let handle = create(root.path(), opened).start(executor, true);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, |record| {
        matches!(
            record.event,
            Event::PhaseEnded {
                setup: SetupId(1),
                phase: crate::engine::PhaseKind::Teardown,
                ..
            }
        )
    })
    .await;
    let (state, _) = handle.subscribe();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    assert_eq!(state.cell(often).unwrap().status, CellStatus::Failed);
    handle.command(Command::Retry {
        cells: Selection::All,
    });
    until(&mut signals, is_attempt(often)).await;
    handle.command(Command::Stop {
        mode: StopMode::Finish,
    });
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 4);
    assert_eq!(state.cell(once).unwrap().attempts.len(), 2);
    assert_eq!(state.cell(often).unwrap().attempts.len(), 3);
    assert_eq!(state.cell(often).unwrap().attempts[2].generation, 2);
    assert!(world.stacks.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_cell_ends_and_the_next_one_runs() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let handle = create(root.path(), design(1, 3)).start(executor, false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Skip {
        cells: Selection::Cells(vec![CellId::new(0, 2)]),
    });
    handle.command(Command::Start);
    until(&mut signals, is_attempt(CellId::new(0, 0))).await;
    handle.command(Command::Cancel {
        cells: Selection::Cells(vec![CellId::new(0, 0)]),
    });
    drop(signals);
    let state = handle.finished().await.unwrap();
    let statuses: Vec<_> = state.cells.iter().map(|cell| cell.status).collect();
    assert_eq!(
        statuses,
        [CellStatus::Cancelled, CellStatus::Succeeded, CellStatus::Skipped]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_sweep_is_resumed_with_what_it_has() {
    for mode in [StopMode::Finish, StopMode::Graceful, StopMode::Now] {
        let root = tempfile::tempdir().unwrap();
        let (world, executor) = sim();
        let engine = create(root.path(), design(1, 3));
        let instance = engine.instance().clone();
        let handle = engine.start(Arc::<Sim>::clone(&executor), false);
        let (_, mut signals) = handle.subscribe();
        handle.command(Command::Start);
        until(&mut signals, is_attempt(CellId::new(0, 1))).await;
        until(&mut signals, is_step).await;
        handle.command(Command::Stop { mode });
        drop(signals);
        let state = handle.finished().await.unwrap();
        let second = state.cells[1].status;
        let expected = match mode {
            StopMode::Finish => CellStatus::Succeeded,
            _ => CellStatus::Interrupted,
        };
        assert_eq!(second, expected, "{mode:?}");
        assert_eq!(state.cells[2].status, CellStatus::Pending);
        assert_eq!(world.abandoned.load(Ordering::Relaxed), mode == StopMode::Now);
        assert_eq!(world.stacks.lock().unwrap().is_empty(), mode != StopMode::Now);
        assert_eq!(crate::workspace::unfinished(root.path()), Some(instance.clone()));

        let handle = Engine::resume(instance, design(1, 3))
            .unwrap()
            .start(executor, false);
        handle.command(Command::Start);
        let state = handle.finished().await.unwrap();
        assert_eq!(counts(&state, CellStatus::Succeeded), 3, "{mode:?}");
        assert_eq!(state.cells[0].attempts.len(), 1);
        assert!(world.stacks.lock().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_executor_is_a_failure_and_no_hang() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    world.panics_in_standup.store(true, Ordering::Relaxed);
    let handle = create(root.path(), design(2, 2)).start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::NotRun), 4);
    let failure = state.cells[0].not_run.as_ref().unwrap();
    assert!(failure.reason.contains("standup broke"), "{failure:?}");
    assert_eq!(state.setups[1].stack, StackState::Down);
}

#[tokio::test(start_paused = true)]
async fn a_lost_stack_is_stood_up_again_for_the_rest_of_its_row() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    *world.broken_once_after.lock().unwrap() = Some(CellId::new(0, 0));
    let handle = create(root.path(), design(1, 3)).start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 3);
    let generations: Vec<_> = state
        .cells
        .iter()
        .map(|cell| cell.attempts[0].generation)
        .collect();
    assert_eq!(generations, [1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_does_not_read_is_waited_for_until_the_stop() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let handle = create(root.path(), design(20, 20)).start(executor, false);
    let (_, lazy) = handle.subscribe();
    handle.command(Command::Start);
    tokio::time::timeout(Duration::from_hours(1000), async {
        while lazy.len() < lazy.max_capacity() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await
    .unwrap();
    let (before, _) = handle.subscribe();
    tokio::time::sleep(Duration::from_hours(10)).await;
    let (after, _) = handle.subscribe();
    assert_eq!(before.counts, after.counts, "the engine waits");
    handle.command(Command::Stop {
        mode: StopMode::Graceful,
    });
    let state = handle.finished().await.unwrap();
    assert_eq!(state.mode, Mode::Ended);
    drop(lazy);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_everybody_left_stops_where_it_would_wait() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(1, 2));
    let instance = engine.instance().clone();
    let handle = engine.start(executor, true);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    drop(handle);
    while signals.recv().await.is_some() {}
    let (state, _) = replay(&instance.journal()).unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 2);
    assert_eq!(state.mode, Mode::Ended);
    assert!(world.stacks.lock().unwrap().is_empty());
}

/// The executor says where its log is, and then nothing for a minute.
#[tokio::test(start_paused = true)]
async fn what_needs_no_effect_is_on_disk_within_five_milliseconds() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let handle = create(root.path(), design(1, 1)).start(executor, false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_step).await;
    let begun = Instant::now();
    let log = until(&mut signals, |record| {
        matches!(record.event, Event::LogSeen { .. })
    })
    .await;
    assert!(begun.elapsed() <= 2 * GROUP_COMMIT, "{:?}", begun.elapsed());
    let (state, _) = handle.subscribe();
    assert!(state.seq >= log.seq);
    assert_eq!(state.cells[0].attempts[0].logs.len(), 1);
}
