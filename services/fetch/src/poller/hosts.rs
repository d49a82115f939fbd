//! Manners: how many requests are made at once, overall and to one site, and how far apart those to one site start.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// Requests to one site at once.
const AT_ONCE: usize = 2;

/// The sites that have been asked, each with its pace. Grows with the sites of all feeds ever polled, some hundred
/// bytes each.
pub(super) struct Hosts {
    gap: Duration,
    all: Arc<Semaphore>,
    sites: Mutex<HashMap<String, Arc<Site>>>,
}

struct Site {
    slots: Arc<Semaphore>,
    /// When the next request may start.
    free: Mutex<Instant>,
}

/// The right to ask a site, and to hold its answer, until it is dropped.
pub(super) struct Turn {
    pub site: String,
    _permits: [OwnedSemaphorePermit; 2],
}

impl Hosts {
    pub fn new(gap: Duration, concurrency: usize) -> Self {
        Self { gap, all: Arc::new(Semaphore::new(concurrency)), sites: Mutex::default() }
    }

    /// Waits until `site` may be asked; `paced` unless it is the operator's own.
    pub async fn turn(&self, site: String, paced: bool) -> Turn {
        let entry = {
            let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Site { slots: Arc::new(Semaphore::new(AT_ONCE)), free: Mutex::new(Instant::now()) };
            sites.entry(site.clone()).or_insert_with(|| Arc::new(new())).clone()
        };
        let slot = entry.slots.clone().acquire_owned().await.expect("never closed");
        if paced {
            let start = {
                let mut free = entry.free.lock().unwrap_or_else(PoisonError::into_inner);
                let start = (*free).max(Instant::now());
                *free = start + self.gap;
                start
            };
            tokio::time::sleep_until(start).await;
        }
        // last, so that whoever waits for a slow site holds up no other
        let any = self.all.clone().acquire_owned().await.expect("never closed");
        Turn { site, _permits: [slot, any] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_site_is_paced_others_are_not_held_up() {
        let hosts = Hosts::new(Duration::from_secs(1), 9);
        let begun = Instant::now();
        for (site, paced, at) in [("a", true, 0), ("a", true, 1), ("b", true, 1), ("a", false, 1), ("a", true, 2)] {
            drop(hosts.turn(site.to_owned(), paced).await);
            assert_eq!(begun.elapsed().as_secs(), at, "{site}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_site_gets_two_requests_at_once() {
        let hosts = Hosts::new(Duration::ZERO, 9);
        let (_first, second) = (hosts.turn("a".to_owned(), true).await, hosts.turn("a".to_owned(), true).await);
        let third = hosts.turn("a".to_owned(), true);
        tokio::pin!(third);
        assert!(tokio::time::timeout(Duration::from_secs(9), &mut third).await.is_err());
        drop(second);
        assert!(tokio::time::timeout(Duration::from_secs(9), &mut third).await.is_ok());
    }
}
