"""Metrics are a contract: what rules, dashboards and docs/operators.md name is what a running line exports, and what
it exports is named in the docs. `contract.py FILE`: the text of a line's /metrics."""
import json
import pathlib
import re
import sys

import yaml
from rendered import DEPLOY, report

DOCS = DEPLOY.parent / "docs/operators.md"
NAME = r"\btidings_[a-z_]+"


def family(name, exported):
    """The metric that a series belongs to: histograms have three names more."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base in exported else name


def main():
    text = pathlib.Path(sys.argv[1]).read_text()
    exported = dict(re.findall(r"^# TYPE (tidings_\S+) (\S+)$", text, re.M))
    labels = {}
    for name, inside in re.findall(r"^(tidings_\w+)\{(.*)\} ", text, re.M):
        labels.setdefault(family(name, exported), set()).update(re.findall(r'(\w+)="', inside))
    used, problems = {}, []
    exprs = []
    for path in sorted((DEPLOY / "mixin/out/rules").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            exprs += [(path.name, rule["expr"]) for rule in group["rules"]]
    for path in sorted((DEPLOY / "kustomize/components/monitoring/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            exprs += [(path.name, target["expr"]) for target in panel.get("targets", [])]
    for where, expr in exprs:
        for name in re.findall(r"(?<!:)" + NAME + r"\b(?!:)", re.sub(r"\w+:tidings_\w+:\w+", "", expr)):
            used.setdefault(family(name, exported), set()).add(where)
        # no label that the metric does not have; namespace, pod and job are Prometheus' own
        for name, inside in re.findall(r"(tidings_[a-z_]+)\{([^}]*)\}", re.sub(r"\w+:tidings_\w+:\w+", "", expr)):
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside):
                known = labels.get(family(name, exported), set()) | {"namespace", "pod", "job", "instance"}
                if label not in known:
                    problems.append(f"{where}: {name} has no label {label}")
    documented = set(re.findall(NAME, DOCS.read_text()))
    problems += [f"{name}, in {', '.join(sorted(where))}, is not exported" for name, where in sorted(used.items())
                 if name not in exported]
    problems += [f"{name} is exported and not in docs/operators.md" for name in sorted(set(exported) - documented)]
    problems += [f"{name}, in docs/operators.md, is not exported" for name in sorted(documented - set(exported))
                 if family(name, exported) not in exported]
    unused = sorted(set(exported) - set(used))
    report("contract", problems, f"{len(exported)} metrics exported and documented; in no panel or rule: {', '.join(unused) or 'none'}")


main()
