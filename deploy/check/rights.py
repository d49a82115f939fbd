"""The rights of the Kafka users are what each needs, no more and no less.

No more: the lists are those that follow from who reads and writes which topic (LINE). Enough: five services on an Apache
Kafka that authenticates with SCRAM and authorises by those lists, from a feed and snippets to enriched items; then the
commands of the runbooks as the operator's user, and a subscriber. What belongs to others is refused there, too."""
import http.server
import json
import logging
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, ResourcePatternType,
                                   ResourceType)
from rendered import DEPLOY, report, resources

sys.path.insert(0, str(DEPLOY / "observe"))
from observe import free_port  # noqa: E402

ROOT = DEPLOY.parent
TIDINGS = os.environ.get("TIDINGS", ROOT / "target/debug/tidings")
# what each stage reads and writes besides its own state and dead letters; intake's HTTP door writes to the inbox
LINE = {
    "fetch": (["feeds.v1"], ["feeds.status.v1", "news.raw.v1"]),
    "intake": (["news.inbox.v1"], ["news.inbox.v1", "news.raw.v1"]),
    "dedup": (["news.raw.v1"], ["news.unique.v1", "news.duplicates.v1"]),
    "enrich": (["news.unique.v1"], ["news.enriched.v1"]),
    "sink": (["news.enriched.v1", "news.duplicates.v1"], ["news.alerts.v1"]),
}
STORIES = ["news.enriched.v1", "news.duplicates.v1", "news.alerts.v1"]
QUIET = logging.Logger("refusals")
PASSWORD = "a password for a minute"
SNIPPETS = ROOT / "tests/e2e/three.txt"
FEED = b"""<rss version="2.0"><channel><title>Harbour News</title><link>http://harbour.example/</link>
<item><guid>1</guid><title>Ferry to Torsay runs again after the storm</title>
<description>The first boat left Arden at noon with forty passengers.</description></item></channel></rss>"""


def needed():
    """By user, the rights that follow from the registry of topics and LINE, as (type, name, pattern, operation)."""
    listed = subprocess.run([TIDINGS, "topics", "list"], check=True, capture_output=True, text=True).stdout
    topics = {line.split()[0] for line in listed.splitlines()}
    families = {name.split(".")[0] + "." for name in topics}
    states = {stage: {f"{stage}.state.v1"} & topics for stage in LINE}
    inputs = {topic for reads, _ in LINE.values() for topic in reads}
    public = {name.split(".")[0] + "." for name in topics - set().union(*states.values())}

    def each(kind, names, pattern, *operations):
        return {(kind, name, pattern, operation) for name in names for operation in operations}

    users = {
        f"tidings-{stage}": each("topic", families, "prefix", "Describe")
        | each("topic", {*reads, *states[stage]}, "literal", "Read")
        | each("topic", {*writes, *states[stage], "news.dlq.v1"}, "literal", "Write")
        | each("group", [stage], "literal", "Read", "Describe")
        | each("transactionalId", [f"{stage}."], "prefix", "Write", "Describe")
        for stage, (reads, writes) in LINE.items()}
    return users | {
        "tidings-feeds": each("topic", ["feeds.v1"], "literal", "Describe", "Read", "Write"),
        "tidings-keda": each("topic", ["feeds.v1", "news.unique.v1"], "literal", "Describe")
        | each("group", ["fetch", "enrich"], "literal", "Describe"),
        "tidings-operator": each("topic", families, "prefix", "Describe", "DescribeConfigs")
        | each("topic", public, "prefix", "Read") | each("topic", inputs, "literal", "Write")
        | each("group", LINE, "literal", "Read", "Describe"),
        "newsdesk": each("topic", STORIES, "literal", "Read", "Describe") | each("group", ["newsdesk"], "literal", "Read"),
    }


def differences(users):
    """Where the rendered lists are not those."""
    wanted = needed()
    found = {user["metadata"]["name"]: {
        (acl["resource"]["type"], acl["resource"]["name"], acl["resource"]["patternType"], operation)
        for acl in user["spec"]["authorization"]["acls"] for operation in acl["operations"]} for user in users}
    for name in sorted({*wanted, *found}):
        more, less = found.get(name, set()) - wanted.get(name, set()), wanted.get(name, set()) - found.get(name, set())
        yield from (f"{name} has a right that it does not need: {' '.join(each)}" for each in sorted(more))
        yield from (f"{name} lacks a right: {' '.join(each)}" for each in sorted(less))


