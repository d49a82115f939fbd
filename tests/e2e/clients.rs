//! The ground that the other tests stand on: Apache Kafka starts and survives, and three clients read the same.

use tidings_tests::kafka::Kafka;
use tidings_tests::read::{Client, read_with, write, write_transactions};

#[test]
fn three_clients_read_the_same_and_nothing_that_was_aborted() {
    let kafka = Kafka::shared();
    let topic = format!("clients-{}", std::process::id());
    write_transactions(kafka.brokers(), &topic);
    write(kafka.brokers(), &topic, b"plain", &[(b"a", b"1"), (b"b", b"2")], b"from kcat");

    let kcat = read_with(Client::Kcat, kafka.brokers(), &topic);
    let mut keys = kcat.iter().filter_map(|record| record.key.as_deref()).collect::<Vec<_>>();
    keys.sort_unstable();
    assert_eq!(keys, ["committed-0-0", "committed-0-1", "committed-2-0", "committed-2-1", "plain"]);
    let plain = kcat.iter().find(|record| record.key.as_deref() == Some("plain")).unwrap();
    assert_eq!(
        (plain.header("a"), plain.header("b"), plain.value.as_deref()),
        (Some("1"), Some("2"), Some("from kcat"))
    );
    for client in [Client::Confluent, Client::Aiokafka] {
        assert_eq!(read_with(client, kafka.brokers(), &topic), kcat, "{client:?}");
    }
}

#[test]
fn a_killed_broker_comes_back_with_its_data() {
    let Some(mut kafka) = Kafka::to_kill() else { return };
    let topic = "kept";
    write_transactions(kafka.brokers(), topic);
    let before = read_with(Client::Kcat, kafka.brokers(), topic);
    kafka.kill9();
    kafka.restart();
    assert_eq!(read_with(Client::Kcat, kafka.brokers(), topic), before);
}
