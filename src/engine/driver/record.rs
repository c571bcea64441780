//! The actor's way to disk: batches, trouble with recording, and the summary.

use super::context::Report;
use super::{Actor, EngineError, GROUP_COMMIT};
use crate::engine::command::{Command, Refusal};
use crate::engine::event::{Event, Signal, Trouble};
use crate::engine::journal::{Journal, JournalError};
use crate::engine::{Record, summary};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The summary of a large design takes long to write: it may take this part of the engine's time.
const SUMMARY_SHARE: u32 = 20;

/// When the summary may be written again.
#[derive(Debug, Default)]
pub(super) struct SummaryPace {
    not_before: Option<Instant>,
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Actor {
    /// Record events, and return once they are on disk and everybody was told.
    pub(super) async fn record(&mut self, events: Vec<Event>) -> Result<(), EngineError> {
        if events.is_empty() {
            return Ok(());
        }
        for event in events {
            self.push(event)?;
        }
        self.commit().await
    }

    /// Record what work reports: at once if it waits for that, else with the next batch.
    pub(super) async fn note(&mut self, report: Report) -> Result<(), EngineError> {
        self.push(report.event)?;
        match report.on_disk {
            Some(on_disk) => {
                self.commit().await?;
                // Work that was dropped meanwhile does not wait any more.
                let _ = on_disk.send(());
            }
            None => {
                self.flush_at.get_or_insert_with(|| Instant::now() + GROUP_COMMIT);
            }
        }
        Ok(())
    }

    fn push(&self, event: Event) -> Result<(), EngineError> {
        lock(&self.journal)
            .push(Timestamp::now(), event)
            .map_err(|source| self.recording(source))
    }

    fn recording(&self, source: JournalError) -> EngineError {
        EngineError::Recording {
            instance: self.instance.path().to_owned(),
            source,
        }
    }

    /// Write the batch. On trouble nothing goes on until it could be written: a lingering engine waits for the
    /// operator's word, another one ends, to be resumed.
    pub(super) async fn commit(&mut self) -> Result<(), EngineError> {
        self.flush_at = None;
        loop {
            match self.write_batch().await? {
                Ok(records) => {
                    let fates = records.iter().any(|record| changes_fates(&record.event));
                    self.shared.publish(records).await;
                    if fates {
                        self.write_summary(false).await;
                    }
                    return Ok(());
                }
                Err(source) => {
                    tracing::error!("{source}; {}", source.hint());
                    let trouble = Trouble {
                        trouble: format!("the sweep is paused: {source}"),
                        hint: source.hint().to_owned(),
                    };
                    self.shared.send(vec![Signal::Trouble(trouble)]).await;
                    if !self.linger || !self.told_to_go_on().await {
                        return Err(self.recording(source));
                    }
                }
            }
        }
    }

    async fn write_batch(&self) -> Result<Result<Vec<Record>, JournalError>, EngineError> {
        let journal = Arc::clone(&self.journal);
        tokio::task::spawn_blocking(move || lock(&journal).commit())
            .await
            .map_err(|error| EngineError::Broken {
                reason: error.to_string(),
            })
    }

    /// Whether the operator says start rather than stop. What is under way outside goes on, but is not followed.
    async fn told_to_go_on(&mut self) -> bool {
        loop {
            match self.commands.recv().await {
                Some(Command::Start) => return true,
                Some(Command::Stop { .. }) | None => return false,
                Some(_) => {
                    let refusal = Refusal {
                        reason: "nothing can be recorded now; start again once that is mended, or stop"
                            .to_owned(),
                    };
                    self.shared.send(vec![Signal::Refused(refusal)]).await;
                }
            }
        }
    }

    /// Write the summary, if it is due or `now`. It can be made again from the journal, so trouble with it is told and
    /// does not end the sweep.
    pub(super) async fn write_summary(&mut self, now: bool) {
        let begun = Instant::now();
        if !now && self.summary.not_before.is_some_and(|due| begun < due) {
            return;
        }
        let (shared, instance) = (Arc::clone(&self.shared), self.instance.clone());
        let written = tokio::task::spawn_blocking(move || {
            let text = shared.with(|state| summary::yaml(state, &instance));
            crate::disk::replace_file(&instance.summary(), text.as_bytes())
        })
        .await;
        if let Ok(Err(error)) = written {
            let path = self.instance.summary();
            tracing::warn!("cannot write the summary {}: {error}", path.display());
        }
        let spent: Duration = begun.elapsed();
        self.summary.not_before = Some(Instant::now() + spent * SUMMARY_SHARE);
    }
}

/// Whether a summary looks different after this event.
fn changes_fates(event: &Event) -> bool {
    matches!(
        event,
        Event::AttemptEnded { .. } | Event::CellsNotRun { .. } | Event::PhaseEnded { .. }
    )
}
