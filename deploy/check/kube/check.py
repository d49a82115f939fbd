"""The dev overlay on a real Kubernetes, in a namespace that enforces `restricted` (make check-kube):

    KUBECONFIG=…  IMPORT='command that takes the name of an image and brings it to the nodes'  check.py IMAGE...

1. Every pod gets ready; one that is not restricted is refused.
2. Snippets go in through the inbox, and come out enriched.
3. Under load, from feeds and the inbox: a pod of each service is killed, all are restarted one after the other, enrich
   goes to three pods and back.
4. A `read_committed` reader that is not ours (Kafka's console consumer) reads every topic: what was handed in is there
   as often as it was, and the rest is what the filters make of the record. Nothing is lost, doubled or wrong.
5. Pods that were asked to end did so by themselves, within their grace; at last everything is deleted.

The namespace of the overlay must not be there: it is made here, and deleted.
"""
import collections
import datetime
import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
KUBECTL = pathlib.Path(sys.executable).parent / "kubectl"
LINE = pathlib.Path(os.environ.get("BINARY", ROOT / "target/dist/tidings")).resolve()
SEEDS = pathlib.Path(os.environ.get("SEEDS", ROOT.parent / "shared/data/seeds.txt"))
NAMESPACE = "tidings"
SERVICES = ["fetch", "intake", "dedup", "enrich", "sink"]
PACE = 40  # items in a chunk, and two chunks in three seconds
GRACE = 30
table, problems = [], []


def kubectl(*args, input=None, check=True, seconds=300):
    done = subprocess.run([KUBECTL, "-n", NAMESPACE, *map(str, args)], input=input, capture_output=True, text=True,
                          timeout=seconds)
    if check and done.returncode:
        raise RuntimeError(f"kubectl {' '.join(map(str, args))}: {done.stderr.strip()[-600:]}")
    return done.stdout if check else done


def found(what, value, good=True):
    """A line of the table, printed at once; what is not good fails the check in the end."""
    table.append((what, value))
    print(f"kube: {what}: {value}", flush=True)
    if not good:
        problems.append(f"{what}: {value}")


def until(what, seconds, holds):
    deadline = time.monotonic() + seconds
    while not (result := holds()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds} s: {what}\n{kubectl('get', 'pods', '-o', 'wide')}")
        time.sleep(1)
    return result


class Endings(threading.Thread):
    """Watches pods of services end that were asked to: exit code, and seconds from the request to the end."""

    FIELDS = ["metadata.uid", "metadata.labels.app\\.kubernetes\\.io/component", "metadata.deletionTimestamp",
              "metadata.deletionGracePeriodSeconds", "status.containerStatuses[0].state.terminated.exitCode",
              "status.containerStatuses[0].state.terminated.finishedAt"]

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = {}
        template = "|".join("{.%s}" % field for field in self.FIELDS) + "\n"
        self.watch = subprocess.Popen(
            [KUBECTL, "-n", NAMESPACE, "get", "pods", "--watch", "-o", f"jsonpath={template}"],
            stdout=subprocess.PIPE, text=True)
        self.start()

    def run(self):
        at = datetime.datetime.fromisoformat
        for line in self.watch.stdout:
            uid, service, deleted, grace, code, finished = line.rstrip("\n").split("|")
            if service in SERVICES and deleted and int(grace or 0) > 1 and code and finished:
                asked = at(deleted.replace("Z", "+00:00")) - datetime.timedelta(seconds=int(grace))
                self.seen[uid] = (service, int(code), (at(finished.replace("Z", "+00:00")) - asked).total_seconds())

    def stop(self):
        self.watch.terminate()
        self.join(10)
        return list(self.seen.values())


