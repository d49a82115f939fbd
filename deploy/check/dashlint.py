"""What a dashboard owes its reader, and whether its queries are PromQL that works for any data source."""
import json
import re

import promql_parser
from rendered import DEPLOY, report, resources

FOLDER = DEPLOY / "kustomize/components/monitoring/dashboards"


def faults(board):
    variables = {each["name"] for each in board["templating"]["list"]}
    if not board.get("uid", "").startswith("tidings-"):
        yield "no stable uid"
    if board.get("id") is not None or board.get("editable", True):
        yield "it carries an id, or can be edited"
    if board.get("schemaVersion", 0) < 39:
        yield "an old schema"
    if not any(each["type"] == "datasource" for each in board["templating"]["list"]):
        yield "no data source variable"
    if not board.get("links") or not board.get("description") or not board.get("tags"):
        yield "no links, description or tags"
    ids, taken = set(), []
    for panel in board["panels"]:
        place, title = panel["gridPos"], panel["title"]
        if panel["id"] in ids:
            yield f"{title}: its id is used twice"
        ids.add(panel["id"])
        if place["x"] + place["w"] > 24:
            yield f"{title}: sticks out of the grid"
        for other in taken:
            apart = place["x"] >= other["x"] + other["w"] or other["x"] >= place["x"] + place["w"] \
                or place["y"] >= other["y"] + other["h"] or other["y"] >= place["y"] + place["h"]
            if not apart:
                yield f"{title}: lies over another panel"
        taken.append(place)
        if panel["type"] == "row":
            continue
        if len(panel.get("description", "")) < 15:
            yield f"{title}: no description"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{title}: no unit"
        if not panel["targets"]:
            yield f"{title}: no query"
        for target in panel["targets"]:
            expr = target["expr"]
            for name, selector in re.findall(r"\b((?:\w+:)?tidings_[\w:]+|ALERTS)\b(\{[^}]*\})?", expr):
                if 'namespace=~"$namespace"' not in selector:
                    yield f"{title}: {name} of whatever namespace"
            if re.search(r"\b(rate|irate|deriv)\([^)]*\[\d+\w\]", expr):
                yield f"{title}: a rate with a fixed range"
            window = re.search(r"\bincrease\([^)]*\[\d+([smhd])\]", expr)
            words = {"h": "hour", "d": "days"}
            if window and words.get(window[1], "?") not in title + panel["description"]:
                yield f"{title}: a fixed window that neither title nor description names"
            for name in re.findall(r"\$\{?(\w+)", expr):
                if name not in variables and not name.startswith("__"):
                    yield f"{title}: unknown variable {name}"
            try:
                promql_parser.parse(re.sub(r"\$\w+", "x", expr.replace("$__rate_interval", "5m")))
            except ValueError as error:
                yield f"{title}: {error}"
            if target["datasource"]["uid"] != "$datasource":
                yield f"{title}: a fixed data source"


def main():
    problems, uids, panels = [], set(), 0
    for path in sorted(FOLDER.glob("*.json")):
        board = json.loads(path.read_text())
        problems += [f"{path.stem}: {fault}" for fault in faults(board)]
        if board["uid"] in uids or board["uid"] != path.stem:
            problems.append(f"{path.stem}: its uid is {board['uid']}")
        uids.add(board["uid"])
        panels += sum(panel["type"] != "row" for panel in board["panels"])
    applied = next(each for each in resources("prod") if each["metadata"]["name"] == "dashboards")["data"]
    missing = uids ^ {name.removesuffix(".json") for name in applied}
    problems += [f"{each}: in the folder or in components/monitoring/kustomization.yaml, and not in both" for each in missing]
    report("dashlint", problems, f"{len(uids)} dashboards, {panels} panels")


main()
