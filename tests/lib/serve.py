"""tests/lib/serve.py: a `mailstead serve` for a test: its configuration written, started on free ports, waited for, stopped."""
import os
import pwd
import socket
import subprocess

from lab import BINARY, Lab

SERVICES = ("smtp", "submission", "submissions", "imap", "imaps")


def free_ports(n):
    """Nobody has them now; that nobody takes them before the server does is likely, not certain: start tries again."""
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


class Server(Lab):
    """sections: {"store": "cache_bytes = 4M", ...}; top: lines outside of sections. ca is the server's own."""

    def __init__(self, sections=None, top="", keep=None, env=None, start=True, user=None):
        self.sections, self.top = dict(sections or {}), top  # tests change theirs
        self.user = user or pwd.getpwuid(os.geteuid()).pw_name
        super().__init__(keep=keep, env=env, start=False)
        self.config = os.path.join(self.home, "mailstead.conf")
        if start:
            self.start()

    def write_config(self):
        lines = ['hostname = "mail.serve.example"', f'data_directory = "{self.dir}"', f'user = "{self.user}"', self.top]
        doors = []
        for name, port in zip(SERVICES, free_ports(len(SERVICES))):
            setattr(self, name, ("127.0.0.1", port))
            doors.append(f'{name} = {{"127.0.0.1:{port}"}}')
        for section, text in {"listeners": "\n".join(doors), **self.sections}.items():
            lines += [section + " {", text, "}"]
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")

    def start_once(self):
        """Waits for READY=1 as systemd does."""
        self.write_config()
        self.log = open(os.path.join(self.home, "log"), "ab")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = os.path.join(self.home, "notify")
            if os.path.exists(path):
                os.unlink(path)
            notify.bind(path)
            os.chmod(path, 0o666)
            notify.settimeout(0.1)
            self.process = subprocess.Popen([BINARY, "serve", "--config", self.config], stdout=subprocess.PIPE, stderr=self.log,
                                            stdin=subprocess.DEVNULL, env={**os.environ, **(self.env or {}), "NOTIFY_SOCKET": path})
            while self.process.poll() is None:
                try:
                    if b"READY=1" in notify.recv(4096):
                        self.ca = os.path.join(self.dir, "ca.pem")
                        return True
                except TimeoutError:
                    pass
        return False

    def start(self):
        before = len(self.log_text())
        for _ in range(3):
            if self.start_once():
                return self
            if "Address already in use" not in self.log_text()[before:]:
                break
        raise RuntimeError("the server did not start:\n" + self.log_text()[before:])

    def run(self, *argv, password=None, **kw):
        """A mailstead command with this configuration, whether the server runs or not."""
        if password is not None:
            kw["input"] = password.encode() + b"\n"
        return subprocess.run([BINARY, *argv, "--config", self.config], capture_output=True, timeout=120, check=False, **kw)

    def must(self, *argv, **kw):
        done = self.run(*argv, **kw)
        if done.returncode != 0:
            raise RuntimeError(f"mailstead {' '.join(argv)}: exit {done.returncode}: {(done.stdout + done.stderr).decode()}")
        return done.stdout.decode()
