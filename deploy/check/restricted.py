"""Pods are such as a namespace that enforces `restricted` lets in: those of the manifests, and those that Strimzi makes
of its templates, which no schema and no linter looks into. Volumes that Strimzi claims must be its brokers' to write to."""
from rendered import FOLDERS, report, resources, title


def pods(resource):
    """Name, context of the pod and contexts of its containers, for each pod that comes of the resource."""
    kind, spec = resource["kind"], resource.get("spec", {})
    if kind == "Kafka":
        template = spec["kafka"].get("template", {})
        yield "broker", template.get("pod", {}), [template.get("kafkaContainer", {})]
        template = spec["entityOperator"].get("template", {})
        yield "entity operator", template.get("pod", {}), [
            template.get(f"{each}Container", {}) for each in ("topicOperator", "userOperator") if each in spec["entityOperator"]]
    elif kind in ("Deployment", "CronJob"):
        pod = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]["spec"]
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
        for resource in resources(name):
            for which, pod, containers in pods(resource):
                tried += 1
                problems += [f"{name}: {title(resource)}, {which}: {each}" for each in faults(pod, containers)]
                if which == "broker" and pod.get("securityContext", {}).get("fsGroup") != 0:
                    problems.append(f"{name}: {title(resource)}: its brokers can't write to a new volume: no fsGroup 0")
    report("restricted", problems, f"{tried} pods that `restricted` lets in")


main()
