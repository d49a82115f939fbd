//! The group requests, between the wire and the state machine.

use super::group::{Answer, Group, State, refused_sync};
use super::join::{Joining, refused};
use crate::node::Node;
use crate::store::Entry;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    ListGroupsRequest, ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};
use std::collections::BTreeSet;
use std::time::Instant;

fn code(result: Result<(), ResponseError>) -> i16 {
    result.map_or_else(|error| error.code(), |()| 0)
}

impl Node {
    pub async fn join_group(&self, request: JoinGroupRequest, version: i16, client: String) -> JoinGroupResponse {
        if request.group_id.is_empty() {
            return refused(ResponseError::InvalidGroupId, &request.member_id);
        }
        let now = Instant::now();
        let answer = {
            let mut groups = self.groups();
            let instance = request.group_instance_id.map(|i| i.to_string());
            let joining = Joining {
                id: request.member_id.to_string(),
                fresh_id: groups.fresh_id(instance.as_ref().unwrap_or(&client)),
                instance,
                protocol_type: request.protocol_type.to_string(),
                protocols: (request.protocols.into_iter()).map(|p| (p.name.to_string(), p.metadata)).collect(),
                session_timeout_ms: request.session_timeout_ms,
                rebalance_timeout_ms: request.rebalance_timeout_ms,
                client,
                twice: version >= 4,
            };
            let group = groups.by_id.entry(request.group_id.to_string());
            group.or_insert_with(|| Group::new(now)).join(joining, now)
        };
        match answer {
            Answer::Now(response) => response,
            Answer::Later(response) => {
                let gone = |_| refused(ResponseError::UnknownMemberId, "");
                response.await.unwrap_or_else(gone)
            }
        }
    }

    pub async fn sync_group(&self, request: SyncGroupRequest) -> SyncGroupResponse {
        let answer = match self.groups().by_id.get_mut(request.group_id.as_str()) {
            None => Answer::Now(refused_sync(ResponseError::UnknownMemberId)),
            Some(group) => {
                let assignments = request.assignments.into_iter();
                let assignments = assignments.map(|a| (a.member_id.to_string(), a.assignment));
                let (id, generation) = (request.member_id.as_str(), request.generation_id);
                group.sync(id, generation, &assignments.collect(), Instant::now())
            }
        };
        match answer {
            Answer::Now(response) => response,
            Answer::Later(response) => {
                let gone = |_| refused_sync(ResponseError::UnknownMemberId);
                response.await.unwrap_or_else(gone)
            }
        }
    }

    pub fn heartbeat(&self, request: &HeartbeatRequest) -> HeartbeatResponse {
        let mut groups = self.groups();
        let result = match groups.by_id.get_mut(request.group_id.as_str()) {
            None => Err(ResponseError::UnknownMemberId),
            Some(group) => {
                let instance = request.group_instance_id.as_deref();
                let generation = request.generation_id;
                match group.check(&request.member_id, instance, generation, Instant::now()) {
                    Ok(()) if group.state == State::Preparing => Err(ResponseError::RebalanceInProgress),
                    known => known,
                }
            }
        };
        HeartbeatResponse::default().with_error_code(code(result))
    }

    pub fn leave_group(&self, request: LeaveGroupRequest, version: i16) -> LeaveGroupResponse {
        let mut groups = self.groups();
        let response = LeaveGroupResponse::default();
        let Some(group) = groups.by_id.get_mut(request.group_id.as_str()) else {
            return response.with_error_code(ResponseError::UnknownMemberId.code());
        };
        let now = Instant::now();
        if version < 3 {
            return response.with_error_code(code(group.leave(&request.member_id, now)));
        }
        let mut left = Vec::new();
        for member in request.members {
            let instance = member.group_instance_id.as_deref();
            let holder = instance.and_then(|i| group.holder(i)).cloned();
            let id = holder.unwrap_or_else(|| member.member_id.to_string());
            left.push(
                MemberResponse::default()
                    .with_error_code(code(group.leave(&id, now)))
                    .with_member_id(member.member_id)
                    .with_group_instance_id(member.group_instance_id),
            );
        }
        response.with_members(left)
    }

    pub fn list_groups(&self, request: &ListGroupsRequest) -> ListGroupsResponse {
        let groups = self.groups();
        let mut names: BTreeSet<String> = self.store().content().offsets.keys().cloned().collect();
        names.extend(groups.by_id.keys().cloned());
        let mut listed = Vec::new();
        for name in names {
            let group = groups.by_id.get(&name);
            let state = group.map_or(State::Empty, |g| g.state).name();
            let filter = &request.states_filter;
            if filter.is_empty() || filter.iter().any(|s| s.as_str() == state) {
                let kind = group.map_or("consumer", |g| g.protocol_type.as_str()).to_owned();
                listed.push(
                    ListedGroup::default()
                        .with_group_id(GroupId(name.into()))
                        .with_protocol_type(kind.into())
                        .with_group_state(state.into()),
                );
            }
        }
        ListGroupsResponse::default().with_groups(listed)
    }

    pub fn describe_groups(&self, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
        let groups = self.groups();
        let store = self.store();
        let describe = |id: GroupId| {
            let described = DescribedGroup::default().with_group_id(id.clone()).with_authorized_operations(i32::MIN);
            let Some(group) = groups.by_id.get(id.as_str()) else {
                let committed = store.content().offsets.contains_key(id.as_str());
                return described.with_group_state(if committed { "Empty" } else { "Dead" }.into());
            };
            let members = group.members.iter().map(|(id, member)| {
                DescribedGroupMember::default()
                    .with_member_id(id.clone().into())
                    .with_group_instance_id(member.instance.clone().map(Into::into))
                    .with_client_id(member.client.clone().into())
                    .with_client_host("/127.0.0.1".into())
                    .with_member_metadata(member.metadata(&group.protocol))
                    .with_member_assignment(member.assignment.clone())
            });
            described
                .with_group_state(group.state.name().into())
                .with_protocol_type(group.protocol_type.clone().into())
                .with_protocol_data(group.protocol.clone().into())
                .with_members(members.collect())
        };
        let described = request.groups.into_iter().map(describe).collect();
        DescribeGroupsResponse::default().with_groups(described)
    }

    pub fn delete_groups(&self, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
        let mut groups = self.groups();
        let mut store = self.store();
        let mut delete = |id: &GroupId| {
            let joined = groups.by_id.get(id.as_str());
            if joined.is_some_and(|g| !g.members.is_empty()) {
                return Err(ResponseError::NonEmptyGroup);
            }
            if joined.is_none() && !store.content().offsets.contains_key(id.as_str()) {
                return Err(ResponseError::GroupIdNotFound);
            }
            let group = id.to_string();
            let recorded = store.record(vec![Entry::GroupDeleted { group }]);
            recorded.map_err(|_| ResponseError::CoordinatorNotAvailable)?;
            groups.by_id.remove(id.as_str());
            Ok(())
        };
        let results = request
            .groups_names
            .into_iter()
            .map(|id| DeletableGroupResult::default().with_error_code(code(delete(&id))).with_group_id(id));
        DeleteGroupsResponse::default().with_results(results.collect())
    }
}
