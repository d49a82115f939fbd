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

    /// Whether anybody has joined a group and not yet left.
    pub fn exists(&self, group: &str) -> bool {
        self.by_id.contains_key(group)
    }

    /// Whether a member of a group is subscribed to a topic, as far as its metadata can be read.
    pub fn reads(&self, group: &str, topic: &str) -> bool {
        let members = self.by_id.get(group).into_iter().flat_map(|group| group.members.values());
        members.flat_map(|m| &m.protocols).any(|(_, metadata)| subscribes(metadata, topic))
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

/// Looks for a topic in what a consumer says of itself: a version, a count, and that many strings.
fn subscribes(metadata: &[u8], topic: &str) -> bool {
    let Some((count, mut rest)) = metadata.get(2..).and_then(<[u8]>::split_first_chunk) else {
        return false;
    };
    for _ in 0..i32::from_be_bytes(*count) {
        let Some((length, tail)) = rest.split_first_chunk() else {
            return false;
        };
        let length = usize::from(u16::from_be_bytes(*length));
        match tail.get(..length) {
            Some(name) if name == topic.as_bytes() => return true,
            Some(_) => rest = &tail[length..],
            None => return false,
        }
    }
    false
}
