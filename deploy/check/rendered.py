"""What `kubectl kustomize` makes of a folder, for the checks to read."""
import pathlib
import subprocess
import sys

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
KUBECTL = pathlib.Path(sys.executable).parent / "kubectl"
# the two overlays, and what they leave out
FOLDERS = {
    "dev": DEPLOY / "kustomize/overlays/dev",
    "prod": DEPLOY / "kustomize/overlays/prod",
    "strimzi": DEPLOY / "check/strimzi",
}

# CRDs use `=`, which YAML 1.1 takes for a type of its own
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def text(name):
    """The manifests of an overlay, as they are applied."""
    made = subprocess.run([KUBECTL, "kustomize", FOLDERS[name]], capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"{name} can't be rendered: {made.stderr}")
    return made.stdout


def resources(name):
    """The same, parsed."""
    return [each for each in yaml.safe_load_all(text(name)) if each]


def title(resource):
    """Kind and name."""
    return f"{resource['kind']} {resource['metadata']['name']}"


def report(check, problems, good):
    """Prints what is wrong and ends, or says what was found good."""
    for problem in problems:
        print(f"{check}: {problem}")
    if problems:
        sys.exit(f"{check}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
    print(f"{check}: {good}")
