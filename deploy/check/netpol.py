"""Whether the network policies open what is needed and nothing else, by working them out as a cluster would.

Kustomize has rewritten peers of policies before (issue 5912): all pods lost DNS while every schema check stayed green.
"""
import ipaddress

from rendered import report, resources, title

SERVICES = ["fetch", "intake", "dedup", "enrich", "sink", "feeds"]


def selects(selector, labels):
    """A label selector, as the API has it."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for term in selector.get("matchExpressions", []):
        value, operator = labels.get(term["key"]), term["operator"]
        holds = {"In": value in term.get("values", []), "NotIn": value not in term.get("values", []),
                 "Exists": value is not None, "DoesNotExist": value is None}[operator]
        if not holds:
            return False
    return True


class Place:
    """A pod of some namespace, or an address outside."""

    def __init__(self, labels=None, namespace="tidings", address=None):
        self.labels, self.namespace, self.address = labels or {}, namespace, address

    def is_peer(self, peer):
        """Whether a policy of the namespace tidings means this place."""
        if "ipBlock" in peer:
            if self.address is None:
                return False
            address, block = ipaddress.ip_address(self.address), peer["ipBlock"]
            inside = lambda cidr: (network := ipaddress.ip_network(cidr)).version == address.version and address in network
            return inside(block["cidr"]) and not any(inside(each) for each in block.get("except", []))
        if self.address is not None:
            return False
        if "namespaceSelector" in peer:
            if not selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": self.namespace}):
                return False
        elif self.namespace != "tidings":
            return False
        return selects(peer.get("podSelector", {}), self.labels)


def open_one_way(policies, way, here, there, port, protocol):
    """Whether policies of `here` let traffic to (Egress) or from (Ingress) `there`."""
    if here.address is not None or here.namespace != "tidings":
        return True
    mine = [policy["spec"] for policy in policies
            if way in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], here.labels)]
    if not mine:
        return True
    for spec in mine:
        for rule in spec.get(way.lower()) or []:
            ports, peers = rule.get("ports"), rule.get("to" if way == "Egress" else "from")
            if ports and not any(each["port"] == port and each.get("protocol", "TCP") == protocol for each in ports):
                continue
            if not peers or any(there.is_peer(peer) for peer in peers):
                return True
    return False


def flows(policies, source, target, port, protocol="TCP"):
    return open_one_way(policies, "Egress", source, target, port, protocol) and \
        open_one_way(policies, "Ingress", target, source, port, protocol)


def refused(policies):
    """Address blocks that the API server would not take: IPv4 within IPv6, an exception that is no part of its block."""
    for policy in policies:
        rules = policy["spec"].get("egress", []) + policy["spec"].get("ingress", [])
        for block in (peer["ipBlock"] for rule in rules for peer in rule.get("to", rule.get("from", [])) if "ipBlock" in peer):
            whole = ipaddress.ip_network(block["cidr"])
            for each in map(ipaddress.ip_network, block.get("except", [])):
                if getattr(each.network_address, "ipv4_mapped", None) is not None or each.version != whole.version \
                        or each == whole or not each.subnet_of(whole):
                    yield f"{title(policy)}: the API server refuses {each}"


def main():
    problems, tried = [], 0
    dns = Place({"k8s-app": "kube-dns"}, "kube-system")
    prometheus = Place({"app.kubernetes.io/name": "prometheus"}, "monitoring")
    stranger = Place({"app": "stranger"}, "elsewhere")
    neighbour = Place({"app": "neighbour"})
    kafka = {
        "dev": (Place({"app.kubernetes.io/name": "kafka"}), 9092),
        "prod": (Place(address="10.1.2.3"), 9093),
        "strimzi": (Place({"strimzi.io/cluster": "kafka", "strimzi.io/kind": "Kafka", "strimzi.io/name": "kafka-kafka"}), 9093),
    }
    for name, (brokers, port) in kafka.items():
        made = resources(name)
        policies = [each for each in made if each["kind"] == "NetworkPolicy"]
        problems += [f"{name}: {each}" for each in refused(policies)]
        pods = {}
        for each in made:
            if each["kind"] == "Deployment":
                pods[each["metadata"]["name"]] = Place(each["spec"]["template"]["metadata"]["labels"])
            elif each["kind"] == "CronJob":
                labels = each["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
                pods[each["metadata"]["name"]] = Place(labels)
        expected = []
        for service in SERVICES:
            pod, out = pods[service], service in ("fetch", "sink")
            expected += [
                (service, "DNS", pod, dns, 53, "UDP", True),
                (service, "DNS over TCP", pod, dns, 53, "TCP", True),
                (service, "Kafka", pod, brokers, port, "TCP", True),
                (service, "a feed", pod, Place(address="203.0.113.7"), 443, "TCP", out),
                (service, "a feed over IPv6", pod, Place(address="2001:db8:1::7"), 443, "TCP", out),
                (service, "a port that is no web", pod, Place(address="203.0.113.7"), 22, "TCP", False),
                (service, "Kafka's port elsewhere", pod, Place(address="203.0.113.7"), port, "TCP", False),
                (service, "a private address", pod, Place(address="192.168.1.1"), 443, "TCP", False),
                (service, "the cloud's metadata", pod, Place(address="169.254.169.254"), 80, "TCP", False),
                (service, "a private IPv6 address", pod, Place(address="fd00::1"), 443, "TCP", False),
                (service, "the API server", pod, Place(address="10.96.0.1"), 443, "TCP", False),
                (service, "a stranger's pod", pod, stranger, 80, "TCP", False),
                ("a stranger", service, stranger, pod, 9464, "TCP", False),
                ("a neighbour", service, neighbour, pod, 9464, "TCP", False),
            ]
            if name == "prod" and service != "feeds":
                expected.append(("Prometheus", service, prometheus, pod, 9464, "TCP", True))
        if name == "dev":
            expected += [
                ("Kafka", "the Internet", pods["kafka"], Place(address="203.0.113.7"), 443, "TCP", False),
                ("a neighbour", "Kafka", neighbour, pods["kafka"], 9092, "TCP", False),
            ]
        if name == "strimzi":
            operator = Place({**brokers.labels, "strimzi.io/name": "kafka-entity-operator"})
            for who, pod, serves in (("a broker", brokers, False), ("the entity operator", operator, True)):
                expected += [
                    (who, "DNS", pod, dns, 53, "UDP", True),
                    (who, "Kafka", pod, brokers, 9091, "TCP", True),
                    (who, "the API server", pod, Place(address="10.96.0.1"), 443, "TCP", serves),
                ]
            expected.append(("a broker", "the Internet", brokers, Place(address="203.0.113.7"), 443, "TCP", False))
        for source, target, one, other, at, protocol, wanted in expected:
            tried += 1
            if name == "strimzi" and target == "Kafka":
                # the way in is Strimzi's own policy, made at run time
                is_open = open_one_way(policies, "Egress", one, other, at, protocol)
            else:
                is_open = flows(policies, one, other, at, protocol)
            if is_open != wanted:
                problems.append(f"{name}: {source} → {target} is {'open' if is_open else 'shut'}")
    report("netpol", problems, f"{tried} flows as they should be")


main()