class Publisher(http.server.BaseHTTPRequestHandler):
    """A feed with one entry."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/rss+xml")
        self.end_headers()
        self.wfile.write(FEED)

    def log_message(self, *_):
        pass


class Kafka:
    """One node: strangers come in by SCRAM, whoever sets it up by a port of its own, as super user."""

    def __init__(self, folder, users):
        self.folder, jars = folder, subprocess.run([ROOT / "tests/kafka/install"], check=True, capture_output=True,
                                                   text=True).stdout.strip()
        scram, admin, controller = free_port(), free_port(), free_port()
        self.scram, self.admin = f"127.0.0.1:{scram}", f"127.0.0.1:{admin}"
        (folder / "server.properties").write_text(f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SCRAM://{self.scram},ADMIN://{self.admin},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=SCRAM:SASL_PLAINTEXT,ADMIN:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=ADMIN
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
log.dirs={folder}/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
""")
        self.java = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
        scrams = [f"SCRAM-SHA-512=[name={user},password={PASSWORD}]" for user in users]
        subprocess.run([*self.java, "kafka.tools.StorageTool", "format", "-t", "tidings-checks-0000000",
                        "-c", folder / "server.properties", *sum((["--add-scram", each] for each in scrams), [])],
                       check=True, capture_output=True)
        log = open(folder / "kafka.log", "wb")
        self.process = subprocess.Popen([*self.java, "kafka.Kafka", folder / "server.properties"], cwd=folder,
                                        stdout=log, stderr=log)
        self.client = AdminClient({"bootstrap.servers": self.admin, "log_level": 0})
        deadline = time.monotonic() + 90
        while True:
            try:
                self.client.list_topics(timeout=2)
                return
            except Exception:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    sys.exit(f"rights: Kafka does not start: {(folder / 'kafka.log').read_text()[-2000:]}")

    def grant(self, resources):
        """What Strimzi's user operator would make of the manifests."""
        kinds = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP,
                 "transactionalId": ResourceType.TRANSACTIONAL_ID}
        patterns = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}
        bindings = [
            AclBinding(kinds[acl["resource"]["type"]], acl["resource"]["name"], patterns[acl["resource"]["patternType"]],
                       f"User:{user['metadata']['name']}", "*", AclOperation[re.sub("(?<=[a-z])(?=[A-Z])", "_", operation).upper()],
                       AclPermissionType.ALLOW)
            for user in resources for acl in user["spec"]["authorization"]["acls"] for operation in acl["operations"]]
        for done in self.client.create_acls(bindings).values():
            done.result(20)
        return len(bindings)


    def as_user(self, user, **more):
        return {"bootstrap.servers": self.scram, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": user, "sasl.password": PASSWORD, "log_level": 0, **more}

    def begins(self, user, transactional):
        """Whether the user may be that producer."""
        try:
            Producer(self.as_user(user, **{"transactional.id": transactional}), logger=QUIET).init_transactions(20)
        except KafkaException as refused:
            return "AUTHORIZATION" not in refused.args[0].name()
        return True

    def reads(self, user, group, topic):
        """Whether the user gets a record of the topic as a member of the group."""
        consumer = Consumer(self.as_user(user, **{"group.id": group, "auto.offset.reset": "earliest"}), logger=QUIET)
        consumer.subscribe([topic])
        deadline, got = time.monotonic() + 20, None
        while got is None and time.monotonic() < deadline:
            got = consumer.poll(1)
        consumer.close()
        return got is not None and not got.error()

    def trespasses(self):
        """What a user may that is another's, and what it may not that is its own."""
        tried = [
            ("tidings-enrich may be producer", "enrich.0", self.begins("tidings-enrich", "enrich.0"), True),
            ("tidings-enrich may be producer", "dedup.0", self.begins("tidings-enrich", "dedup.0"), False),
            ("tidings-enrich may join group", "enrich", self.reads("tidings-enrich", "enrich", "news.unique.v1"), True),
            ("tidings-enrich may join group", "sink", self.reads("tidings-enrich", "sink", "news.unique.v1"), False),
            ("newsdesk may read", "news.enriched.v1", self.reads("newsdesk", "newsdesk", "news.enriched.v1"), True),
            ("newsdesk may read", "news.raw.v1", self.reads("newsdesk", "newsdesk", "news.raw.v1"), False),
        ]
        return [f"{what} {name}: {found}" for what, name, found, wanted in tried if found != wanted]

    def resets(self, group, topic):
        """The operator sets a group to a moment, as docs/operators.md has it."""
        (self.folder / "operator.properties").write_text(f"""\
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
    username="tidings-operator" password="{PASSWORD}";
""")
        done = subprocess.run(
            [*self.java, "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server", self.scram,
             "--command-config", self.folder / "operator.properties", "--group", group, "--topic", topic,
             "--reset-offsets", "--to-datetime", "2026-01-01T00:00:00.000", "--execute"], capture_output=True, text=True)
        good = done.returncode == 0 and topic in done.stdout and "Error" not in done.stdout + done.stderr
        return [] if good else [f"tidings-operator may not reset {group}: {(done.stdout + done.stderr).strip()[-400:]}"]


def main():
    users = [each for each in resources("strimzi") if each["kind"] == "KafkaUser"]
    publisher = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    threading.Thread(target=publisher.serve_forever, daemon=True).start()
    feed = "127.0.0.1:%d" % publisher.server_address[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidings-rights."))
    processes, problems = [], list(differences(users))
    try:
        kafka = Kafka(folder, [user["metadata"]["name"] for user in users])
        processes.append(kafka.process)
        rights = kafka.grant(users)
        (folder / "feeds.opml").write_text(
            f'<opml version="2.0"><body><outline text="Harbour" xmlUrl="http://{feed}/"/></body></opml>')

        def run(user, *args, brokers=None, **options):
            env = {**os.environ, "TIDINGS_KAFKA__BROKERS": brokers or kafka.scram, "TIDINGS_KAFKA__PARTITIONS": "2",
                   "TIDINGS_KAFKA__CREATE_TOPICS": "false", "TIDINGS_METRICS__LISTEN": "127.0.0.1:0",
                   "TIDINGS_FETCH__ALLOW": json.dumps([feed])}
            if not brokers:
                env |= {"TIDINGS_KAFKA__SASL__MECHANISM": "SCRAM-SHA-512", "TIDINGS_KAFKA__SASL__USERNAME": user,
                        "TIDINGS_KAFKA__SASL__PASSWORD": PASSWORD}
            return subprocess.run([TIDINGS, *args], env=env, capture_output=True, text=True, timeout=60, cwd=folder) \
                if not options else subprocess.Popen([TIDINGS, *args], env=env, cwd=folder, **options)

        def read(topic):
            found = run("", "tail", topic, "--json", "--from-beginning", "--until-end", brokers=kafka.admin)
            return [line for line in found.stdout.splitlines() if line]

        made = run("", "topics", "create", brokers=kafka.admin)
        if made.returncode:
            sys.exit(f"rights: {made.stderr}")
        for service in LINE:
            log = open(folder / f"{service}.log", "wb")
            processes.append(run(f"tidings-{service}", "run", service, stdout=log, stderr=log))
        for user, *command in [("tidings-feeds", "feeds", "import", "feeds.opml"),
                               ("tidings-intake", "ingest", SNIPPETS, "--format", "lead-extract")]:
            done = run(user, *command)
            if done.returncode:
                problems.append(f"{user} may not {' '.join(map(str, command))}: {done.stderr.strip()[-300:]}")
        # a record that intake can't read
        writer = Producer({"bootstrap.servers": kafka.admin, "log_level": 0})
        writer.produce("news.inbox.v1", b"no JSON", key=b"x")
        writer.flush(10)

        deadline, wanted = time.monotonic() + 60, {"news.enriched.v1": 4, "news.dlq.v1": 1, "feeds.status.v1": 1}
        while (found := {topic: len(read(topic)) for topic in wanted}) != wanted and time.monotonic() < deadline:
            time.sleep(1)
        problems += [f"{topic} has {found[topic]} records, and should have {count}" for topic, count in wanted.items()
                     if found[topic] != count]
        if problems:
            for service in LINE:
                said = [line for line in (folder / f"{service}.log").read_text().splitlines() if '"INFO"' not in line]
                problems += [f"{service}: {line[:300]}" for line in said[-2:]]
        stories = json.loads(read("news.enriched.v1")[0])
        for command in (["feeds", "list"], ["dlq", "list"], ["dlq", "retry", "--code", "json"], ["topics", "diff"],
                        ["why", stories["value"]["item"]["id"]],
                        ["tail", "news.alerts.v1", "--from-beginning", "--until-end", "--json"]):
            done = run("tidings-operator", *command)
            if done.returncode or "AUTHORIZATION" in done.stderr.upper():
                problems.append(f"tidings-operator may not {' '.join(command)}: {(done.stderr or done.stdout).strip()[-300:]}")
        if run("tidings-enrich", "ingest", SNIPPETS, "--format", "lead-extract").returncode == 0:
            problems.append("tidings-enrich may write to the inbox")
        processes[1 + list(LINE).index("enrich")].terminate()
        processes[1 + list(LINE).index("enrich")].wait(20)
        problems += kafka.resets("enrich", "news.unique.v1") + kafka.trespasses()
        report("rights", problems, f"{rights} rights of {len(users)} users are those that are needed, and enough; what is "
               "others' is refused: a topic, a group, a transactional id")
    finally:
        for process in processes[::-1]:
            process.terminate()
        for process in processes[::-1]:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


main()
