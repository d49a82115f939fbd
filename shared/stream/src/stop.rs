//! The wish to stop, shared by all threads of a process, and by a task and its owner.
//!
//! Who may be told to stop looks at it all the time. So whoever tells also sees when someone no longer looks: it hangs.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Cheap to clone; once stopped, it stays so.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    since: Mutex<Option<Instant>>,
    told: Condvar,
    looks: AtomicU64,
}

impl Stop {
    /// Not stopped yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every wait, now and later.
    pub fn stop(&self) {
        self.0.since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        self.0.told.notify_all();
    }

    /// Whether it is time to end.
    pub fn is_stopped(&self) -> bool {
        self.since().is_some()
    }

    /// When it was stopped first.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.look();
        *self.0.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps, but not beyond the stop. Returns whether it is time to end.
    pub fn wait(&self, duration: Duration) -> bool {
        self.look();
        let since = self.0.since.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.told.wait_timeout_while(since, duration, |since| since.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    /// How often anyone has looked whether it is time to end.
    pub(crate) fn looks(&self) -> u64 {
        self.0.looks.load(Ordering::Relaxed)
    }

    fn look(&self) {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
    }
}
