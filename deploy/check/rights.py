"""The rights of components/strimzi/users.yaml are enough for each service, and no more: five services on an Apache
Kafka that authenticates with SCRAM and authorises by those lists, from a feed and snippets to enriched items."""
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient, ResourcePatternType,
                                   ResourceType)
from rendered import DEPLOY, report

sys.path.insert(0, str(DEPLOY / "observe"))
from observe import free_port  # noqa: E402

ROOT = DEPLOY.parent
LINE = os.environ.get("TIDINGS", ROOT / "target/debug/tidings")
SERVICES = ["fetch", "intake", "dedup", "enrich", "sink"]
PASSWORD = "a password for a minute"
SNIPPETS = ROOT / "tests/e2e/three.txt"
FEED = b"""<rss version="2.0"><channel><title>Harbour News</title><link>http://harbour.example/</link>
<item><guid>1</guid><title>Ferry to Torsay runs again after the storm</title>
<description>The first boat left Arden at noon with forty passengers.</description></item></channel></rss>"""


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
                       f"User:{user['metadata']['name']}", "*", getattr(AclOperation, operation.upper()),
                       AclPermissionType.ALLOW)
            for user in resources for acl in user["spec"]["authorization"]["acls"] for operation in acl["operations"]]
        for done in self.client.create_acls(bindings).values():
            done.result(20)
        return len(bindings)


def main():
    users = [each for each in yaml.safe_load_all(
        (DEPLOY / "kustomize/components/strimzi/users.yaml").read_text()) if each]
    publisher = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    threading.Thread(target=publisher.serve_forever, daemon=True).start()
    feed = "127.0.0.1:%d" % publisher.server_address[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidings-rights."))
    processes, problems = [], []
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
            return subprocess.run([LINE, *args], env=env, capture_output=True, text=True, timeout=60, cwd=folder) \
                if not options else subprocess.Popen([LINE, *args], env=env, cwd=folder, **options)

        def read(topic):
            found = run("", "tail", topic, "--json", "--from-beginning", "--until-end", brokers=kafka.admin)
            return [line for line in found.stdout.splitlines() if line]

        made = run("", "topics", "create", brokers=kafka.admin)
        if made.returncode:
            sys.exit(f"rights: {made.stderr}")
        for service in SERVICES:
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
            for service in SERVICES:
                said = [line for line in (folder / f"{service}.log").read_text().splitlines() if '"INFO"' not in line]
                problems += [f"{service}: {line[:300]}" for line in said[-2:]]
        # and no more: none but intake may write to the inbox
        if run("tidings-enrich", "ingest", SNIPPETS, "--format", "lead-extract").returncode == 0:
            problems.append("tidings-enrich may write to the inbox")
        report("rights", problems, f"{rights} rights of {len(users)} users are enough, and enrich's not for the inbox")
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
