"""The proof by a run: the demo line, scraped by a real Prometheus, with a real Alertmanager behind it.

    live.py [PICTURES]      a folder for one picture of each dashboard

1. Metrics are those of the contract (contract.py).
2. Every query of every panel returns data; each dashboard is drawn in headless Chromium.
3. All rules are healthy, and no alert fires while all is well.
4. The line is killed: one page comes, with the missing stages grouped in it; an alert that this explains is inhibited.
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

LINE = os.environ.get("TIDINGS", DEPLOY.parent / "target/debug/tidings")
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


def start_line(folder, receiver):
    """The demo, with a webhook, so that nothing that is exported is missing."""
    metrics = f"127.0.0.1:{free_port()}"
    config = folder / "tidings.toml"
    config.write_text(f'[metrics]\nlisten = "{metrics}"\n[[sink.webhooks]]\nname = "desk"\nurl = "{receiver}/news"\n')
    command = [LINE, "run", "all", "--demo", "--config", config, "--data", folder / "data",
               "--listen", f"127.0.0.1:{free_port()}", "--demo-listen", f"127.0.0.1:{free_port()}"]
    log = open(folder / "log", "wb")
    return subprocess.Popen(command, stdout=log, stderr=log), metrics


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
    folder.mkdir(parents=True, exist_ok=True)
    browser = shutil.which("chromium")
    if not browser:
        print("live: NO pictures: chromium is missing", file=sys.stderr)
        return 0, []
    taken, blank = 0, []
    for path in sorted(DASHBOARDS.glob("*.json")):
        url = f"{watch.pages}/?board={path.stem}&minutes=2&still"
        common = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                  f"--user-data-dir={watch.folder / 'chromium'}", "--virtual-time-budget=8000"]
        dom = subprocess.run([*common, "--dump-dom", url], capture_output=True, text=True, timeout=90).stdout
        if 'data-drawn="yes"' not in dom:
            blank.append(f"{path.stem}: is not drawn")
        subprocess.run([*common, "--window-size=1600,1150", f"--screenshot={folder / path.stem}.png", url],
                       capture_output=True, timeout=90)
        taken += (folder / f"{path.stem}.png").is_file()
    return taken, blank


def fault(watch, line):
    """Kills the line, and sees who is told what."""
    explained = [{"labels": {"alertname": "TidingsFeedsStale", "severity": "ticket", "kind": "operational"}}]
    problems, before = [], len(posted("/ticket"))
    line.kill()
    line.wait()
    pages = wait_for("a page", 60, lambda: [page for page in posted("/page") if page["status"] == "firing"])
    if not pages:
        return ["the line was killed, and no page came within a minute"]
    request = urllib.request.Request(f"{watch.alertmanager}/api/v2/alerts", json.dumps(explained).encode(),
                                     {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=5).read()
    stages = lambda: {alert["labels"]["stage"] for page in posted("/page") for alert in page["alerts"]}
    wait_for("every stage", 30, lambda: len(stages()) == 5)
    time.sleep(3)
    if stages() != {"fetch", "intake", "dedup", "enrich", "sink"}:
        problems.append(f"paged for {sorted(stages())}, and all five stages are gone")
    if len(posted("/page")) > 2:
        problems.append(f"{len(posted('/page'))} pages for one cause: they are not grouped")
    if len(posted("/ticket")) > before:
        problems.append("a ticket came for what the page explains: it is not inhibited")
    if not all(alert["annotations"].get("runbook_url") for page in pages for alert in page["alerts"]):
        problems.append("a page without a runbook")
    return problems


def main():
    pictures = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEPLOY.parent / "target/dashboards"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver = "http://127.0.0.1:%d" % server.server_address[1]
    told = (DEPLOY / "observe/alertmanager.yml").read_text().replace("10s", "1s").replace("2m", "2s")
    for name in ("page", "ticket"):
        hook = f"  - name: {name}\n    webhook_configs: [{{url: '{receiver}/{name}', send_resolved: false}}]"
        told = told.replace(f"  - name: {name}", hook)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidings-live."))
    line, metrics = start_line(folder, receiver)
    try:
        with Watch(metrics, quick=True, alertmanager=told) as watch:
            print(f"live: the demo runs for {SHOW} s, Prometheus scrapes it each second", flush=True)
            time.sleep(SHOW)
            if line.poll() is not None:
                sys.exit(f"live: the line ended by itself: {(folder / 'log').read_text()[-2000:]}")
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
            problems += fault(watch, line)
        pages = len(posted("/page"))
        report("live", problems, f"{asked} queries return data, {taken} pictures in {pictures}, {len(rules)} rules healthy; "
               f"line killed: {pages} page{'s' if pages > 1 else ''} for 5 stages, ticket inhibited")
    finally:
        line.kill()
        shutil.rmtree(folder, ignore_errors=True)


main()
