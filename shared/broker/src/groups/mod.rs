//! Consumer groups: their state machines and the requests that drive them.
//!
//! Memory only, as a client sees it: after a restart members join again; what they committed is in the store.

mod group;
mod join;
mod requests;
#[cfg(test)]
mod tests;

use group::Group;
use kafka_protocol::ResponseError;
use std::collections::BTreeMap;
use std::time::Instant;

/// All groups that anybody has joined.
pub struct Groups {
    by_id: BTreeMap<String, Group>,
    /// Grows with every id given out; begins at the clock, so no id comes twice after a restart.
    member_ids: i64,
}

impl Groups {
    pub fn new(seed: i64) -> Groups {
        Groups { by_id: BTreeMap::new(), member_ids: seed }
    }

    fn fresh_id(&mut self, name: &str) -> String {
        self.member_ids += 1;
        format!("{name}-{:x}", self.member_ids)
    }

    /// Whether a member may commit for a group. A group that nobody joined takes commits from outside the
    /// group protocol only.
    pub fn check(
        &mut self,
        group: &str,
        member: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), ResponseError> {
        match self.by_id.get_mut(group) {
            Some(group) => group.check(member, instance, generation, Instant::now()),
            None if generation < 0 => Ok(()),
            None => Err(ResponseError::IllegalGeneration),
        }
    }

    /// Whether the members of a group wait for their assignments.
    pub fn is_completing(&self, group: &str) -> bool {
        self.by_id.get(group).is_some_and(|g| g.state == group::State::Completing)
    }

    /// Lets time pass in every group, and forgets those that everybody has left. Their generations begin
    /// anew, which lets no one in again: member ids never come twice.
    pub fn tick(&mut self, now: Instant) {
        self.by_id.values_mut().for_each(|group| group.tick(now));
        self.by_id.retain(|_, group| !group.is_deserted());
    }
}
