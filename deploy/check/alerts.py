"""Every alert has a runbook, a dashboard, a test in which it fires and one in which it does not; every runbook has an
alert. What the tests say is promtool's business."""

import yaml
from rendered import DEPLOY, report

RUNBOOKS = DEPLOY.parent / "docs/runbooks"


def main():
    problems, alerts = [], {}
    for path in (DEPLOY / "mixin/out/rules").glob("*.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            alerts.update({rule["alert"]: rule for rule in group["rules"] if "alert" in rule})
    fires, silent = set(), set()
    for path in (DEPLOY / "mixin/tests").glob("*.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for each in test.get("alert_rule_test", []):
                (fires if each.get("exp_alerts") else silent).add(each["alertname"])
    boards = {path.stem for path in (DEPLOY / "kustomize/components/monitoring/dashboards").glob("*.json")}
    books = set()
    for name, rule in sorted(alerts.items()):
        book = RUNBOOKS / rule["annotations"]["runbook_url"].rsplit("/", 1)[1]
        books.add(book.name)
        if not book.is_file():
            problems.append(f"{name}: no docs/runbooks/{book.name}")
        elif name not in book.read_text():
            problems.append(f"docs/runbooks/{book.name} does not name {name}")
        if rule["annotations"]["dashboard_url"].removeprefix("/d/") not in boards:
            problems.append(f"{name}: no dashboard {rule['annotations']['dashboard_url']}")
        if rule["labels"].get("severity") not in ("page", "ticket") or not rule["annotations"].get("summary"):
            problems.append(f"{name}: severity is page or ticket, and there is a summary")
        problems += [f"{name}: no test in which it {how}" for how, names in
                     (("fires", fires), ("is silent", silent)) if name not in names]
    for path in sorted(RUNBOOKS.glob("*.md")):
        if path.name not in books and path.name != "README.md":
            problems.append(f"docs/runbooks/{path.name}: no alert leads here")
    problems += [f"a test of {name}, which is no alert" for name in sorted((fires | silent) - set(alerts))]
    report("alerts", problems, f"{len(alerts)} alerts, each with runbook, dashboard, firing and silent test")


main()
