"""tests/lib/lab.py: a `mailstead lab` for a test: started on free ports, waited for, stopped."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

os.environ.setdefault("LSAN_OPTIONS", "print_suppressions=0")  # of a build with sanitizers
BINARY = os.environ.get("MAILSTEAD", "build/plain/mailstead")


class Lab:
    """One server. Attributes smtp, submission, imap, imaps are (host, port); ca is a file; dir is the store."""

    def __init__(self, *options, keep=None, env=None, command=None, start=True):
        self.options, self.keep, self.env, self.command = options, keep, env, command
        self.process = None
        self.home = tempfile.mkdtemp(prefix="mailstead-test.")
        self.dir = keep or os.path.join(self.home, "store")
        if start:
            self.start()

    def start(self):
        ready = os.path.join(self.home, "ready")
        if os.path.exists(ready):
            os.unlink(ready)
        doors = sum((["--" + d, "127.0.0.1:0"] for d in ("smtp", "submission", "imap", "imaps")), [])
        argv = self.command or [BINARY, "lab", "--dir", self.dir, *doors, "--print=env", "--ready-file", ready]
        self.log = open(os.path.join(self.home, "log"), "ab")
        self.process = subprocess.Popen([*argv, *self.options], stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(self.env or {})})
        # the last line that --print=env writes is MAILSTEAD_PID: reading until it is waiting for the event
        for line in self.process.stdout:
            key, _, value = line.decode().strip().partition("=")
            name = key.replace("MAILSTEAD_", "").lower()
            if name in ("smtp", "submission", "imap", "imaps"):
                host, _, port = value.rpartition(":")
                setattr(self, name, (host, int(port)))
            elif name == "ca":
                self.ca = value
            elif name == "pid":
                return self
        raise RuntimeError("the server did not start:\n" + self.log_text())

    def log_text(self):
        if not self.process:
            return ""
        self.log.flush()
        with open(os.path.join(self.home, "log"), errors="replace") as f:
            return f.read()

    def run(self, *argv, **kw):
        """A mailstead command on this store."""
        return subprocess.run([BINARY, *argv, "--dir", self.dir], capture_output=True, timeout=120, **kw)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        return code

    def close(self):
        code = 0 if not self.process else self.stop() if self.process.poll() is None else self.process.returncode
        if code != 0:
            sys.stderr.write(f"server exit code {code}\n{self.log_text()[-4000:]}\n")
        shutil.rmtree(self.home, ignore_errors=True)
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if (code := self.close()) != 0 and kind is None:
            raise RuntimeError(f"the server ended with code {code}")
