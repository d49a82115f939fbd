//! Joining a group: who may, under which id, and whether it starts a rebalance.

use super::group::{Answer, Group, Member, State, answer, refused_sync};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::JoinGroupResponse;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A request to join.
pub struct Joining {
    /// Empty: new.
    pub id: String,
    /// The id for a new member.
    pub fresh_id: String,
    /// `group.instance.id` of a static member.
    pub instance: Option<String>,
    pub protocol_type: String,
    pub protocols: Vec<(String, Bytes)>,
    pub session_timeout_ms: i32,
    pub rebalance_timeout_ms: i32,
    /// The client's own name.
    pub client: String,
    /// A new member must come back with its id (KIP-394; JoinGroup 4 and later).
    pub twice: bool,
}

impl Group {
    /// Lets a member in, or says why not.
    pub fn join(&mut self, joining: Joining, now: Instant) -> Answer<JoinGroupResponse> {
        self.try_join(joining, now).unwrap_or_else(|(error, id)| Answer::Now(refused(error, &id)))
    }

    fn try_join(
        &mut self,
        joining: Joining,
        now: Instant,
    ) -> Result<Answer<JoinGroupResponse>, (ResponseError, String)> {
        if !(1_000..=1_800_000).contains(&joining.session_timeout_ms) {
            return Err((ResponseError::InvalidSessionTimeout, joining.id));
        }
        let session = milliseconds(joining.session_timeout_ms);
        let shared = |(name, _): &(String, Bytes)| self.members.values().all(|m| m.supports(name));
        let fits = self.protocol_type == joining.protocol_type && joining.protocols.iter().any(shared);
        if !self.members.is_empty() && !fits {
            return Err((ResponseError::InconsistentGroupProtocol, joining.id));
        }
        let id = self.admit(&joining, session, now)?;

        let known = self.members.get(&id);
        let unchanged = known.is_some_and(|m| m.protocols == joining.protocols);
        let again = match self.state {
            State::Completing => unchanged,
            State::Stable => unchanged && self.leader != id,
            State::Empty | State::Preparing => false,
        };
        if again {
            return Ok(Answer::Now(joined(self, &id)));
        }
        let (sender, receiver) = oneshot::channel();
        let member = Member {
            instance: joining.instance,
            protocols: joining.protocols,
            session,
            rebalance: match joining.rebalance_timeout_ms {
                ms if ms > 0 => milliseconds(ms),
                _ => session,
            },
            seen: now,
            joining: Some(sender),
            syncing: None,
            assignment: known.map(|m| m.assignment.clone()).unwrap_or_default(),
            client: joining.client,
        };
        self.protocol_type = joining.protocol_type;
        self.members.insert(id, member);
        self.rebalance(now);
        self.advance(now);
        Ok(Answer::Later(receiver))
    }

    /// The id under which a member joins.
    fn admit(&mut self, joining: &Joining, session: Duration, now: Instant) -> Result<String, (ResponseError, String)> {
        let fresh = joining.fresh_id.clone();
        let id = joining.id.clone();
        match &joining.instance {
            Some(instance) if id.is_empty() => {
                if let Some(old) = self.holder(instance).cloned() {
                    self.replace(&old, &fresh);
                }
                Ok(fresh)
            }
            Some(instance) => match self.holder(instance) {
                Some(holder) if *holder != id => Err((ResponseError::FencedInstanceId, id)),
                None if !self.members.contains_key(&id) => Err((ResponseError::UnknownMemberId, id)),
                _ => Ok(id),
            },
            None if id.is_empty() && joining.twice => {
                self.pending.insert(fresh.clone(), now + session);
                Err((ResponseError::MemberIdRequired, fresh))
            }
            None if id.is_empty() => Ok(fresh),
            None if self.pending.remove(&id).is_some() || self.members.contains_key(&id) => Ok(id),
            None => Err((ResponseError::UnknownMemberId, id)),
        }
    }

    /// A static member has come back under a new id: it takes the old one's place.
    fn replace(&mut self, old: &str, new: &str) {
        let Some(mut member) = self.members.remove(old) else {
            return;
        };
        let fenced = ResponseError::FencedInstanceId;
        answer(member.joining.take(), || refused(fenced, old));
        answer(member.syncing.take(), || refused_sync(fenced));
        if self.leader == old {
            new.clone_into(&mut self.leader);
        }
        self.members.insert(new.to_owned(), member);
    }
}

/// What a member of the present generation is told; only the leader learns of the others.
pub fn joined(group: &Group, id: &str) -> JoinGroupResponse {
    let member = |(id, member): (&String, &Member)| {
        JoinGroupResponseMember::default()
            .with_member_id(id.clone().into())
            .with_group_instance_id(member.instance.clone().map(Into::into))
            .with_metadata(member.metadata(&group.protocol))
    };
    JoinGroupResponse::default()
        .with_generation_id(group.generation)
        .with_protocol_type(Some(group.protocol_type.clone().into()))
        .with_protocol_name(Some(group.protocol.clone().into()))
        .with_leader(group.leader.clone().into())
        .with_member_id(id.to_owned().into())
        .with_members(match group.leader == id {
            true => group.members.iter().map(member).collect(),
            false => Vec::new(),
        })
}

/// A refusal; the id is the one to come back with, or the one that was wrong.
pub fn refused(error: ResponseError, id: &str) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(error.code())
        .with_generation_id(-1)
        .with_member_id(id.to_owned().into())
        .with_protocol_name(Some("".into()))
}

fn milliseconds(ms: i32) -> Duration {
    Duration::from_millis(u64::from(ms.unsigned_abs()))
}
