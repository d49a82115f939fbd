//! One consumer group of the classic protocol, as a state machine: time is an argument, answers that must
//! wait are channels.
//!
//! ```text
//!            first join             everyone joined, or time is up        leader syncs
//!   Empty ───────────────► Preparing ───────────────────────────► Completing ─────────────► Stable
//!     ▲                        ▲ a join, a leave, a death anywhere ──────┴────────────────────┘
//!     └── nobody is left ──────┘
//! ```
//! Promises: a generation's members all get the same protocol and each its own assignment; a member that died,
//! even while the group rebalances, holds it up no longer than its session timeout.
//!
//! KIP-134 (initial delay), KIP-345 (static members), KIP-394 (member ids); `GroupCoordinator` of Apache Kafka.

use super::join::joined;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a new group waits for company (`group.initial.rebalance.delay.ms`; Kafka's default is 3 s).
const INITIAL_DELAY: Duration = Duration::from_millis(100);

/// An answer, or the promise of one.
pub enum Answer<T> {
    Now(T),
    Later(oneshot::Receiver<T>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Empty,
    Preparing,
    Completing,
    Stable,
}

impl State {
    /// As clients print it.
    pub fn name(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::Preparing => "PreparingRebalance",
            State::Completing => "CompletingRebalance",
            State::Stable => "Stable",
        }
    }
}

/// A member of the present or the coming generation.
pub struct Member {
    /// `group.instance.id` of a static member.
    pub instance: Option<String>,
    /// Name and metadata, the preferred first.
    pub protocols: Vec<(String, Bytes)>,
    pub session: Duration,
    pub rebalance: Duration,
    pub seen: Instant,
    pub joining: Option<oneshot::Sender<JoinGroupResponse>>,
    pub syncing: Option<oneshot::Sender<SyncGroupResponse>>,
    pub assignment: Bytes,
    pub client: String,
}

impl Member {
    /// What it said of itself under `protocol`.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    pub fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }
}

/// A consumer group.
pub struct Group {
    pub state: State,
    pub generation: i32,
    pub protocol_type: String,
    pub protocol: String,
    pub leader: String,
    pub members: BTreeMap<String, Member>,
    /// Ids given to members that have yet to come back with them, and until when they may.
    pub pending: BTreeMap<String, Instant>,
    /// Before this moment a rebalance doesn't end, even if all are here.
    settles: Instant,
    /// At this moment a rebalance ends, whoever is here.
    deadline: Instant,
}

impl Group {
    pub fn new(now: Instant) -> Group {
        Group {
            state: State::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: String::new(),
            members: BTreeMap::new(),
            pending: BTreeMap::new(),
            settles: now,
            deadline: now,
        }
    }

    /// Whether nobody is here or about to come.
    pub fn is_deserted(&self) -> bool {
        self.state == State::Empty && self.members.is_empty() && self.pending.is_empty()
    }

    /// The member that holds this instance id.
    pub fn holder(&self, instance: &str) -> Option<&String> {
        let mut members = self.members.iter();
        members.find(|(_, m)| m.instance.as_deref() == Some(instance)).map(|(id, _)| id)
    }

    /// Begins a rebalance, unless one is on.
    pub fn rebalance(&mut self, now: Instant) {
        let longest = self.members.values().map(|m| m.rebalance).max();
        match self.state {
            State::Preparing => return,
            State::Empty => {
                self.settles = now + INITIAL_DELAY;
                self.deadline = self.settles;
            }
            State::Completing | State::Stable => {
                self.settles = now;
                self.deadline = now + longest.unwrap_or(INITIAL_DELAY);
            }
        }
        if self.state == State::Completing {
            for member in self.members.values_mut() {
                member.assignment = Bytes::new();
                answer(member.syncing.take(), || refused_sync(ResponseError::RebalanceInProgress));
            }
        }
        self.state = State::Preparing;
    }

    /// Ends a rebalance if it is time: drops who didn't come, chooses the protocol, answers the joins.
    pub fn advance(&mut self, now: Instant) {
        let complete = self.pending.is_empty() && self.members.values().all(|m| m.joining.is_some());
        let due = now >= self.deadline || (now >= self.settles && complete);
        if self.state != State::Preparing || !due {
            return;
        }
        self.members.retain(|_, member| member.joining.is_some());
        self.generation += 1;
        let Some(first) = self.members.keys().next().cloned() else {
            self.state = State::Empty;
            self.protocol.clear();
            self.leader.clear();
            return;
        };
        if !self.members.contains_key(&self.leader) {
            self.leader = first;
        }
        self.protocol = self.vote();
        self.state = State::Completing;
        let responses: Vec<_> = self.members.keys().map(|id| joined(self, id)).collect();
        for (member, response) in self.members.values_mut().zip(responses) {
            member.seen = now;
            answer(member.joining.take(), || response);
        }
    }

    /// The protocol that most members prefer among those that all support.
    fn vote(&self) -> String {
        let common = |name: &str| self.members.values().all(|m| m.supports(name));
        let mut votes = BTreeMap::<&str, usize>::new();
        for member in self.members.values() {
            let preferred = member.protocols.iter().find(|(name, _)| common(name));
            if let Some((name, _)) = preferred {
                *votes.entry(name).or_default() += 1;
            }
        }
        let winner = votes.into_iter().max_by_key(|(_, count)| *count);
        winner.map(|(name, _)| name.to_owned()).unwrap_or_default()
    }

    /// Whether a member may act in a generation; it counts as a sign of life. An empty id and generation -1
    /// come from clients outside the group protocol, which may act while the group is empty.
    pub fn check(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        if generation < 0 && id.is_empty() {
            return match self.members.is_empty() {
                true => Ok(()),
                false => Err(ResponseError::UnknownMemberId),
            };
        }
        if instance.and_then(|i| self.holder(i)).is_some_and(|holder| holder != id) {
            return Err(ResponseError::FencedInstanceId);
        }
        let member = self.members.get_mut(id).ok_or(ResponseError::UnknownMemberId)?;
        if self.generation != generation {
            return Err(ResponseError::IllegalGeneration);
        }
        member.seen = now;
        Ok(())
    }

    /// Hands out assignments when the leader syncs; the others wait for it.
    pub fn sync(
        &mut self,
        id: &str,
        generation: i32,
        assignments: &BTreeMap<String, Bytes>,
        now: Instant,
    ) -> Answer<SyncGroupResponse> {
        if !self.members.contains_key(id) {
            return Answer::Now(refused_sync(ResponseError::UnknownMemberId));
        }
        if generation != self.generation {
            return Answer::Now(refused_sync(ResponseError::IllegalGeneration));
        }
        match self.state {
            State::Empty => return Answer::Now(refused_sync(ResponseError::UnknownMemberId)),
            State::Preparing => {
                return Answer::Now(refused_sync(ResponseError::RebalanceInProgress));
            }
            State::Completing | State::Stable => {}
        }
        let (sender, receiver) = oneshot::channel();
        if let Some(member) = self.members.get_mut(id) {
            member.seen = now;
            member.syncing = Some(sender);
        }
        if self.state == State::Completing && self.leader == id {
            for (id, member) in &mut self.members {
                member.assignment = assignments.get(id).cloned().unwrap_or_default();
                member.seen = now;
            }
            self.state = State::Stable;
        }
        if self.state == State::Stable {
            let kind = Some(self.protocol_type.clone().into());
            let protocol = Some(self.protocol.clone().into());
            for member in self.members.values_mut() {
                answer(member.syncing.take(), || {
                    SyncGroupResponse::default()
                        .with_assignment(member.assignment.clone())
                        .with_protocol_type(kind.clone())
                        .with_protocol_name(protocol.clone())
                });
            }
        }
        Answer::Later(receiver)
    }

    /// Takes a member out, and begins a rebalance among the rest.
    pub fn leave(&mut self, id: &str, now: Instant) -> Result<(), ResponseError> {
        self.pending.remove(id);
        let Some(mut member) = self.members.remove(id) else {
            self.advance(now);
            return Err(ResponseError::UnknownMemberId);
        };
        let gone = ResponseError::UnknownMemberId.code();
        answer(member.joining.take(), || JoinGroupResponse::default().with_error_code(gone));
        answer(member.syncing.take(), || refused_sync(ResponseError::UnknownMemberId));
        if self.members.is_empty() && self.state != State::Preparing {
            self.state = State::Empty;
            self.generation += 1;
        } else {
            self.rebalance(now);
            self.advance(now);
        }
        Ok(())
    }

    /// Removes the dead and the promised who didn't come, and ends what is due.
    pub fn tick(&mut self, now: Instant) {
        self.pending.retain(|_, until| *until > now);
        let dead = |m: &Member| {
            let waits = m.joining.is_some() || m.syncing.is_some();
            !waits && now.saturating_duration_since(m.seen) > m.session
        };
        let dead: Vec<_> = self.members.iter().filter(|(_, m)| dead(m)).map(|(id, _)| id.clone()).collect();
        for id in dead {
            tracing::debug!(member = id, "session timed out");
            // An error: the one before it was waited for no longer, so the rebalance has ended without both.
            let _ = self.leave(&id, now);
        }
        self.advance(now);
    }
}

/// Sends a response to a request that waits, if one does; nobody listens when its connection has gone.
pub fn answer<T>(waiting: Option<oneshot::Sender<T>>, response: impl FnOnce() -> T) {
    if let Some(sender) = waiting {
        let _ = sender.send(response());
    }
}

pub fn refused_sync(error: ResponseError) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(error.code())
}
