//! Takes alerts to their receivers: one file and one line in [`Receiver`] per kind.
//!
//! A delivery waits for its due time, is attempted once, and its outcome goes back to the stage, which alone
//! decides whether to try again. Nothing is kept here, so nothing is lost with the process.

#[cfg(test)]
mod tests;
mod webhook;

pub use webhook::Config as WebhookConfig;

use crate::{Config, Delivered, Delivery, Outcome, Sink};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tidings_model::Timestamp;
use tidings_stage::{Answer, Hands, Problem};
use tokio::{runtime::Handle, sync::Semaphore};
use webhook::Webhook;

/// Deliveries on their way at once.
const CONCURRENT: usize = 16;
/// No delivery waits longer, whatever its due time: a clock may have been put back.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// The sink's hands.
pub struct Notifier {
    receivers: BTreeMap<String, Arc<Receiver>>,
    slots: Arc<Semaphore>,
    runtime: Handle,
}

/// Whoever takes alerts.
enum Receiver {
    Webhook(Webhook),
}

impl Receiver {
    async fn take(&self, delivery: &Delivery) -> Outcome {
        match self {
            Self::Webhook(webhook) => webhook.post(delivery, now()).await,
        }
    }
}

impl Notifier {
    /// Hands that work on `runtime`; secrets are read from their files now.
    pub fn new(config: &Config, runtime: Handle) -> Result<Self, Vec<Problem>> {
        let (mut receivers, mut problems) = (BTreeMap::new(), Vec::new());
        for (i, config) in config.webhooks.iter().enumerate() {
            match Webhook::new(config) {
                Ok(webhook) => {
                    receivers.insert(config.name.clone(), Arc::new(Receiver::Webhook(webhook)));
                }
                Err(problem) => problems.push(Problem { key: format!("webhooks[{i}].{}", problem.key), ..problem }),
            }
        }
        if problems.is_empty() {
            Ok(Self { receivers, slots: Arc::new(Semaphore::new(CONCURRENT)), runtime })
        } else {
            Err(problems)
        }
    }
}

impl Hands<Sink> for Notifier {
    fn perform(&self, delivery: Delivery, answer: Answer<Sink>) {
        let receiver = self.receivers.get(&delivery.receiver).cloned();
        let slots = self.slots.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(delivery.due.since(now()).min(LONGEST_WAIT)).await;
            let outcome = match receiver {
                Some(receiver) => {
                    let _slot = slots.acquire().await;
                    receiver.take(&delivery).await
                }
                None => Outcome::Refused("no receiver of that name is configured".to_owned()),
            };
            answer(Delivered { key: delivery.key(), outcome });
        });
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
