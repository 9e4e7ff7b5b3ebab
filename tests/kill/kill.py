#!/usr/bin/env python3
"""tests/kill/kill.py --rounds N [--seed S]: SIGKILL under load, again and again, and a history that must hold.

Workers deliver by SMTP and APPEND, set keywords, expunge, move and make mailboxes, each on messages of its own in mailboxes that
all share. Every message carries a name of its own. After each kill the server is started again, `mailstead check` must find
nothing, and for every operation ever tried:
  acknowledged: its effect is there, exactly once; not acknowledged: it is there wholly or not at all, and that stays so;
  no UID ever seen names another message, no UIDVALIDITY, UIDNEXT or HIGHESTMODSEQ is below one seen before.
"""
import argparse
import os
import random
import re
import smtplib
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from imap import Gone, Imap  # noqa: E402
from lab import Lab  # noqa: E402

USERS = ["ann@kill.example", "bob@kill.example"]


class Ledger:
    """What was tried and what was promised. One lock: workers write, the checker reads between the rounds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counter = 0
        self.where = {}      # name -> {(user, box): ...} allowed sets: list of frozensets of places, any one of which may hold
        self.keywords = {}   # (name, place) -> keywords that must be there
        self.uids = {}       # (user, box, uidvalidity, uid) -> name
        self.validity = {}   # (user, box) -> last UIDVALIDITY
        self.uidnext = {}    # (user, box, uidvalidity) -> UIDNEXT at least
        self.modseq = {}     # (user, box) -> HIGHESTMODSEQ at least
        self.acked = 0
        self.broken = []

    def name(self):
        with self.lock:
            self.counter += 1
            return f"m{self.counter:07d}"

    def may_be(self, name, *places):
        with self.lock:
            self.where[name] = [frozenset(p) for p in places]

    def is_at(self, name, places):
        with self.lock:
            self.where[name] = [frozenset(places)]
            self.acked += 1

    def has_keyword(self, name, place, keyword):
        with self.lock:
            self.keywords.setdefault((name, place), set()).add(keyword)
            self.acked += 1

    def saw_uid(self, user, box, validity, uid, name):
        with self.lock:
            before = self.uids.setdefault((user, box, validity, uid), name)
            if before != name:
                self.broken.append(f"{user} {box} UIDVALIDITY {validity} UID {uid} was {before} and is now {name}")
            key = (user, box, validity)
            self.uidnext[key] = max(self.uidnext.get(key, 0), uid + 1)

    def saw_modseq(self, user, box, modseq):
        with self.lock:
            self.modseq[(user, box)] = max(self.modseq.get((user, box), 0), modseq)

    def saw_validity(self, user, box, validity, fresh):
        with self.lock:
            before = self.validity.get((user, box), 0)
            if validity < before or (fresh and validity == before):
                self.broken.append(f"{user} {box} UIDVALIDITY {validity} after {before}")
            self.validity[(user, box)] = max(before, validity)


def message(name):
    return (f"From: <sender@elsewhere.example>\r\nTo: <someone@kill.example>\r\nSubject: {name}\r\nMessage-ID: <{name}@kill>\r\n"
            "Date: Mon, 23 Nov 2026 20:30:48 +0000\r\n\r\n").encode() + b"text of the message\r\n" * random.randint(1, 400)


def smtp_worker(lab, ledger, stop, rng):
    with smtplib.SMTP(*lab.smtp, timeout=30) as s:
        while not stop.is_set():
            name = ledger.name()
            to = rng.choice([[USERS[0]], [USERS[1]], USERS])
            places = {(u, "INBOX") for u in to}
            ledger.may_be(name, (), places)
            if not s.sendmail("sender@elsewhere.example", to, message(name)):
                ledger.is_at(name, places)


def appended(ledger, c, user, box, name):
    """APPENDs; returns the UID."""
    place = (user, box)
    ledger.may_be(name, (), (place,))
    text, _ = c.ok(f"APPEND {box} (\\Seen)", message(name))
    validity, uid = map(int, re.search(r"APPENDUID (\d+) (\d+)", text).groups())
    ledger.is_at(name, [place])
    ledger.saw_uid(user, box, validity, uid, name)
    return uid


def note_modseqs(ledger, user, box, untagged):
    for line in untagged:
        m = re.search(rb"MODSEQ \((\d+)\)", line)
        if m:
            ledger.saw_modseq(user, box, int(m.group(1)))


def append_worker(lab, ledger, stop, rng):
    """Appends, then flags, moves or expunges what it appended."""
    user = rng.choice(USERS)
    c = Imap(lab.imap, user)
    c.ok("SELECT INBOX (CONDSTORE)")
    while not stop.is_set():
        name = ledger.name()
        uid = appended(ledger, c, user, "INBOX", name)
        act = rng.randrange(5)
        if act == 0:
            keyword = f"k{rng.randrange(40)}"
            _, untagged = c.ok(f"UID STORE {uid} +FLAGS ({keyword})")
            note_modseqs(ledger, user, "INBOX", untagged)
            ledger.has_keyword(name, (user, "INBOX"), keyword)
        elif act == 1:
            ledger.may_be(name, ((user, "INBOX"),), ((user, "Archive"),))
            _, untagged = c.ok(f"UID MOVE {uid} Archive")
            m = re.search(rb"COPYUID (\d+) \S+ (\d+)\]", b"\n".join(untagged))
            ledger.is_at(name, [(user, "Archive")])
            ledger.saw_uid(user, "Archive", int(m.group(1)), int(m.group(2)), name)
        elif act == 2:
            c.ok(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
            ledger.may_be(name, ((user, "INBOX"),), ())
            c.ok(f"UID EXPUNGE {uid}")
            ledger.is_at(name, [])
        elif act == 3:
            both = ((user, "INBOX"), (user, "Sent"))
            ledger.may_be(name, ((user, "INBOX"),), both)
            text, _ = c.ok(f"UID COPY {uid} Sent")
            m = re.search(r"COPYUID (\d+) \S+ (\d+)\]", text)
            ledger.is_at(name, both)
            ledger.saw_uid(user, "Sent", int(m.group(1)), int(m.group(2)), name)


def mailbox_worker(lab, ledger, stop, rng):
    """Makes and deletes one name over and over: UIDVALIDITY must rise each time."""
    user = USERS[0]
    c = Imap(lab.imap, user)
    box = f"Box{rng.randrange(3)}"
    while not stop.is_set():
        c.command(f"DELETE {box}")
        c.ok(f"CREATE {box}")
        _, untagged = c.ok(f"STATUS {box} (UIDVALIDITY)")
        ledger.saw_validity(user, box, int(re.search(rb"UIDVALIDITY (\d+)", untagged[0]).group(1)), True)


def worker(fn, lab, ledger, stop, seed):
    rng = random.Random(seed)
    try:
        fn(lab, ledger, stop, rng)
    except (Gone, OSError, smtplib.SMTPException):
        pass  # the kill
    except Exception as e:  # anything else is a finding
        if not stop.is_set():
            with ledger.lock:
                ledger.broken.append(f"{fn.__name__}: {type(e).__name__}: {e}")


def look(lab, ledger, user):
    """What the server holds now: {name: [(place, keywords)]}; takes note of UIDs and counters on the way."""
    found = {}
    c = Imap(lab.imap, user)
    _, boxes = c.ok('LIST "" "*"')
    for line in boxes:
        box = re.search(rb' "/" (.*)$', line).group(1).decode().strip('"')
        _, untagged = c.ok(f'EXAMINE "{box}" (CONDSTORE)')
        text = b"\n".join(untagged)
        validity, uidnext, modseq = (int(re.search(k + rb" (\d+)", text).group(1)) for k in (b"UIDVALIDITY", b"UIDNEXT", b"HIGHESTMODSEQ"))
        ledger.saw_validity(user, box, validity, False)
        if uidnext < ledger.uidnext.get((user, box, validity), 0):
            ledger.broken.append(f"{user} {box} UIDNEXT {uidnext} below {ledger.uidnext[(user, box, validity)]}")
        ledger.uidnext[(user, box, validity)] = uidnext
        if modseq < ledger.modseq.get((user, box), 0):
            ledger.broken.append(f"{user} {box} HIGHESTMODSEQ {modseq} below {ledger.modseq[(user, box)]}")
        ledger.saw_modseq(user, box, modseq)
        if not re.search(rb"\* 0 EXISTS", text):
            _, rows = c.ok("FETCH 1:* (UID FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for row in rows:
                m = re.search(rb"FETCH \(.*?UID (\d+)", row)
                name = re.search(rb"Subject: (\S+)", row)
                if m and name:
                    ledger.saw_uid(user, box, validity, int(m.group(1)), name.group(1).decode())
                    flags = set(re.search(rb"FLAGS \(([^)]*)\)", row).group(1).decode().split())
                    found.setdefault(name.group(1).decode(), []).append(((user, box), flags))
    c.close()
    return found


def verify(lab, ledger):
    done = lab.run("check")
    if done.returncode != 0:
        ledger.broken.append(f"check: exit {done.returncode}: {(done.stdout + done.stderr).decode()[:2000]}")
    found = {}
    for user in USERS:
        for name, places in look(lab, ledger, user).items():
            found.setdefault(name, []).extend(places)
    for name, allowed in ledger.where.items():
        places = [p for p, _ in found.get(name, [])]
        if len(set(places)) != len(places):
            ledger.broken.append(f"{name} is twice in one mailbox: {places}")
        elif frozenset(places) not in allowed:
            ledger.broken.append(f"{name} is at {places}, may be at {[sorted(a) for a in allowed]}")
        else:
            ledger.where[name] = [frozenset(places)]  # from now on it stays so
    for name in found:
        if name not in ledger.where:
            ledger.broken.append(f"{name} came from nowhere")
    for (name, place), keywords in ledger.keywords.items():
        for at, flags in found.get(name, []):
            if at == place and not keywords <= flags:
                ledger.broken.append(f"{name} at {place} has lost {keywords - flags}")


def one_round(lab, ledger, rng):
    stop = threading.Event()
    jobs = [smtp_worker, smtp_worker, append_worker, append_worker, append_worker, mailbox_worker]
    threads = [threading.Thread(target=worker, args=(fn, lab, ledger, stop, rng.random())) for fn in jobs]
    for t in threads:
        t.start()
    time.sleep(rng.uniform(0.01, 2.0))  # the random moment of the kill, not a wait for an event
    lab.kill()
    stop.set()
    for t in threads:
        t.join()
    lab.start()
    verify(lab, ledger)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--label", default="kill")
    args = parser.parse_args()
    rng, ledger = random.Random(args.seed), Ledger()
    failed = 0
    with Lab() as lab:
        for k in range(args.rounds):
            before = ledger.acked
            one_round(lab, ledger, rng)
            good = not ledger.broken
            failed += not good
            print(f"{'ok' if good else 'not ok'} {args.label} round {k + 1}: {ledger.acked - before} acknowledged "
                  f"({ledger.acked} in all, seed {args.seed})", flush=True)
            for line in ledger.broken[:20]:
                print("   ", line)
            if not good:
                print("    log:", lab.log_text()[-3000:].replace("\n", "\n    "))
                break
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
