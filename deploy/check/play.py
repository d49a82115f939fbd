"""The dev overlay without a cluster, by `podman kube play`: every service gets ready, snippets come out enriched, and on
SIGTERM each ends by itself within its grace. As root; needs podman, and the images tidings:dev and apache/kafka.

What Podman has no notion of is left out (namespace, policies, budgets, the CronJob), and so are probes, which it runs
with a shell inside the image, and ports, which it would publish on this machine. Deployments become pods, for Podman
gives names in its DNS to those.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml
from rendered import DEPLOY, report, resources

SNIPPETS = DEPLOY.parent / "tests/e2e/three.txt"
DOCUMENTS = 3
NETWORK = "tidings-play"
# where there is no systemd, as in many a container, Podman's defaults fail; crun also does with cgroups of both versions
CONFIG = f"""\
[engine]
runtime = "{'runc' if shutil.which('runc') else 'crun'}"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
"""


def podman(*args, input=None, check=True):
    done = subprocess.run(["podman", *map(str, args)], input=input, capture_output=True, text=True, timeout=180)
    if check and done.returncode:
        sys.exit(f"play: podman {' '.join(map(str, args))}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout.strip()


def played():
    """The overlay as Podman takes it, and the names of the services."""
    made, services = [], []
    for each in resources("dev"):
        if each["kind"] == "ConfigMap":
            made.append(each)
        elif each["kind"] == "Deployment":
            name, pod = each["metadata"]["name"], each["spec"]["template"]
            for container in pod["spec"]["containers"]:
                for key in ("ports", "startupProbe", "livenessProbe", "readinessProbe"):
                    container.pop(key, None)
            pod["spec"].pop("topologySpreadConstraints", None)
            made.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **pod["metadata"]},
                         "spec": pod["spec"]})
            services += [name] if name != "kafka" else []
    return yaml.safe_dump_all(made), services


def address(service):
    networks = json.loads(podman("inspect", podman("pod", "inspect", service, "--format", "{{.InfraContainerID}}")))
    return networks[0]["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]


def is_ready(service):
    try:
        return urllib.request.urlopen(f"http://{address(service)}:9464/ready", timeout=2).status == 200
    except OSError:
        return False


def wait_for(what, seconds, holds):
    started = time.monotonic()
    while not holds():
        if time.monotonic() > started + seconds:
            sys.exit(f"play: not within {seconds} s: {what}")
        time.sleep(0.5)
    return time.monotonic() - started


def main():
    folder = tempfile.TemporaryDirectory(prefix="tidings-play.")
    at = pathlib.Path(folder.name)
    (at / "containers.conf").write_text(CONFIG)
    os.environ.setdefault("CONTAINERS_CONF", str(at / "containers.conf"))
    text, services = played()
    volumes = [each["metadata"]["name"] for each in yaml.safe_load_all(text) if each["kind"] == "ConfigMap"]
    (at / "play.yaml").write_text(text)
    podman("network", "create", NETWORK)
    problems = []
    try:
        # started when all are made: for each pod Podman writes the files of a ConfigMap anew, under whoever reads them
        podman("kube", "play", "--start=false", "--network", NETWORK, at / "play.yaml")
        podman("pod", "start", "kafka", *services)
        ready = wait_for("every service is ready", 120, lambda: all(map(is_ready, services)))
        desk = ["exec", "-i", "sink-tidings", "/usr/bin/tidings"]
        podman(*desk, "ingest", "-", "--format", "lead-extract", input=SNIPPETS.read_text())
        tail = [*desk, "tail", "news.enriched.v1", "--json", "--from-beginning", "--until-end"]
        out = wait_for("snippets are enriched", 60, lambda: len(podman(*tail).splitlines()) >= DOCUMENTS)
        longest = 0.0
        for service in services:
            started = time.monotonic()
            podman("stop", "--time", "30", f"{service}-tidings")
            longest = max(longest, time.monotonic() - started)
            code = podman("inspect", f"{service}-tidings", "--format", "{{.State.ExitCode}}")
            if code != "0":
                problems.append(f"{service} ended with {code} after SIGTERM")
        report("play", problems, f"{len(services)} services ready after {ready:.0f} s, {DOCUMENTS} items out after "
               f"{out:.0f} s, SIGTERM drained each within {longest:.1f} s")
    finally:
        podman("kube", "down", at / "play.yaml", check=False)
        podman("volume", "rm", "--force", *volumes, check=False)
        podman("network", "rm", "--force", NETWORK, check=False)
        folder.cleanup()


main()