class Load(threading.Thread):
    """Snippets in chunks, each an item of its own; every fifth chunk is handed in twice."""

    def __init__(self):
        super().__init__(daemon=True)
        self.told, self.ended, self.random = collections.Counter(), threading.Event(), random.Random(7)
        self.words = ["".join(self.random.choices("aeioubdfgklmnprstvz", k=self.random.randint(4, 9)))
                      for _ in range(6000)]
        self.start()

    def run(self):
        number = 0
        try:
            while not self.ended.is_set():
                chunk = []
                for _ in range(PACE):
                    number += 1
                    text = " ".join(self.random.choices(self.words, k=60))
                    chunk.append({"kind": "api", "provider": "check", "external_id": f"load-{number}",
                                  "headline": f"load-{number} {text[:50]}", "body": text})
                for _ in range(2 if number // PACE % 5 == 0 else 1):
                    ingest("".join(json.dumps(item) + "\n" for item in chunk), "jsonl")
                    self.told.update(item["external_id"] for item in chunk)
                self.ended.wait(1.5)
        except Exception as error:
            problems.append(f"load: {error}")

    def stop(self):
        self.ended.set()
        self.join(120)
        return self.told


def ingest(text, form):
    kubectl("exec", "-i", "desk", "--", "/usr/bin/tidings", "ingest", "-", "--format", form, input=text)


def peek(topic):
    """What a topic holds, by our own reader: quick, for waiting."""
    args = ["exec", "desk", "--", "/usr/bin/tidings", "tail", topic, "--json", "--from-beginning", "--until-end"]
    return kubectl(*args).splitlines()


def read(topic):
    """What a topic holds, by Kafka's own reader."""
    script = 'KAFKA_HEAP_OPTS=-Xmx96m exec /opt/kafka/bin/kafka-console-consumer.sh "$@" 2>/dev/null'
    made = kubectl("exec", "deployment/kafka", "--", "/bin/sh", "-c", script, "sh", "--bootstrap-server", "kafka:9092",
                   "--topic", topic, "--from-beginning", "--timeout-ms", "8000", "--isolation-level", "read_committed")
    return [json.loads(line) for line in made.splitlines()]


def owners(group):
    """How many members of a group own a partition of its topic."""
    script = 'KAFKA_HEAP_OPTS=-Xmx96m exec /opt/kafka/bin/kafka-consumer-groups.sh "$@" 2>/dev/null'
    made = kubectl("exec", "deployment/kafka", "--", "/bin/sh", "-c", script, "sh", "--bootstrap-server", "kafka:9092",
                   "--group", group, "--describe", "--members")
    rows = [line.split() for line in made.splitlines() if line.startswith(f"{group} ")]
    return sum(row[-1].isdigit() and int(row[-1]) > 0 for row in rows)


def ready(seconds=180):
    started = time.monotonic()
    for service in SERVICES:
        kubectl("rollout", "status", f"deployment/{service}", f"--timeout={seconds}s", seconds=seconds + 30)
    return time.monotonic() - started


def replaced(service, pod):
    """Waits until another pod of a service is ready than the one that was killed; how long it took."""
    started, ready_ones = time.monotonic(), '{range .items[?(@.status.containerStatuses[0].ready==true)]}pod/{.metadata.name} {end}'
    until(f"a new pod of {service} is ready", 120, lambda: set(kubectl(
        "get", "pods", "-l", f"app.kubernetes.io/component={service}", "-o", f"jsonpath={ready_ones}").split()) - {pod})
    return time.monotonic() - started


def filtered(stage, records):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    done = subprocess.run([LINE, stage], input=lines, capture_output=True, text=True, cwd="/")
    if done.returncode:
        problems.append(f"filter {stage}: {done.stderr[-300:]}")
    return [json.loads(line)["value"] for line in done.stdout.splitlines()]


def compare(topic, there, expected):
    text = lambda record: json.dumps(record, sort_keys=True)
    there, expected = (collections.Counter(map(text, each)) for each in (there, expected))
    lost, more = expected - there, there - expected
    doubled = sum(count for record, count in more.items() if record in expected)
    wrong = sum(more.values()) - doubled
    found(f"{topic}: records; lost, doubled, wrong",
          f"{sum(there.values())}; {sum(lost.values())}, {doubled}, {wrong}", bool(there) and not lost and not more)


def bring_up():
    for image in sys.argv[1:]:
        subprocess.run([*shlex.split(os.environ["IMPORT"]), image], check=True, stdout=subprocess.DEVNULL)
    found("Kubernetes", json.loads(kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"])
    started = time.monotonic()
    kubectl("apply", "-k", ROOT / "deploy/check/kube")
    kubectl("rollout", "status", "deployment/kafka", "--timeout=180s")
    ready()
    kubectl("wait", "--for=condition=Ready", "pod/desk", "--timeout=60s")
    found("every pod ready", f"{time.monotonic() - started:.0f} s after the overlay was applied")
    asked = kubectl("run", "careless", "--image=tidings:dev", "--dry-run=server", check=False)
    refused = "violates PodSecurity" in asked.stderr
    found("a pod that is not restricted", "is refused" if refused else "is NOT refused", refused)


def snippets():
    text = SEEDS if SEEDS.is_file() else ROOT / "tests/e2e/three.txt"
    documents = len(text.read_text().splitlines()) // 2
    ingest(text.read_text(), "lead-extract")
    until(f"{documents} enriched", 90, lambda: len(peek("news.enriched.v1")) >= documents)
    got = read("news.enriched.v1")
    named = sum(bool(record["entities"]) for record in got)
    found(f"snippets of {text.name}: in, enriched, with entities", f"{documents}, {len(got)}, {named}",
          len(got) == documents and named)


def disturb():
    """Each disturbance, and how long until every pod was ready again."""
    for service in SERVICES:
        pod = kubectl("get", "pods", "-l", f"app.kubernetes.io/component={service}", "-o", "name").split()[0]
        kubectl("delete", pod, "--force", "--grace-period=0")
        found(f"a pod of {service} is killed", f"ready again after {replaced(service, pod):.0f} s")
    kubectl("rollout", "restart", *[f"deployment/{service}" for service in SERVICES])
    found("rolling restart of all", f"{ready():.0f} s")
    for count in (3, 1):
        kubectl("scale", "deployment/enrich", f"--replicas={count}")
        ready()
        until(f"{count} of enrich work", 60, lambda: owners("enrich") == count)
        found(f"enrich is scaled to {count}", f"{count} of its pods own partitions")


def prove(told):
    """What was handed in, and what the filters make of what is recorded."""
    until("all that was handed in is on the raw topic", 120,
          lambda: sum('"load-' in line for line in peek("news.raw.v1")) >= sum(told.values()))
    for before, *after in (("news.raw.v1", "news.unique.v1", "news.duplicates.v1"), ("news.unique.v1", "news.enriched.v1")):
        stage, source = {"news.raw.v1": "dedup", "news.unique.v1": "enrich"}[before], read(before)
        if before == "news.raw.v1":
            there = collections.Counter(record["headline"].split()[0] for record in source
                                        if record["origin"].get("provider") == "check")
            lost, more = told - there, there - told
            found("handed in by the load; lost, doubled", f"{sum(told.values())}; {sum(lost.values())}, {sum(more.values())}",
                  told and not lost and not more)
            feeds = sum(record["origin"]["kind"] == "feed" for record in source)
            found("from feeds", feeds, feeds)
        expected = filtered(stage, source)
        until(f"{stage} has caught up", 120, lambda: sum(len(peek(topic)) for topic in after) >= len(expected))
        compare(" and ".join(after), [record for topic in after for record in read(topic)], expected)
    letters = len(peek("news.dlq.v1"))
    found("dead letters", letters, not letters)


def main():
    kubectl("version")  # ends here where there is no cluster
    if kubectl("get", "namespace", NAMESPACE, check=False).returncode == 0:
        sys.exit(f"kube: the cluster has a namespace {NAMESPACE} already; this check makes and deletes its own")
    try:
        bring_up()
        endings = Endings()
        snippets()
        load = Load()
        kubectl("apply", "-f", ROOT / "deploy/check/kube/press.yaml")
        kubectl("wait", "--for=condition=Ready", "pod/press", "--timeout=60s")
        kubectl("create", "job", "feeds-now", "--from=cronjob/feeds")
        kubectl("wait", "--for=condition=Complete", "job/feeds-now", "--timeout=90s")
        disturb()
        prove(load.stop())
        kubectl("delete", "deployment", *SERVICES, "--wait")
        until("pods of services are gone", 60, lambda: not kubectl(
            "get", "pods", "-o", "name", "-l", f"app.kubernetes.io/component in ({','.join(SERVICES)})").split())
        ends = endings.stop()
        bad = [end for end in ends if end[1] != 0 or end[2] > GRACE]
        longest = max((end[2] for end in ends), default=0)
        found("pods asked to end; exit code 0 within the grace; longest",
              f"{len(ends)}; {len(ends) - len(bad)}; {longest:.0f} s", not bad and {end[0] for end in ends} == set(SERVICES))
        problems.extend(f"{service} ended with {code} after {took:.0f} s" for service, code, took in bad)
    except (RuntimeError, subprocess.SubprocessError) as error:
        problems.append(str(error))
        for service in SERVICES:
            print(kubectl("logs", f"deployment/{service}", "--tail=5", check=False).stdout, file=sys.stderr)
    finally:
        started = time.monotonic()
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait", "--timeout=120s", check=False)
    gone = kubectl("get", "namespace", NAMESPACE, check=False).returncode != 0
    found("everything deleted", f"after {time.monotonic() - started:.0f} s" if gone else "NOT after 120 s", gone)
    print("\n| | |\n| --- | --- |")
    for what, value in table:
        print(f"| {what} | {value} |")
    for problem in problems:
        print(f"kube: {problem}")
    sys.exit(f"kube: {len(problems)} problems" if problems else None)


main()
