//! The reader as a screen meets it: requests in, updates out, files written by somebody else.

use super::*;
use std::io::Write;
use std::path::Path;

const VIEW: View = View(7);

fn start(path: &Path, ended: bool) -> (Reader, mpsc::Receiver<Update>) {
    let (reader, updates) = Reader::start().unwrap();
    reader.ask(open(path, ended));
    (reader, updates)
}

fn open(path: &Path, ended: bool) -> Request {
    Request::Open {
        view: VIEW,
        sources: vec![Source {
            name: "harness 1".to_owned(),
            path: path.to_owned(),
        }],
        ended,
    }
}

fn show(wanted: Wanted) -> Request {
    Request::Show {
        view: VIEW,
        source: 0,
        wanted,
        clip: 1000,
    }
}

fn search(pattern: &str, from: u64, direction: Direction, id: u64) -> Request {
    let pattern = Pattern::new(pattern).unwrap();
    Request::Search {
        view: VIEW,
        source: 0,
        pattern,
        from,
        direction,
        id,
    }
}

fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Updates until one satisfies the condition.
fn until<T>(updates: &mut mpsc::Receiver<Update>, mut look: impl FnMut(Update) -> Option<T>) -> T {
    loop {
        if let Some(found) = look(updates.blocking_recv().expect("the reader ended early")) {
            return found;
        }
    }
}

fn last_text(update: Update) -> Option<String> {
    match update {
        Update::Status {
            window: Some(window), ..
        } => window.lines.last().map(|line| line.text.clone()),
        _ => None,
    }
}

fn found(update: &Update) -> Option<(u64, Option<u64>, bool)> {
    match update {
        Update::Found { id, row, wrapped, .. } => Some((*id, *row, *wrapped)),
        _ => None,
    }
}

#[test]
fn the_tail_is_sent_again_when_the_file_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (reader, mut updates) = start(&path, false);
    reader.ask(show(Wanted::Tail(2)));
    until(&mut updates, |update| {
        matches!(update, Update::Status { status, .. } if status.missing).then_some(())
    });
    append(&path, "one\n");
    until(&mut updates, |update| (last_text(update)? == "one").then_some(()));
    append(&path, "two\nthree\nfour");
    let window = until(&mut updates, |update| match update {
        Update::Status {
            window: Some(window),
            status,
            ..
        } if status.rows == 4 => Some(window),
        _ => None,
    });
    assert_eq!(window.first, 2);
    assert_eq!(window.lines.len(), 2);
}

#[test]
fn a_reader_of_old_rows_is_told_of_growth_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(&path, "one\ntwo\n");
    let (reader, mut updates) = start(&path, false);
    reader.ask(show(Wanted::Rows { first: 0, count: 1 }));
    assert_eq!(until(&mut updates, last_text), "one");
    append(&path, "three\n");
    let (rows, window) = until(&mut updates, |update| match update {
        Update::Status { status, window, .. } if status.rows > 2 => Some((status.rows, window)),
        _ => None,
    });
    assert_eq!((rows, window), (3, None));
}

#[test]
fn searches_go_around_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(&path, "a hit\nb\nc\nd hit\n");
    let (reader, mut updates) = start(&path, true);
    reader.ask(show(Wanted::Tail(1)));
    until(&mut updates, last_text);
    let mut ask = |pattern, from, direction, id| {
        reader.ask(search(pattern, from, direction, id));
        until(&mut updates, |update| found(&update))
    };
    assert_eq!(ask("hit", 1, Direction::Forward, 1), (1, Some(3), false));
    assert_eq!(ask("hit", 4, Direction::Forward, 2), (2, Some(0), true));
    assert_eq!(ask("hit", 3, Direction::Backward, 3), (3, Some(0), false));
    assert_eq!(ask("hit", 0, Direction::Backward, 4), (4, Some(3), true));
    assert_eq!(ask("none", 2, Direction::Forward, 5), (5, None, true));
}

#[test]
fn a_newer_search_replaces_one_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(
        &path,
        &"some line of a log without what is looked for\n".repeat(400_000),
    );
    append(&path, "needle\n");
    let (reader, mut updates) = start(&path, true);
    reader.ask(show(Wanted::Tail(1)));
    until(&mut updates, |update| {
        (last_text(update)? == "needle").then_some(())
    });
    for id in 0..50 {
        reader.ask(search("nothing at all", 0, Direction::Forward, id));
    }
    reader.ask(search("needle", 0, Direction::Forward, 50));
    let mut answers = 0;
    until(&mut updates, |update| {
        answers += 1;
        (found(&update)? == (50, Some(400_000), false)).then_some(())
    });
    assert!(answers < 50, "searches must not queue up");
}

#[test]
fn answers_carry_the_view_they_belong_to() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    append(&first, "first\n");
    append(&second, "second\n");
    let (reader, mut updates) = start(&first, true);
    reader.ask(show(Wanted::Tail(1)));
    assert_eq!(until(&mut updates, last_text), "first");
    let source = Source {
        name: String::new(),
        path: second,
    };
    reader.ask(Request::Open {
        view: View(8),
        sources: vec![source],
        ended: true,
    });
    reader.ask(show(Wanted::Tail(1)));
    reader.ask(Request::Show {
        view: View(8),
        source: 0,
        wanted: Wanted::Tail(1),
        clip: 100,
    });
    let view = until(&mut updates, |update| match &update {
        Update::Status { view, .. } if last_text(update.clone())? == "second" => Some(*view),
        _ => None,
    });
    assert_eq!(view, View(8));
}

#[test]
fn the_thread_ends_with_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, mut updates) = start(&folder.path().join("log"), false);
    reader.ask(show(Wanted::Tail(1)));
    drop(reader);
    while updates.blocking_recv().is_some() {}
}

#[test]
fn a_finished_log_is_not_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(&path, "one\n");
    let (updates, mut receiver) = mpsc::channel(UPDATES);
    let post = Arc::new(Post::default());
    let mut worker = worker::Worker::new(Arc::clone(&post), updates);
    let mut mail = Mailbox::default();
    mail.put(open(&path, false));
    mail.put(show(Wanted::Tail(1)));
    worker.turn(mail).unwrap();
    assert!(worker.time_to_look().is_some());
    let mut mail = Mailbox::default();
    mail.put(open(&path, true));
    worker.turn(mail).unwrap();
    assert_eq!(
        worker.time_to_look(),
        None,
        "read to the end after its writers were done"
    );
    receiver.close();
}
