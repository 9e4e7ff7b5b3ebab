#!/usr/bin/env python3
"""tests/fault/nth.py [--kind KIND]...: the n-th write, sync, open, read or allocation fails, for n = 1 until a run meets no failure.

Each run has a server of its own on a copy of one store. From the moment it is ready (or from its first instruction, for the
kinds of "start") the n-th operation of the kind fails. The run delivers mail and works on mailboxes; then the server is asked to end.
It may refuse, and it may end early (exit code 64, 70, 74 or 75), but not by a signal. Then it is started without faults: whatever it had
acknowledged is there, whatever it had refused is not, the rest is there wholly or not at all, and `mailstead check` finds nothing.

A kind with more operations than its points (or --points, or FAULT_POINTS in the environment) is sampled: that many n, spread
evenly, and it says so. --points 0: every n.
"""
import argparse
import os
import random
import shutil
import smtplib
import ssl
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from imap import Gone, Imap  # noqa: E402
from lab import Lab  # noqa: E402

ANN, BOB = "ann@fault.example", "bob@fault.example"
TIMEOUT = 30
# EX_SOFTWARE, EX_IOERR, EX_TEMPFAIL; EX_USAGE when there is no memory to read a certificate, which is then taken for a bad one
ORDERLY = (0, 70, 74, 75, 64)
READY, START = "MAILSTEAD_TRIP_READY", "MAILSTEAD_TRIP"
# name: (from when on, kind of trip, what follows n, points)
KINDS = {
    "write": (READY, "write", "", 100),
    "sync": (READY, "sync", "", 100),
    "open": (READY, "open", "", 100),
    "read": (READY, "read", "", 100),
    "alloc": (READY, "alloc", "", 60),
    "write-full": (READY, "write", ":28", 20),
    "write-full-ever": (READY, "write", ":28:ever", 20),
    "read-ever": (READY, "read", ":5:ever", 20),
    "alloc-ever": (READY, "alloc", ":12:ever", 20),
    "start-write": (START, "write", "", 20),
    "start-write-full": (START, "write", ":28", 20),
    "start-sync": (START, "sync", "", 20),
    "start-open": (START, "open", "", 20),
    "start-read": (START, "read", "", 100),
    "start-alloc": (START, "alloc", "", 20),
}


