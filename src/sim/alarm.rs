//! A timer more precise than the runtime's, which counts in milliseconds.
//!
//! At a time scale of 20 a token every 10 ms is one every 0.5 ms. So a thread of its own sleeps until the moment and
//! wakes the one task that waits. It sleeps for good while there is nothing to wait for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// An alarm clock for one waiting task.
#[derive(Debug)]
pub(super) struct Alarm {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    setting: Mutex<Setting>,
    changed: Condvar,
    rang: Notify,
}

#[derive(Debug, Default)]
struct Setting {
    at: Option<Instant>,
    closed: bool,
}

impl Alarm {
    /// An alarm that is not set.
    pub(super) fn new() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("sim-alarm".to_owned())
            .spawn(move || of_thread.keep_time())?;
        Ok(Self { shared })
    }

    /// Ring at `at` instead of whatever it was set to, or not at all.
    pub(super) fn set(&self, at: Option<Instant>) {
        let mut setting = self.shared.setting();
        // An alarm that is later than before is noticed when the thread wakes for the earlier moment.
        let sooner = match (at, setting.at) {
            (Some(new), Some(old)) => new < old,
            (Some(_), None) => true,
            (None, _) => false,
        };
        setting.at = at;
        drop(setting);
        if sooner {
            self.shared.changed.notify_one();
        }
    }

    /// Wait until it rings.
    pub(super) async fn rang(&self) {
        self.shared.rang.notified().await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.setting().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn setting(&self) -> MutexGuard<'_, Setting> {
        // Nothing is left half done under this lock.
        self.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_time(&self) {
        let mut setting = self.setting();
        while !setting.closed {
            let Some(at) = setting.at else {
                setting = self.changed.wait(setting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                setting.at = None;
                self.rang.notify_one();
            } else {
                setting = self
                    .changed
                    .wait_timeout(setting, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_never_rings_early_and_the_last_setting_counts() {
        let alarm = Alarm::new().unwrap();
        let start = Instant::now();
        alarm.set(Some(start + Duration::from_mins(10)));
        alarm.set(Some(start + Duration::from_millis(3)));
        alarm.rang().await;
        assert!(start.elapsed() >= Duration::from_millis(3));
        assert!(start.elapsed() < Duration::from_mins(1));
    }

    #[tokio::test]
    async fn a_moment_that_is_past_rings_at_once() {
        let alarm = Alarm::new().unwrap();
        alarm.set(Some(Instant::now()));
        alarm.rang().await;
    }
}
