//! The state machine without a clock or a network: each test says when things happen.

use super::group::{Answer, Group, State};
use super::join::Joining;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A member as librdkafka makes it: session 6 s, rebalance timeout 300 s (its `max.poll.interval.ms`).
fn joining(id: &str) -> Joining {
    Joining {
        id: id.into(),
        fresh_id: "fresh".into(),
        instance: None,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::from_static(b"topics"))],
        session_timeout_ms: 6_000,
        rebalance_timeout_ms: 300_000,
        client: "test".into(),
        twice: true,
    }
}

fn waits<T>(answer: Answer<T>) -> tokio::sync::oneshot::Receiver<T> {
    match answer {
        Answer::Later(receiver) => receiver,
        Answer::Now(_) => panic!("answered at once"),
    }
}

fn at_once(answer: Answer<JoinGroupResponse>) -> JoinGroupResponse {
    match answer {
        Answer::Now(response) => response,
        Answer::Later(_) => panic!("waits"),
    }
}

/// Gets a member id and joins with it.
fn enter(group: &mut Group, id: &str, now: Instant) -> tokio::sync::oneshot::Receiver<JoinGroupResponse> {
    let first = Joining { fresh_id: id.into(), ..joining("") };
    let told = at_once(group.join(first, now));
    assert_eq!(told.error_code, ResponseError::MemberIdRequired.code());
    waits(group.join(joining(&told.member_id), now))
}

/// A stable group of one member, `a`, that joined at `now`.
fn of_one(now: Instant) -> Group {
    let mut group = Group::new(now);
    let mut joined = enter(&mut group, "a", now);
    assert!(joined.try_recv().is_err(), "a new group waits for company");
    group.tick(now + SECOND / 5);
    assert_eq!(joined.try_recv().unwrap().leader.as_str(), "a");
    let assignments = BTreeMap::from([("a".to_owned(), Bytes::from_static(b"all"))]);
    let mut synced = waits(group.sync("a", 1, &assignments, now + SECOND / 5));
    assert_eq!(synced.try_recv().unwrap().assignment, "all");
    assert_eq!(group.state, State::Stable);
    group
}

/// Once a dead member held a rebalance up for librdkafka's 300 s, for only the living were watched.
#[test]
fn a_member_that_dies_in_a_rebalance_holds_it_up_for_its_session_only() {
    let now = Instant::now();
    let mut group = of_one(now);
    let mut joined = enter(&mut group, "b", now + SECOND);
    group.tick(now + 6 * SECOND);
    assert_eq!(group.state, State::Preparing);
    assert!(joined.try_recv().is_err());
    group.tick(now + 7 * SECOND);
    let response = joined.try_recv().unwrap();
    assert_eq!((response.leader.as_str(), response.members.len()), ("b", 1));
}

/// The same of a member that was given an id and never came back.
#[test]
fn a_promised_member_that_does_not_come_holds_it_up_for_its_session_only() {
    let now = Instant::now();
    let mut group = of_one(now);
    at_once(group.join(joining(""), now + SECOND)); // given "fresh"
    let mut joined = enter(&mut group, "b", now + SECOND);
    let mut again = waits(group.join(joining("a"), now + SECOND));
    group.tick(now + 6 * SECOND);
    assert!(joined.try_recv().is_err() && again.try_recv().is_err());
    group.tick(now + 8 * SECOND);
    assert_eq!(joined.try_recv().unwrap().generation_id, 2);
    assert_eq!(again.try_recv().unwrap().members.len(), 2);
}

/// Once the second one's death was a panic that took the broker with it; fuzzing found it.
#[test]
fn two_members_die_in_a_rebalance_that_is_late() {
    let now = Instant::now();
    let mut group = Group::new(now);
    let short = |id: &str| Joining { rebalance_timeout_ms: 1_000, twice: false, ..joining(id) };
    let mut joined = ["a", "b", "c"].map(|id| waits(group.join(Joining { fresh_id: id.into(), ..short("") }, now)));
    group.tick(now + SECOND / 5);
    let _ = group.sync("a", 1, &BTreeMap::new(), now + SECOND / 5);
    joined[2] =
        waits(group.join(Joining { protocols: vec![("range".into(), "new".into())], ..short("c") }, now + 6 * SECOND));
    group.tick(now + 7 * SECOND);
    assert_eq!(joined[2].try_recv().unwrap().members.len(), 1);
}

#[test]
fn the_leader_assigns_and_a_late_generation_is_refused() {
    let now = Instant::now();
    let mut group = of_one(now);
    let mut second = enter(&mut group, "b", now + SECOND);
    let refused = group.check("a", None, 1, now + SECOND);
    assert_eq!(refused, Ok(()), "the old generation may still commit while it rebalances");
    let mut first = waits(group.join(joining("a"), now + SECOND));
    assert_eq!(first.try_recv().unwrap().members.len(), 2);
    assert_eq!(second.try_recv().unwrap().members.len(), 0, "only the leader assigns");
    let mut synced = waits(group.sync("b", 2, &BTreeMap::new(), now + SECOND));
    assert!(synced.try_recv().is_err());
    let halves = [("a".to_owned(), Bytes::from_static(b"1")), ("b".to_owned(), "2".into())];
    let _ = group.sync("a", 2, &halves.into(), now + SECOND);
    assert_eq!(synced.try_recv().unwrap().assignment, "2");
    let table = [
        ("a", 1, Err(ResponseError::IllegalGeneration)),
        ("c", 2, Err(ResponseError::UnknownMemberId)),
        ("", -1, Err(ResponseError::UnknownMemberId)),
        ("b", 2, Ok(())),
    ];
    for (id, generation, wanted) in table {
        assert_eq!(group.check(id, None, generation, now), wanted, "{id} {generation}");
    }
}

#[test]
fn a_static_member_comes_back_without_a_rebalance_and_fences_itself() {
    let now = Instant::now();
    let mut group = Group::new(now);
    let named = |id: &str, instance: &str, fresh: &str| Joining {
        instance: Some(instance.into()),
        fresh_id: fresh.into(),
        ..joining(id)
    };
    let _leader = waits(group.join(named("", "i1", "a1"), now));
    let _other = waits(group.join(named("", "i2", "b1"), now));
    group.tick(now + SECOND);
    let _ = group.sync("a1", 1, &BTreeMap::from([("b1".into(), "half".into())]), now + SECOND);
    let back = at_once(group.join(named("", "i2", "b2"), now + SECOND));
    assert_eq!((back.member_id.as_str(), back.generation_id, group.state), ("b2", 1, State::Stable));
    let mut synced = waits(group.sync("b2", 1, &BTreeMap::new(), now + SECOND));
    let SyncGroupResponse { assignment, .. } = synced.try_recv().unwrap();
    assert_eq!(assignment, "half");
    let fenced = group.check("b1", Some("i2"), 1, now + SECOND);
    assert_eq!(fenced, Err(ResponseError::FencedInstanceId));
}

#[test]
fn what_can_not_join() {
    let now = Instant::now();
    let mut group = of_one(now);
    let other = Joining { protocols: vec![("sticky".into(), Bytes::new())], ..joining("") };
    let hasty = Joining { session_timeout_ms: 10, ..joining("") };
    for (joining, wanted) in [
        (other, ResponseError::InconsistentGroupProtocol),
        (hasty, ResponseError::InvalidSessionTimeout),
        (joining("stranger"), ResponseError::UnknownMemberId),
    ] {
        assert_eq!(at_once(group.join(joining, now)).error_code, wanted.code());
    }
    group.leave("a", now).unwrap();
    assert_eq!((group.state, group.generation), (State::Empty, 2));
}
