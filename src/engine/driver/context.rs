//! How work reports to the actor while it is under way.

use crate::engine::event::{Event, LogSource, Progress, Scope, StepOutcome};
use crate::engine::executor::Context;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Reports that may wait for the actor.
const REPORTS: usize = 64;
/// Progress that may wait; more is dropped.
const PROGRESS: usize = 64;

/// Something to be recorded on behalf of the work.
pub(super) struct Report {
    pub(super) event: Event,
    /// Told once the event is on disk. Without it, the event may wait for company.
    pub(super) on_disk: Option<oneshot::Sender<()>>,
}

/// What the executor is given.
pub(super) struct WorkContext {
    reports: mpsc::Sender<Report>,
    progress: mpsc::Sender<Progress>,
    cancel: CancellationToken,
}

impl WorkContext {
    pub(super) fn new(cancel: CancellationToken) -> (Self, mpsc::Receiver<Report>, mpsc::Receiver<Progress>) {
        let (reports, reports_out) = mpsc::channel(REPORTS);
        let (progress, progress_out) = mpsc::channel(PROGRESS);
        let context = Self {
            reports,
            progress,
            cancel,
        };
        (context, reports_out, progress_out)
    }

    pub(super) fn cancel(&self) {
        self.cancel.cancel();
    }

    pub(super) async fn until_cancelled(&self) {
        self.cancel.cancelled().await;
    }

    async fn report(&self, event: Event) {
        let report = Report { event, on_disk: None };
        if self.reports.send(report).await.is_err() {
            unrecorded().await;
        }
    }
}

/// The engine is gone, and nothing may go on unrecorded: the work stops where it is, and is dropped.
async fn unrecorded() {
    std::future::pending::<()>().await;
}

impl Context for WorkContext {
    fn step_started(&self, scope: Scope, number: u8, name: &str) -> BoxFuture<'_, ()> {
        let (on_disk, known) = oneshot::channel();
        let report = Report {
            event: Event::StepStarted {
                scope,
                number,
                name: name.to_owned(),
            },
            on_disk: Some(on_disk),
        };
        Box::pin(async move {
            if self.reports.send(report).await.is_err() || known.await.is_err() {
                unrecorded().await;
            }
        })
    }

    fn step_ended(&self, scope: Scope, number: u8, outcome: StepOutcome) -> BoxFuture<'_, ()> {
        Box::pin(self.report(Event::StepEnded {
            scope,
            number,
            outcome,
        }))
    }

    fn log_seen(&self, scope: Scope, source: LogSource) -> BoxFuture<'_, ()> {
        Box::pin(self.report(Event::LogSeen { scope, source }))
    }

    fn progress(&self, progress: Progress) {
        // A full channel means that newer progress than anybody can look at is on its way already.
        drop(self.progress.try_send(progress));
    }

    fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }
}
