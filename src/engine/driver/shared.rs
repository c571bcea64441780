//! The state as the actor and subscribers see it, and the subscribers.

use crate::engine::event::{Record, Signal};
use crate::engine::state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Signals that may wait for a subscriber, before the engine does.
const SIGNALS: usize = 1024;

/// Written by the actor alone.
#[derive(Debug)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    /// Cancelled once a stop was asked for: then nobody is waited for any more.
    hurry: CancellationToken,
}

#[derive(Debug)]
struct Inner {
    state: State,
    subscribers: Vec<mpsc::Sender<Signal>>,
    ended: bool,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state,
                subscribers: Vec::new(),
                ended: false,
            }),
            hurry: CancellationToken::new(),
        }
    }

    /// The fold cannot panic half-way through, so a poisoned lock holds a whole state.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look at the state.
    pub(super) fn with<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock().state)
    }

    pub(super) fn subscribe(&self) -> (State, mpsc::Receiver<Signal>) {
        let (sender, receiver) = mpsc::channel(SIGNALS);
        let mut inner = self.lock();
        if !inner.ended {
            inner.subscribers.push(sender);
        }
        (inner.state.clone(), receiver)
    }

    /// Take records that are on disk into the state, and tell everybody. Who subscribes meanwhile finds them in the
    /// state, and is not told again.
    pub(super) async fn publish(&self, records: Vec<Record>) {
        let subscribers = {
            let mut inner = self.lock();
            for record in &records {
                inner.state.apply(record);
            }
            inner.subscribers.clone()
        };
        let signals = records.into_iter().map(Signal::Recorded).collect();
        self.deliver(&subscribers, signals).await;
    }

    /// Tell everybody something that is not to be missed.
    pub(super) async fn send(&self, signals: Vec<Signal>) {
        let subscribers = self.lock().subscribers.clone();
        self.deliver(&subscribers, signals).await;
    }

    async fn deliver(&self, subscribers: &[mpsc::Sender<Signal>], signals: Vec<Signal>) {
        for subscriber in subscribers {
            for signal in &signals {
                if !self.deliver_one(subscriber, signal).await {
                    self.lock()
                        .subscribers
                        .retain(|other| !other.same_channel(subscriber));
                    break;
                }
            }
        }
    }

    /// Whether the subscriber has it. One that is gone has not; nor has one that stopped listening long ago (a pipe
    /// that nobody reads) when the sweep is to be stopped: its channel ends, since it would keep the stop waiting.
    async fn deliver_one(&self, subscriber: &mpsc::Sender<Signal>, signal: &Signal) -> bool {
        tokio::select! {
            biased;
            sent = subscriber.send(signal.clone()) => sent.is_ok(),
            () = self.hurry.cancelled() => false,
        }
    }

    /// A stop was asked for.
    pub(super) fn hurry(&self) {
        self.hurry.cancel();
    }

    /// Tell those who can take it now.
    pub(super) fn hint(&self, signal: &Signal) {
        for subscriber in &self.lock().subscribers {
            // Whoever is behind gets the next one.
            drop(subscriber.try_send(signal.clone()));
        }
    }

    /// The engine has ended: subscribers see the end of their channels. Returns the last state.
    pub(super) fn end(&self) -> State {
        let mut inner = self.lock();
        inner.ended = true;
        inner.subscribers.clear();
        inner.state.clone()
    }
}
