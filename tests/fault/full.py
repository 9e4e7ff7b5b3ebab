#!/usr/bin/env python3
"""tests/fault/full.py DIR: the disk is full. DIR is a small file system of its own (run.sh mounts a tmpfs).

Mail is delivered until it is refused, first politely at the low-water mark, then with the last bytes of the disk taken by another file.
Reads go on, deleting and leaving work, the server starts again on the full disk, and takes mail again when there is room. Nothing
that was acknowledged is lost, and `mailstead check` finds nothing at any time.
"""
import argparse
import os
import re
import select
import smtplib
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from imap import Gone, Imap  # noqa: E402
from serve import Server  # noqa: E402

ANN = "ann@full.example"
STORE = """cache_bytes = 4M
low_water_bytes = 36M
ballast_bytes = 24M
checkpoint_bytes = 1M"""
TIMEOUT = 60


class Failed(Exception):
    pass


def message(n):
    return (f"From: <sender@elsewhere.example>\r\nTo: <{ANN}>\r\nSubject: m{n}\r\n\r\n").encode() + os.urandom(60000).hex().encode() \
        .replace(b"00", b"0\r\n0") + b"\r\n"


class Test:
    def __init__(self, server, room):
        self.server, self.room, self.kept, self.n = server, room, set(), 0
        self.filler = os.path.join(room, "filler")

    def send(self):
        """One message. Returns the reply's (code, text)."""
        self.n += 1
        try:
            with smtplib.SMTP(*self.server.smtp, timeout=TIMEOUT) as s:
                s.sendmail("sender@elsewhere.example", ANN, message(self.n))
            self.kept.add(self.n)
            return 250, b""
        except smtplib.SMTPRecipientsRefused as e:
            return e.recipients[ANN]
        except smtplib.SMTPResponseException as e:
            return e.smtp_code, e.smtp_error

    def send_until_refused(self, most=2000):
        for _ in range(most):
            code, text = self.send()
            if code != 250:
                if code != 452 or b"4.3.1" not in text:
                    raise Failed(f"message {self.n} was refused with {code} {text!r}, not 452 4.3.1")
                return
        raise Failed(f"{most} messages fit")

    def settle(self):
        """Waits for the log to say that the tables have followed: from then on no page of the cache waits for the disk. Old logs go
        at that moment, so there may be room for more mail again."""
        for _ in range(600):
            state = re.findall(r"store\.(low|roomy|flushed)(?: batches=(\d+))?", self.server.log_text())
            level = [s for s, _ in state if s != "flushed"][-1:]
            if level == ["roomy"]:
                self.send_until_refused()
                continue
            batches = int(re.search(r"^batches=(\d+)", self.server.must("stats"), re.M).group(1))
            if any(s == "flushed" and int(n) >= batches for s, n in state):
                return
            select.select([], [], [], 0.05)
        raise Failed("the tables do not follow below the low-water mark")

    def fill(self):
        """Takes all that is left."""
        with open(self.filler, "ab", buffering=0) as f:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        f.write(b"\0" * size)
                except OSError:
                    pass

    def imap(self):
        return Imap(self.server.imap, timeout=TIMEOUT)

    def login(self):
        import ssl
        c = self.imap()
        c.ok("STARTTLS")
        context = ssl.create_default_context(cafile=self.server.ca)
        c.sock = context.wrap_socket(c.sock, server_hostname="localhost")
        c.ok(f"LOGIN {ANN} secret")
        return c

    def bye(self, c):
        """LOGOUT works whatever else does."""
        try:
            c.command("LOGOUT")
        except Gone as e:
            if "BYE" not in str(e):
                raise

    def everything_is_there(self, why):
        c = self.login()
        count = int(re.search(rb"(\d+) EXISTS", b"\n".join(c.ok("EXAMINE INBOX")[1])).group(1))
        there = set()
        for row in c.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            m = re.search(rb"Subject: m(\d+)", row)
            if m:
                n = int(m.group(1))
                if n in there:
                    raise Failed(f"{why}: m{n} is there twice")
                there.add(n)
        for uid in (1, count // 2 or 1, count):
            rows = c.ok(f"FETCH {uid} BODY.PEEK[]")[1]
            if len(b"".join(rows)) < 100000:
                raise Failed(f"{why}: message {uid} came back short: {len(b''.join(rows))} bytes")
        self.bye(c)
        if there != self.kept:
            raise Failed(f"{why}: lost {sorted(self.kept - there)[:10]}, too many {sorted(there - self.kept)[:10]}")

    def check(self, why):
        done = self.server.run("check")
        if done.returncode != 0:
            raise Failed(f"{why}: check: {done.returncode} {(done.stdout + done.stderr).decode()[:500]}")


def full(room):
    server = Server({"store": STORE, "limits": "smtp_ip_count = 0\nimap_ip_count = 0", "logging": "level = debug"},
                    keep=os.path.join(room, "store"), start=False)
    t = Test(server, room)

    def low_water():
        server.write_config()
        server.must("domain", "add", "full.example")
        server.must("user", "add", ANN, "--password-stdin", password="secret")
        server.start()
        t.send_until_refused()
        t.settle()
        if len(t.kept) < 10:
            raise Failed(f"only {len(t.kept)} messages fit")
        t.everything_is_there("at the low-water mark")
        return f"{len(t.kept)} messages, then 452 4.3.1"

    def append():
        c = t.login()
        status, text, _ = c.command("APPEND INBOX", message(0))
        if status != "NO" or "[UNAVAILABLE]" not in text and "[OVERQUOTA]" not in text and "[LIMIT]" not in text:
            raise Failed(f"APPEND: {status} {text}")
        t.bye(c)
        return text

    def no_byte_left():
        t.fill()
        t.send_until_refused(1)
        t.everything_is_there("with the disk full")
        c = t.login()
        said = []
        for command in ("SELECT INBOX", "UID STORE 1 +FLAGS.SILENT (\\Seen)", "NOOP", "CREATE Other"):
            said.append(command.split()[0] + " " + c.command(command)[0])
        t.bye(c)
        return ", ".join(said)

    def stop_and_start():
        code = server.stop()
        if code < 0 or code not in (0, 70, 75):
            raise Failed(f"exit code {code} at the stop on a full disk")
        server.start()
        t.everything_is_there("after the restart on the full disk")
        return f"exit code {code}"

    def kill_and_start():
        """With pages that wait for the disk: there may be no room even to recover, but that is said, and it does no harm."""
        os.unlink(t.filler)
        for _ in range(3):
            c = t.login()
            c.ok("SELECT INBOX")
            c.ok("STORE 1:* +FLAGS.SILENT (\\Flagged)")
            c.ok("STORE 1:* -FLAGS.SILENT (\\Flagged)")
            t.bye(c)
        t.fill()
        server.kill()
        told = "at once"
        try:
            server.start()
        except RuntimeError as e:
            if "free space on its disk and start again" not in str(e):
                raise
            told = "when there was room: it had said so"
            os.unlink(t.filler)
            server.start()
        t.everything_is_there("after the kill on the full disk")
        t.check("after the kill on the full disk")
        return told

    def expunge():
        c = t.login()
        c.ok("SELECT INBOX")
        status, text, _ = c.command("UID STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        if status == "OK":
            status, text, _ = c.command("EXPUNGE")
        left = {int(m) for row in c.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] for m in re.findall(rb"Subject: m(\d+)", row)}
        gone = t.kept - left
        if len(gone) not in (0, 3):
            raise Failed(f"EXPUNGE {status} {text}: {sorted(gone)} are gone")
        t.kept -= gone
        t.bye(c)
        return f"EXPUNGE {status}: {len(gone)} gone"

    def room_again():
        if os.path.exists(t.filler):
            os.unlink(t.filler)
        os.unlink(os.path.join(room, "reserve"))
        server.stop()
        server.start()
        before = len(t.kept)
        for _ in range(5):
            code, text = t.send()
            if code != 250:
                raise Failed(f"with room again: {code} {text!r}")
        t.everything_is_there("with room again")
        t.check("with room again")
        if server.stop() != 0:
            raise Failed("exit code at the end")
        t.check("stopped")
        return f"{len(t.kept) - before} more"

    return [low_water, append, no_byte_left, stop_and_start, expunge, kill_and_start, room_again], server


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room")
    parser.add_argument("--label", default=os.environ.get("LABEL", "fault"))
    args = parser.parse_args()
    with open(os.path.join(args.room, "reserve"), "wb") as f:  # given back when there is to be room again
        f.write(b"\0" * (12 << 20))
    steps, server = full(args.room)
    good = True
    for step in steps:
        name = f"{args.label} disk full: {step.__name__.replace('_', ' ')}"
        try:
            told = step()
            print(f"ok {name}" + (f" ({told})" if told else ""), flush=True)
        except (Failed, Gone, RuntimeError, OSError, smtplib.SMTPException) as e:
            good = False
            log = [line for line in server.log_text().splitlines() if " info " not in line][-30:]
            print(f"not ok {name}\n    {type(e).__name__}: {e}\n    log:\n    " + "\n    ".join(log), flush=True)
            break
    if server.process and server.process.poll() is None:
        server.kill()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
