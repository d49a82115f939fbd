#!/usr/bin/env python3
"""Prometheus, Alertmanager and the dashboards beside a line that runs on this machine, without containers.

    deploy/observe/observe.py [--metrics HOST:PORT] [--listen HOST:PORT]      (make observe)

Prometheus and Alertmanager are Debian's, on loopback; they keep nothing once this ends. The checks use `Watch`.
"""
import argparse
import functools
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = HERE.parent / "kustomize/components/monitoring/dashboards"
RULES = HERE.parent / "mixin/out/rules"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def program(*names):
    """The first of them that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit(f"observe: {names[0]} is missing; run deploy/check/setup")


class Watch:
    """A Prometheus of such targets, an Alertmanager and a server of pages in a folder of their own; ends with the `with`."""

    def __init__(self, targets, listen="127.0.0.1:0", quick=False, alertmanager=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidings-observe."))
        self.processes = []
        self.prometheus = f"http://127.0.0.1:{free_port()}"
        self.alertmanager = f"http://127.0.0.1:{free_port()}"
        config = (HERE / "prometheus.yml").read_text()
        (self.folder / "rules").mkdir()
        for rules in RULES.glob("*.yaml"):
            # no standby on one machine
            if rules.name != "kubernetes.yaml":
                text = rules.read_text()
                # a check has no minutes to wait: `for: 2m` is two seconds
                (self.folder / "rules" / rules.name).write_text(
                    "\n".join(line[:-1] + "s" if quick and line.strip().startswith("for: ") else line
                              for line in text.splitlines()))
        if quick:
            config = config.replace("5s", "1s")
        self.write("prometheus.yml", config)
        self.write("targets.yml", json.dumps(targets))
        self.write("alertmanagers.yml", json.dumps([{"targets": [self.alertmanager.removeprefix("http://")]}]))
        self.write("alertmanager.yml", alertmanager or (HERE / "alertmanager.yml").read_text())
        self.serve_pages(listen)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def serve_pages(self, listen):
        pages = self.folder / "pages"
        pages.mkdir()
        shutil.copy(HERE / "index.html", pages)
        shutil.copytree(DASHBOARDS, pages / "dashboards")
        boards = [json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))]
        boards.sort(key=lambda board: board["uid"] != "tidings-overview")
        boards = [{"uid": board["uid"], "title": board["title"]} for board in boards]
        (pages / "boards.json").write_text(json.dumps({"prometheus": self.prometheus, "boards": boards}))
        handler = functools.partial(QuietPages, directory=pages)
        host, port = listen.rsplit(":", 1)
        self.server = http.server.ThreadingHTTPServer((host, int(port)), handler)
        self.pages = "http://%s:%d" % self.server.server_address
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        self.start(program("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus",
                   f"--web.listen-address={self.prometheus.removeprefix('http://')}", "--log.level=warn")
        self.start(program("prometheus-alertmanager", "alertmanager"), "--config.file=alertmanager.yml",
                   "--storage.path=alertmanager", "--cluster.listen-address=", "--log.level=warn",
                   f"--web.listen-address={self.alertmanager.removeprefix('http://')}")
        for url in (self.prometheus, self.alertmanager):
            deadline = time.monotonic() + 30
            while True:
                try:
                    urllib.request.urlopen(f"{url}/-/ready", timeout=2).read()
                    break
                except OSError:
                    if time.monotonic() > deadline or any(each.poll() is not None for each in self.processes):
                        self.__exit__()
                        sys.exit(f"observe: {url} does not get ready; its words are above")
                    time.sleep(0.1)
        return self

    def start(self, *command):
        self.processes.append(subprocess.Popen(command, cwd=self.folder))

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(10)
        self.server.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path):
        """Prometheus' answer."""
        with urllib.request.urlopen(f"{self.prometheus}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]


class QuietPages(http.server.SimpleHTTPRequestHandler):
    """Files, without a line for each request."""

    def log_message(self, *_):
        pass


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--metrics", default="127.0.0.1:9464", help="where the line serves /metrics")
    options.add_argument("--listen", default="127.0.0.1:9463", help="where the dashboards are served")
    chosen = options.parse_args()
    with Watch([{"targets": [chosen.metrics]}], chosen.listen) as watch:
        print(f"dashboards {watch.pages} · Prometheus {watch.prometheus} · Alertmanager {watch.alertmanager} · Ctrl-C stops")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
