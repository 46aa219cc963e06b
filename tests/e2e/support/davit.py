"""Runs the built davit: as the daemon, and as its command line."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

STOP_SECONDS = 180
RUN_SECONDS = 300  # more than any command of a test waits by itself
# Deadlines are written for an idle machine; several workers at once are slower. Only a test that fails waits so long.
PATIENCE = 3


def built_binary():
    """The davit of the release build, or None."""
    build = Path(os.environ.get("DAVIT_BUILD", Path(__file__).resolve().parents[3] / "build"))
    found = [path for path in (build / "davit", *build.glob("src/**/davit")) if path.is_file()]
    return found[0] if found else None


class Davit:
    """One daemon with a configuration file and a directory of its own, in the network of an engine.

    config is written as JSON, which is YAML too. Arguments of the daemon and the command line are davit's own.
    """

    def __init__(self, binary, directory, config, engine=None, environment=None):
        self.binary, self.directory, self.engine = Path(binary), Path(directory), engine
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config, self.log = self.directory / "davit.yaml", self.directory / "davit.log"
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.configure(config)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def configure(self, config):
        self.config.write_text(json.dumps(config, indent=2) + "\n")

    def command(self, *arguments):
        line = [str(self.binary), *map(str, arguments)]
        return self.engine.inside(*line) if self.engine else line

    def start(self, *arguments):
        """Starts the daemon; by default `davit daemon --config FILE`."""
        arguments = arguments or ("daemon", "--config", self.config)
        with open(self.log, "ab") as log:
            # nsenter becomes davit, so the process is davit's own.
            self.process = subprocess.Popen(
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                cwd=self.directory,
            )

    def stop(self):
        """Asks the daemon to end (SIGTERM) and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        self.process = None
        return status

    def kill(self):
        """kill -9, at whatever it is doing."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def run(self, *arguments, timeout=RUN_SECONDS, text=None):
        """Runs a command of davit to its end; returns the finished process with text output."""
        return subprocess.run(
            self.command(*arguments), input=text or "", timeout=timeout, env=self.environment, cwd=self.directory,
            capture_output=True, text=True,
        )

    def json(self, *arguments, timeout=RUN_SECONDS):
        """Runs a command with -o json, which has to succeed; returns the value it printed."""
        process = self.run(*arguments, "-o", "json", timeout=timeout)
        assert process.returncode == 0, f"davit {' '.join(map(str, arguments))}: {process.stderr}"
        return json.loads(process.stdout)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def wait_for(condition, timeout=20, what=""):
    """Waits until condition() is true and returns its value. Not yet is an AssertionError in it as well, and a look for what
    an answer does not have, as the services of a davit that has just started.

    A condition often runs davit and asks an engine: the pause is longer where asking is, so that six workers that wait
    leave the processors to what they wait for.
    """
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        last, began = None, time.monotonic()
        try:
            value = condition()
            if value:
                return value
        except (AssertionError, LookupError, StopIteration, ValueError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition.__name__}") from last
        time.sleep(min(0.2, max(0.05, 3 * (time.monotonic() - began))))
