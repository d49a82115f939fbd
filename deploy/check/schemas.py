"""Every rendered resource against the schema of its kind, strictly: an unknown field fails, and so does a kind that
has no schema. Built-in kinds against the three newest minors of Kubernetes; custom ones against their CRDs, from the
folder CRDS, which is not part of the repository (default: ../shared/data/crds). Without it the check fails; with CRDS=none
it names what it did not look at.
"""
import copy
import os
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

from rendered import DEPLOY, FOLDERS, report, resources, title

CRDS = pathlib.Path(os.environ.get("CRDS", DEPLOY.parent.parent / "shared/data/crds"))
MINORS = ["1.37", "1.36", "1.35"]


def strict(schema):
    """As the API server prunes: an object with properties takes no others."""
    if isinstance(schema, list):
        for each in schema:
            strict(each)
    elif isinstance(schema, dict):
        open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
        if schema.get("type") == "object" and "properties" in schema and not open_ended:
            schema["additionalProperties"] = False
        if schema.get("x-kubernetes-int-or-string"):
            schema["type"] = ["integer", "string"]
        if schema.get("nullable") and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        for each in list(schema.values()):
            strict(each)
    return schema


def custom():
    found = {}
    for path in sorted(CRDS.rglob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            for version in crd["spec"]["versions"]:
                schema = copy.deepcopy(version["schema"]["openAPIV3Schema"])
                schema["properties"].update(
                    apiVersion={"type": "string"}, kind={"type": "string"}, metadata={"type": "object"})
                group = f"{crd['spec']['group']}/{version['name']}"
                found[group, crd["spec"]["names"]["kind"]] = jsonschema.Draft7Validator(strict(schema))
    return found


def main():
    schemas, problems, checked, skipped = custom(), [], 0, set()
    for name in FOLDERS:
        for resource in resources(name):
            where = f"{name}: {title(resource)}"
            key = (resource["apiVersion"], resource["kind"])
            if key in schemas:
                problems += [f"{where}: {'.'.join(map(str, error.path))}: {error.message[:200]}"
                             for error in schemas[key].iter_errors(resource)]
                checked += 1
            elif "." in key[0].split("/")[0] and not key[0].split("/")[0].endswith(".k8s.io"):
                if str(CRDS) == "none":
                    skipped.add(f"{key[0]} {key[1]}")
                else:
                    problems.append(f"{where}: no CRD in {CRDS} has {key[0]}; CRDS names their folder, or is none")
            else:
                for minor in MINORS:
                    try:
                        kubernetes_validate.validate(resource, minor, strict=True)
                    except kubernetes_validate.ValidationError as error:
                        problems.append(f"{where} ({minor}): {'.'.join(map(str, error.path))}: {error.message[:200]}")
                    except kubernetes_validate.SchemaNotFoundError:
                        problems.append(f"{where} ({minor}): no such kind")
                checked += 1
    if skipped:
        print(f"schemas: NOT checked, for CRDS=none: {', '.join(sorted(skipped))}", file=sys.stderr)
    report("schemas", problems, f"{checked} resources of {len(FOLDERS)} renderings, Kubernetes {', '.join(MINORS)}")


main()