def message(name, size=0):
    rng = random.Random(name)
    text = b"".join(b"%060x\r\n" % rng.getrandbits(240) for _ in range(size // 62))
    return (f"From: <sender@elsewhere.example>\r\nTo: <{ANN}>\r\nSubject: {name}\r\nMessage-ID: <{name}@fault>\r\n"
            "Date: Mon, 23 Nov 2026 20:30:48 +0000\r\n\r\n").encode() + text + b"the end of it\r\n"


SIZES = {"big": 200000, "small": 0, "appended": 20000, **{f"t{i}": 3000 for i in range(1, 7)}}


class State:
    """Where each message may be: a list of possibilities, each a sorted list of (user, mailbox)."""

    def __init__(self):
        self.where = {f"t{i}": [[(ANN, "INBOX")]] for i in range(1, 7)}
        self.flags = {}
        self.boxes = {}   # name: may be there or not: list of booleans
        self.trouble = []

    def tries(self, name, after):
        self.where.setdefault(name, [[]])
        self.before, self.after, self.name = self.where[name], [sorted(after)], name
        self.where[name] = self.before + self.after

    def answered(self, good):
        self.where[self.name] = self.after if good else self.before


def by_smtp(lab, state):
    for name, to in (("small", [ANN, BOB]), ("big", [ANN])):
        state.tries(name, [(u, "INBOX") for u in to])
        try:
            with smtplib.SMTP(*lab.smtp, timeout=TIMEOUT) as s:
                if name == "big":
                    s.starttls(context=ssl.create_default_context(cafile=lab.ca))
                refused = s.sendmail("sender@elsewhere.example", to, message(name, SIZES[name]))
                state.after = [sorted((u, "INBOX") for u in to if u not in refused)]
                state.answered(True)
        except smtplib.SMTPServerDisconnected:
            pass  # nobody knows
        except smtplib.SMTPResponseException as e:
            if e.smtp_code != 421:
                state.answered(False)
        except smtplib.SMTPRecipientsRefused:
            state.answered(False)
        except TimeoutError:
            state.trouble.append(f"no answer to {name}")
        except OSError:
            pass


def step(c, state, name, after, text, literal=None):
    state.tries(name, after)
    status, _, _ = c.command(text, literal)
    state.answered(status == "OK")
    return status == "OK"


def fetch(c, state, n):
    """What is answered is right."""
    status, _, rows = c.command(f"UID FETCH {n} BODY.PEEK[]")
    if status == "OK" and not any(message(f"t{n}", SIZES[f"t{n}"]) in row for row in rows):
        state.trouble.append(f"UID FETCH {n} said OK and {b''.join(rows)[:300]!r}")


def by_imap(lab, state):
    inbox = (ANN, "INBOX")
    c = Imap(lab.imap, timeout=TIMEOUT)
    if c.command(f"LOGIN {ANN} pw")[0] != "OK" or c.command("SELECT INBOX")[0] != "OK":
        return
    fetch(c, state, 1)
    c.command("UID SEARCH TEXT \"the end of\"")
    if c.command("UID STORE 1 +FLAGS (\\Flagged kept)")[0] == "OK":
        state.flags["t1"] = {"\\Flagged", "kept"}
    step(c, state, "t2", [inbox, (ANN, "Archive")], "UID COPY 2 Archive")
    step(c, state, "t4", [(ANN, "Trash")], "UID MOVE 4 Trash")
    if c.command("UID STORE 3 +FLAGS.SILENT (\\Deleted)")[0] == "OK":
        step(c, state, "t3", [], "UID EXPUNGE 3")
    step(c, state, "appended", [(ANN, "Sent")], "APPEND Sent (\\Seen)", message("appended", SIZES["appended"]))
    state.boxes["Box"] = [True, False]
    state.boxes["Box"] = [c.command("CREATE Box")[0] == "OK"]
    if state.boxes["Box"] == [True]:
        state.boxes["Box"], state.boxes["Other"] = [True, False], [True, False]
        done = c.command("RENAME Box Other")[0] == "OK"
        state.boxes["Box"], state.boxes["Other"] = [not done], [done]
    fetch(c, state, 5)
    c.command("LIST \"\" *")
    c.command("STATUS Archive (MESSAGES UIDNEXT)")
    c.command("LOGOUT")


def scenario(lab, state):
    by_smtp(lab, state)
    try:
        by_imap(lab, state)
    except Gone as e:
        if "timed out" in str(e):
            state.trouble.append(f"IMAP: {e}")
    except OSError:
        pass


def look(lab, state):
    """After the restart."""
    found, flags, boxes = {}, {}, set()
    for user in (ANN, BOB):
        c = Imap(lab.imap, user, timeout=TIMEOUT)
        for line in c.ok('LIST "" "*"')[1]:
            box = line.rsplit(b'"/" ', 1)[1].decode().strip('"')
            boxes.add(box)
            if b"* 0 EXISTS" in b"\n".join(c.ok(f"EXAMINE {box}")[1]):
                continue
            for row in c.ok("FETCH 1:* (FLAGS BODY.PEEK[])")[1]:
                name = row.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
                found.setdefault(name, []).append((user, box))
                flags.setdefault(name, set()).update(row.partition(b"FLAGS (")[2].partition(b")")[0].decode().split())
                if message(name, SIZES.get(name, 0)) not in row:
                    state.trouble.append(f"{name} in {box} is not what was sent")
        c.close()
    for name in sorted(set(found) | set(state.where)):
        if sorted(found.get(name, [])) not in state.where.get(name, [[]]):
            state.trouble.append(f"{name} is at {found.get(name, [])}, may be at {state.where.get(name)}")
    for name, want in state.flags.items():
        if not want <= flags.get(name, set()):
            state.trouble.append(f"{name} has the flags {flags.get(name)}, not {want}")
    for box, may in state.boxes.items():
        if (box in boxes) not in may:
            state.trouble.append(f"{box} is {'there' if box in boxes else 'not there'}")


def template(where):
    """A store with six messages, left behind by a kill so that the next start has to recover."""
    with Lab(keep=where) as lab:
        c = Imap(lab.imap, ANN)
        for i in range(1, 7):
            c.ok("APPEND INBOX", message(f"t{i}", SIZES[f"t{i}"]))
        Imap(lab.imap, BOB).close()
        c.close()
        lab.stop()
        lab.start()
        c = Imap(lab.imap, ANN)
        c.ok("APPEND INBOX", message("t7"))
        c.ok("SELECT INBOX")
        c.ok("UID STORE 7 +FLAGS.SILENT (\\Deleted)")
        c.ok("UID EXPUNGE 7")
        lab.kill()
        lab.process.returncode = 0
    for name in ("ballast", "control"):  # what a copy does not need, or cannot have
        if os.path.exists(os.path.join(where, name)):
            os.unlink(os.path.join(where, name))


def run(original, kind, n):
    """One n. Returns (whether a failure was met, what is wrong)."""
    variable, trip, tail, _ = KINDS[kind]
    state = State()
    lab = Lab(start=False, env={variable: f"{trip}:{n}{tail}"})
    if trip == "alloc":  # OpenSSL forgets some of what it has when it gets no more
        lab.env["LSAN_OPTIONS"] = f"print_suppressions=0:suppressions={os.path.join(HERE, 'openssl.supp')}"
    shutil.copytree(original, lab.dir)
    try:
        try:
            lab.start()
            scenario(lab, state)
        except RuntimeError:  # it did not start
            if variable != START:
                state.trouble.append("it did not start")
            lab.process.wait(TIMEOUT)
        code = lab.stop()
        log = lab.log_text()
        hit = code != 0 or "lab.tripped" in log
        if code not in ORDERLY:
            state.trouble.append(f"exit code {code}")
        lab.env = None
        lab.start()
        look(lab, state)
        done = lab.run("check")
        if done.returncode != 0 or not done.stdout.startswith(b"ok: "):
            state.trouble.append(f"check: {done.returncode} {(done.stdout + done.stderr).decode()[:1000]}")
        code = lab.stop()
        if code != 0:
            state.trouble.append(f"exit code {code} without a fault")
        if state.trouble:
            state.trouble.append("log:\n" + lab.log_text()[-2500:])
        return hit, state.trouble
    except (Gone, OSError, RuntimeError) as e:
        return True, [f"after the restart: {type(e).__name__}: {e}", "log:\n" + lab.log_text()[-2500:]]
    finally:
        if lab.process and lab.process.poll() is None:
            lab.kill()
        shutil.rmtree(lab.home, ignore_errors=True)


def series(original, kind, points, label):
    """Runs n = 1, 2, 4, ... until nothing is met, then those between. Returns True if all is well."""
    tried, last = {}, None
    n = 1
    while last is None:
        tried[n] = run(original, kind, n)
        if not tried[n][0]:
            last = n
        n *= 2
    low = last // 2
    while points and last - low > max(1, last // 50):  # where it ends, roughly
        middle = (low + last) // 2
        tried[middle] = run(original, kind, middle)
        low, last = (middle, last) if tried[middle][0] else (low, middle)
    step = 1 if not points else max(1, -(-last // points))
    for n in range(1, last, step):
        if n not in tried:
            tried[n] = run(original, kind, n)
    bad = {n: t for n, (_, t) in tried.items() if t}
    met = sum(hit for hit, _ in tried.values())
    how = f"{met} failures met, n up to {last}" + (f", every {step}th" if step > 1 else "")
    print(("not ok" if bad else "ok"), f"{label} {kind}: {how}", flush=True)
    for n, trouble in sorted(bad.items())[:5]:
        print(f"    {kind}:{n}:", "\n    ".join(trouble).replace("\n", "\n    "), flush=True)
    if len(bad) > 5:
        print("    and", [n for n in sorted(bad)][5:])
    return not bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append")
    parser.add_argument("--n", type=int, help="this n alone")
    parser.add_argument("--points", type=int, default=os.environ.get("FAULT_POINTS"))
    parser.add_argument("--label", default=os.environ.get("LABEL", "fault"))
    args = parser.parse_args()
    home = tempfile.mkdtemp(prefix="mailstead-test.")
    good = True
    try:
        original = os.path.join(home, "store")
        template(original)
        for kind in args.kind or KINDS:
            if args.n:
                hit, trouble = run(original, kind, args.n)
                print("met" if hit else "not met", "\n".join(trouble))
                good = good and not trouble
            else:
                good = series(original, kind, KINDS[kind][3] if args.points is None else int(args.points), args.label) and good
    finally:
        shutil.rmtree(home, ignore_errors=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
