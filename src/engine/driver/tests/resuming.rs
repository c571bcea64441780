//! Sweeps taken up again, also elsewhere and after an edit.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_finished_sweep_can_be_resumed_and_ends_at_once() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(1, 1));
    let instance = engine.instance().clone();
    let error = Engine::resume(instance.clone(), design(1, 1)).unwrap_err();
    assert!(matches!(error, OpenError::Lock(_)), "{error}");
    let handle = engine.start(Arc::<Sim>::clone(&executor), false);
    handle.command(Command::Start);
    handle.finished().await.unwrap();
    let calls = world.calls();
    let handle = Engine::resume(instance, design(1, 1))
        .unwrap()
        .start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 1);
    assert_eq!(world.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn an_edited_experiment_keeps_what_did_not_change() {
    let root = tempfile::tempdir().unwrap();
    let (world, executor) = sim();
    let engine = create(root.path(), design(2, 2));
    let instance = engine.instance().clone();
    let handle = engine.start(Arc::<Sim>::clone(&executor), false);
    handle.command(Command::Start);
    handle.finished().await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    let moved = Instance::at(copy.path().join("moved"));
    std::fs::rename(instance.path(), moved.path()).unwrap();

    let mut edited = design(2, 3);
    edited.setups[1] = treatment("b", "2");
    edited.runs[0] = treatment("new", "1");
    let before = world.calls().len();
    let engine = Engine::resume(moved, edited).unwrap();
    let notice = &engine.state().notices[0].1;
    assert!(
        notice.contains("1 cells are kept, 5 added or changed, 3 dropped or changed"),
        "{notice}"
    );
    assert!(notice.contains("run treatments gone: k"), "{notice}");
    assert_eq!(engine.state().opened.as_ref().unwrap().sweep_id, "sweep");
    let handle = engine.start(executor, false);
    handle.command(Command::Start);
    let state = handle.finished().await.unwrap();
    assert_eq!(counts(&state, CellStatus::Succeeded), 6);
    let calls = world.calls().split_off(before);
    assert!(!calls.contains(&"attempt 1×2 1".to_owned()), "{calls:?}");
    assert!(
        calls.contains(&"standup 1.2".to_owned()),
        "generations go on counting: {calls:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_would_lose_a_live_stack_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (_, executor) = sim();
    let engine = create(root.path(), design(2, 2));
    let instance = engine.instance().clone();
    let handle = engine.start(executor, false);
    let (_, mut signals) = handle.subscribe();
    handle.command(Command::Start);
    until(&mut signals, is_attempt(CellId::new(0, 0))).await;
    handle.command(Command::Stop { mode: StopMode::Now });
    drop(signals);
    handle.finished().await.unwrap();
    let mut edited = design(2, 2);
    edited.setups[0] = treatment("a", "2");
    let error = Engine::resume(instance.clone(), edited).unwrap_err();
    assert!(
        matches!(&error, OpenError::LiveAndEdited { setup, .. } if setup == "a"),
        "{error}"
    );
    let mut elsewhere = design(2, 2);
    elsewhere.simulated = false;
    let error = Engine::resume(instance.clone(), elsewhere).unwrap_err();
    assert!(matches!(error, OpenError::OtherPlatform { .. }), "{error}");
    let mut edited = design(2, 2);
    edited.setups[1] = treatment("b", "2");
    Engine::resume(instance, edited).unwrap();
}
