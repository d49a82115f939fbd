"""Pods are such as a namespace that enforces `restricted` lets in: those of the manifests, that of deploy/desk, and those
that Strimzi makes of its templates, which no schema and no linter looks into. Volumes that Strimzi claims must be its
brokers' to write to."""
import json
import os
import pathlib
import subprocess
import tempfile

from rendered import DEPLOY, FOLDERS, report, resources, title

# answers `get` with a Deployment, and prints what it is asked to run
KUBECTL = """#!/bin/sh
case " $* " in *" get "*) printf %s "$DEPLOYMENT" ;; *) printf '%s\\n' "$@" ;; esac
"""


def desk(made):
    """What deploy/desk makes of sink's Deployment."""
    sink = next(each for each in made if each["kind"] == "Deployment" and each["metadata"]["name"] == "sink")
    with tempfile.TemporaryDirectory() as folder:
        stub = pathlib.Path(folder) / "kubectl"
        stub.write_text(KUBECTL)
        stub.chmod(0o755)
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "DEPLOYMENT": json.dumps(sink)}
        said = subprocess.run([DEPLOY / "desk", "dlq", "list"], env=env, check=True, capture_output=True, text=True).stdout
    pod = next(line for line in said.splitlines() if line.startswith("--overrides=")).removeprefix("--overrides=")
    return {"kind": "Pod", "metadata": {"name": "desk"}, **json.loads(pod)}


def pods(resource):
    """Name, context of the pod and contexts of its containers, for each pod that comes of the resource."""
    kind, spec = resource["kind"], resource.get("spec", {})
    if kind == "Kafka":
        template = spec["kafka"].get("template", {})
        yield "broker", template.get("pod", {}), [template.get("kafkaContainer", {})]
        template = spec["entityOperator"].get("template", {})
        yield "entity operator", template.get("pod", {}), [
            template.get(f"{each}Container", {}) for each in ("topicOperator", "userOperator") if each in spec["entityOperator"]]
    elif kind in ("Deployment", "CronJob", "Pod"):
        pod = spec if kind == "Pod" else spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]
        yield "pod", pod, pod["containers"] + pod.get("initContainers", [])


def faults(pod, containers):
    shared = pod.get("securityContext", {})
    for own in (each.get("securityContext", {}) for each in containers):
        context = {**shared, **own}
        if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
            yield "may be root"
        if context.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "no seccomp profile"
        if own.get("allowPrivilegeEscalation") is not False:
            yield "may gain privileges"
        capabilities = own.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
            yield "keeps capabilities"


def main():
    problems, tried = [], 0
    for name in FOLDERS:
        made = resources(name)
        for resource in [*made, desk(made)]:
            for which, pod, containers in pods(resource):
                tried += 1
                problems += [f"{name}: {title(resource)}, {which}: {each}" for each in faults(pod, containers)]
                if which == "broker" and pod.get("securityContext", {}).get("fsGroup") != 0:
                    problems.append(f"{name}: {title(resource)}: its brokers can't write to a new volume: no fsGroup 0")
    report("restricted", problems, f"{tried} pods that `restricted` lets in")


main()
