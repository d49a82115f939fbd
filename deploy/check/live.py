"""The proof by a run: the demo line, scraped by a real Prometheus, with a real Alertmanager behind it.

    live.py [PICTURES]      a folder for one picture of each dashboard; CHROMIUM=none takes none

1. Metrics are those of the contract (contract.py).
2. Every query of every panel returns data; each dashboard is drawn in headless Chromium.
3. All rules are healthy, and no alert fires while all is well.
4. Of a second installation, whose services are processes of their own, one is killed: that stage is paged for and no
   other; a ticket of its namespace is inhibited, and the same one of the first installation arrives.
5. The first is killed: its five stages come in one page.
"""
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from rendered import DEPLOY, report

sys.path.insert(0, str(DEPLOY / "observe"))
from observe import DASHBOARDS, Watch, free_port  # noqa: E402

TIDINGS = os.environ.get("TIDINGS", DEPLOY.parent / "target/debug/tidings")
STAGES = ["fetch", "intake", "dedup", "enrich", "sink"]
SHOW = 70  # seconds; by then all sample stories are out


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes in what webhooks post, by path."""

    posts = []

    def do_POST(self):
        self.posts.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def posted(path):
    return [body for at, body in Receiver.posts if at == path]


def wait_for(what, seconds, holds):
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.5)
    return found


def start(folder, name, *command, **settings):
    """A process of tidings and the address of its metrics."""
    metrics = f"127.0.0.1:{free_port()}"
    log = open(folder / f"{name}.log", "wb")
    env = {**os.environ, "TIDINGS_METRICS__LISTEN": metrics, **settings}
    return subprocess.Popen([TIDINGS, *command], stdout=log, stderr=log, env=env, cwd=folder), metrics


def start_demo(folder, receiver):
    """The demo, with a webhook, so that nothing that is exported is missing; and where its broker is."""
    config, brokers = folder / "demo.toml", f"127.0.0.1:{free_port()}"
    config.write_text(f'[[sink.webhooks]]\nname = "desk"\nurl = "{receiver}/news"\n')
    return *start(folder, "demo", "run", "all", "--demo", "--config", config, "--data", folder / "data",
                  "--listen", brokers, "--demo-listen", f"127.0.0.1:{free_port()}"), brokers


def start_press(folder, brokers):
    """An installation that is idle, on the same broker: by stage, its process and its metrics."""
    return {stage: start(folder, stage, "run", stage, TIDINGS_KAFKA__BROKERS=brokers, TIDINGS_KAFKA__PREFIX="press.")
            for stage in STAGES}


def empty_queries(watch):
    """Queries of panels that return nothing."""
    now, empty, asked = time.time(), [], 0
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                expr = target["expr"].replace("$__rate_interval", "1m").replace("$__interval", "5s")
                expr = urllib.parse.quote(re.sub(r"\$(namespace|stage)\b", ".*", expr))
                at = f"query?time={now}" if target["instant"] else f"query_range?start={now - 60}&end={now}&step=5"
                values = [float(value[1]) for series in watch.ask(f"{at}&query={expr}")["result"]
                          for value in series.get("values", [series.get("value")])]
                asked += 1
                if not any(value == value for value in values):
                    empty.append(f"{path.stem}: {panel['title']} ({target['legendFormat']}) returns nothing")
    return asked, empty


def take_pictures(watch, folder):
    if os.environ.get("CHROMIUM") == "none":
        print("live: NO pictures, for CHROMIUM=none", file=sys.stderr)
        return 0, []
    browser = shutil.which("chromium")
    if not browser:
        return 0, ["chromium is missing: no dashboard was drawn (CHROMIUM=none does without)"]
    folder.mkdir(parents=True, exist_ok=True)
    taken, blank = 0, []
    for path in sorted(DASHBOARDS.glob("*.json")):
        url = f"{watch.pages}/?board={path.stem}&minutes=2&still"
        common = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                  f"--user-data-dir={watch.folder / 'chromium'}", "--virtual-time-budget=8000"]
        dom = subprocess.run([*common, "--dump-dom", url], capture_output=True, text=True, timeout=90).stdout
        if 'data-drawn="yes"' not in dom:
            blank.append(f"{path.stem}: is not drawn")
        picture = folder / f"{path.stem}.png"
        picture.unlink(missing_ok=True)
        subprocess.run([*common, "--window-size=1600,1150", f"--screenshot={picture}", url], capture_output=True, timeout=90)
        if picture.is_file():
            taken += 1
        else:
            blank.append(f"{path.stem}: no picture")
    return taken, blank


def told(path, namespace):
    """What a receiver heard of an installation: its alerts, by post."""
    posts = [[alert for alert in post["alerts"] if alert["labels"].get("namespace") == namespace] for post in posted(path)]
    return [alerts for alerts in posts if alerts]


def stages(namespace):
    return {alert["labels"]["stage"] for page in told("/page", namespace) for alert in page}


def one_stage(watch, dedup):
    """Kills dedup of press, and sees who is told what."""
    dedup.kill()
    if not wait_for("a page", 60, lambda: told("/page", "press")):
        return ["dedup was killed, and no page came within a minute"]
    tickets = [{"labels": {"alertname": "TidingsFeedsStale", "severity": "ticket", "kind": "operational",
                           "namespace": namespace}} for namespace in ("press", "demo")]
    request = urllib.request.Request(f"{watch.alertmanager}/api/v2/alerts", json.dumps(tickets).encode(),
                                     {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=5).read()
    problems = []
    if not wait_for("the ticket that nothing explains", 30, lambda: told("/ticket", "demo")):
        problems.append("a ticket of an installation that is well did not arrive")
    time.sleep(3)
    if told("/ticket", "press"):
        problems.append("a ticket came for what the page explains: it is not inhibited")
    if stages("press") != {"dedup"} or stages("demo"):
        problems.append(f"paged for {sorted(stages('press'))} and {sorted(stages('demo'))}, and dedup of press alone is gone")
    return problems


def whole_line(line):
    """Kills the demo: all of its stages are gone at once."""
    line.kill()
    wait_for("every stage", 60, lambda: stages("demo") == set(STAGES))
    time.sleep(3)
    problems, pages = [], told("/page", "demo")
    if stages("demo") != set(STAGES):
        problems.append(f"paged for {sorted(stages('demo'))}, and all five stages are gone")
    if len(pages) > 2:
        problems.append(f"{len(pages)} pages for one cause: they are not grouped")
    if not all(alert["annotations"].get("runbook_url") for page in pages for alert in page):
        problems.append("a page without a runbook")
    return problems


def main():
    pictures = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEPLOY.parent / "target/dashboards"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver = "http://127.0.0.1:%d" % server.server_address[1]
    receivers = (DEPLOY / "observe/alertmanager.yml").read_text().replace("10s", "1s").replace("2m", "2s")
    for name in ("page", "ticket"):
        hook = f"  - name: {name}\n    webhook_configs: [{{url: '{receiver}/{name}', send_resolved: false}}]"
        receivers = receivers.replace(f"  - name: {name}", hook)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidings-live."))
    line, metrics, brokers = start_demo(folder, receiver)
    press = start_press(folder, brokers)
    processes = {"demo": line, **{stage: process for stage, (process, _) in press.items()}}
    targets = [{"targets": [metrics], "labels": {"namespace": "demo"}},
               {"targets": [at for _, at in press.values()], "labels": {"namespace": "press"}}]
    try:
        with Watch(targets, quick=True, alertmanager=receivers) as watch:
            print(f"live: the demo runs for {SHOW} s, Prometheus scrapes it each second", flush=True)
            time.sleep(SHOW)
            for name, process in processes.items():
                if process.poll() is not None:
                    sys.exit(f"live: {name} ended by itself: {(folder / f'{name}.log').read_text()[-2000:]}")
            exported = folder / "metrics.txt"
            exported.write_bytes(urllib.request.urlopen(f"http://{metrics}/metrics", timeout=5).read())
            subprocess.run([sys.executable, DEPLOY / "check/contract.py", exported], check=True)
            asked, problems = empty_queries(watch)
            taken, blank = take_pictures(watch, pictures)
            problems += blank
            groups = watch.ask("rules")["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            problems += [f"rule {rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] != "ok"]
            problems += [f"{alert['labels']['alertname']} {alert['state']} while all is well: {alert['labels']}"
                         for alert in watch.ask("alerts")["alerts"] if alert["state"] == "firing"]
            if not posted("/news"):
                problems.append("no alert on news reached the webhook")
            problems += one_stage(watch, processes["dedup"]) + whole_line(line)
        pages = len(told("/page", "demo"))
        report("live", problems, f"{asked} queries return data, {taken} pictures in {pictures}, {len(rules)} rules healthy; one "
               "stage killed: a page for it alone, its ticket inhibited and its neighbour's not; a line killed: "
               f"{pages} page{'s' if pages > 1 else ''} for 5 stages")
    finally:
        for process in processes.values():
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


main()
