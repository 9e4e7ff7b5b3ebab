#!/usr/bin/env python3
"""tests/model/model.py [--steps N] [--seed S]: random commands of several IMAP connections and SMTP deliveries against a model of
what the mailboxes of an account hold and of what each connection was told. Two connections are of another account, which shares them;
some have CONDSTORE, QRESYNC, UIDONLY, IMAP4rev2 or COMPRESS. (What a client keeps over its connections is in resync.py.)

The model is sure of everything but MODSEQs, of which it knows that they grow: so every reply can be compared, not only looked at.
  view       message n of a connection is what EXISTS and EXPUNGE made it, and no EXPUNGE comes with FETCH, STORE, SEARCH by number
  news       after each reply, and during IDLE without asking, a connection knows every change that others have made
  numbers    APPENDUID, COPYUID, MODIFIED, CHANGEDSINCE, VANISHED, SEARCH, ESEARCH, SORT and each STATUS counter are exactly those of the model
  identity   EMAILID, THREADID, MAILBOXID and SAVEDATE stay over COPY, MOVE and RENAME
  races      now and then all connections speak at once: afterwards they agree, and no UID names another message than before
"""
import argparse
import collections
import os
import random
import re
import smtplib
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from boxes import Box, Broken, Message, numbers_of, want  # noqa: E402
from imap import Gone, Imap  # noqa: E402
from lab import Lab  # noqa: E402
from more import More, attributes  # noqa: E402
from told import Conn, Entry, set_text  # noqa: E402

USER, FRIEND = "ann@model.example", "bob@model.example"
NAMES = ["INBOX", "Work", "Deep/Box"]
SPARE = ["Old", "Deep/Old"]  # what the two others are renamed to
SYSTEM = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]
KEYWORDS = ["k1", "k2", "k3", "$Forwarded"]
COUNTERS = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ"
RIGHTS = "lrswipkxtea"


class World(More):
    def __init__(self, lab, seed):
        self.lab, self.rng = lab, random.Random(seed)
        self.counter, self.step = 0, 0
        self.did = collections.Counter()
        self.smtp = smtplib.SMTP(*lab.smtp, timeout=30)
        self.boxes, self.last_validity = {}, {}
        self.oracle = Imap(lab.imap, USER)  # sees everything afresh
        Imap(lab.imap, FRIEND).close()      # a lab has an account once someone has come to it
        for name in NAMES:
            if name != "INBOX":
                self.oracle.ok(f"CREATE {name}")
            self.boxes[name] = Box(name, self.validity(name))
            self.share(name)
        self.conns = [Conn(lab.imap, USER, letter, self.rng) for letter in "ABCD"] + [Conn(lab.imap, FRIEND, letter, self.rng, USER) for letter in "EF"]

    def share(self, name):
        self.oracle.ok(f"SETACL {name} {FRIEND} {RIGHTS}")

    def validity(self, name):
        """Of a name that has just got its mailbox: larger than any before under it, RFC 9051 §6.3.4."""
        now = int(re.search(rb"UIDVALIDITY (\d+)", self.oracle.ok(f"STATUS {name} (UIDVALIDITY)")[1][0]).group(1))
        want(now > self.last_validity.get(name, 0), name, "UIDVALIDITY", now, "after", self.last_validity.get(name))
        self.last_validity[name] = now
        return now

    def body(self):
        self.counter += 1
        name = f"m{self.counter}"
        date, sender = attributes(name)
        return name, f"Subject: {name}\r\nFrom: <{sender}@model.example>\r\nDate: {date}\r\n\r\n".encode() + b"text\r\n" * self.rng.randint(0, 30)

    def some_flags(self):
        return self.rng.sample(SYSTEM + KEYWORDS, self.rng.choice([0, 1, 1, 2, 3]))

    def some_name(self):
        return self.rng.choice([*self.boxes, *self.boxes, *self.boxes, "Nowhere"])

    piping = False  # replies to other commands are on their way

    # --- commands: each returns (text, literal, check); check compares the reply and applies the command to the model ---

    def told(self, c, untagged, by_number=False, with_uid=False, flags_alone=False):
        c.asked_flags_alone = flags_alone
        got = c.eat(untagged, by_number, with_uid)
        self.same(c, got)
        c.asked_flags_alone = False
        c.shaky -= c.shaky > 0
        sure = not c.shaky and not c.owner
        why = c.agrees(by_number, sure) if c.box else None
        if why and not sure:  # what came and went on another loop may be told now, and only half of it with this reply
            c.late = True
            if not self.piping:
                self.catch_up(c)
        want(not why or not sure, "after the reply:", why)
        return got

    def noop(self, c, _):
        def check(status, _, untagged):
            want(status == "OK", status)
            self.told(c, untagged)
        return self.rng.choice(["NOOP", "CHECK"]) if not c.rev2 and c.box else "NOOP", None, check

    def append(self, c, _):
        target, flags, (name, body) = self.some_name(), self.some_flags(), self.body()

        def check(status, text, untagged):
            box = self.boxes.get(target)
            if box:
                uid = box.add(Message(name, len(body), flags, 0))
                want(status == "OK" and f"[APPENDUID {box.validity} {uid}]" in text, "APPENDUID", box.validity, uid, "expected:", status, text)
            else:
                want(status == "NO" and "[TRYCREATE]" in text, status, text)
            self.told(c, untagged)
        return f"APPEND {c.path(target)} ({' '.join(flags)})", body, check

    def store(self, c, uid):
        ranges, how, silent = c.pick(uid), self.rng.choice(["+", "+", "-", ""]), self.rng.random() < 0.4
        given = frozenset(self.some_flags())
        since = self.some_modseq(c.box) if self.rng.random() < 0.25 else None

        def check(status, text, untagged):
            targets = c.resolve(ranges, uid)
            if not self.refused(c, (status, text, untagged), targets, not uid, uid):
                self.stored(c, uid, how, silent, given, since, targets, status, text, untagged)
        modifier = f" (UNCHANGEDSINCE {since})" if since is not None else ""
        return (f"{'UID ' * uid}STORE {set_text(ranges)}{modifier} {how}FLAGS{'.SILENT' * silent} ({' '.join(sorted(given))})", None, check)

    def refused(self, c, reply, targets, by_number=False, with_uid=False):
        """True: there is no more to look at."""
        status, text, untagged = reply
        if targets is None and status == "BAD":
            return True
        want(targets is not None or c.read_only, "a number beyond the mailbox:", status, text)
        if c.read_only:
            want(status == "NO" and "[READ-ONLY]" in text, "after EXAMINE:", status, text)
            self.told(c, untagged, by_number, with_uid)
        return c.read_only

    def untouched(self, flags, how, given, since):
        """What has changed in the message is not what is to be added or taken away: RFC 7162 §3.1.12."""
        if since == 0 and (how != "+" or any(f.startswith("\\") for f in given)):
            return False
        return {"+": not flags & given, "-": given <= flags, "": False}[how]

    def stored(self, c, uid, how, silent, given, since, targets, status, text, untagged):
        box, entries, had_condstore = c.box, {e.uid: e for e in c.view}, c.condstore
        c.condstore |= since is not None
        live = [u for u in targets if u in box.messages]
        modified = [u for u in live if since is not None and box.newer(u, since) and not self.untouched(box.messages[u].flags, how, given, since)]
        changed = set()
        for u in live:
            if u not in modified:
                old = box.messages[u].flags
                new = {"+": old | given, "-": old - given, "": given}[how]
                changed |= {u} if old != new else set()
                box.change(u, new)
                e = entries[u]
                if silent and (e.flags is not None or not how):
                    e.flags = {"+": (e.flags or given) | given, "-": (e.flags or given) - given, "": given}[how]
        if modified:
            said = re.search(r"\[MODIFIED ([\d:,]+)\]", text)
            numbers = [u if uid else c.uids().index(u) + 1 for u in modified]
            want(status == "OK" and said and sorted(numbers_of(said.group(1))) == numbers, "MODIFIED", numbers, "expected:", status, text)
        elif len(live) == len(targets) or uid:
            want(status == "OK" and "MODIFIED" not in text, status, text)
        got = self.told(c, untagged, not uid, uid)
        for u in live:
            if u not in modified and not silent:
                want("flags" in got.get(u, ()), "STORE without .SILENT says nothing of UID", u)
            if u in changed and had_condstore:
                want("modseq" in got.get(u, ()), "no MODSEQ told of UID", u)

    def some_modseq(self, box):
        """One at which something happened; afterwards the MODSEQ of each message is known."""
        self.look(box)
        return self.rng.choice([m.modseq for m in box.messages.values()] + [box.top, box.top, max(box.top - 1, 0)])

    def fetch(self, c, uid):
        ranges = c.pick(uid)
        items = self.rng.choice(["FLAGS", "(UID FLAGS)", "(FLAGS UID MODSEQ)", "(UID RFC822.SIZE)", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
                                 "(UID BODY[HEADER.FIELDS (SUBJECT)])", "(FLAGS BODY[HEADER.FIELDS (SUBJECT)])",
                                 "(UID EMAILID THREADID)", "(EMAILID UID SAVEDATE FLAGS)"])

        def check(status, text, untagged):
            targets = c.resolve(ranges, uid)
            if targets is None:
                return want(status == "BAD", "a number beyond the mailbox:", status, text)
            want(status == "OK", status, text)
            c.condstore |= "MODSEQ" in items
            live = [u for u in targets if u in c.box.messages]
            sets_seen = "BODY[" in items and not c.read_only
            seen = [u for u in live if sets_seen and "\\Seen" not in c.box.messages[u].flags]
            for u in seen:
                c.box.change(u, c.box.messages[u].flags | {"\\Seen"})
            got = self.told(c, untagged, not uid, uid, "MODSEQ" not in items)
            for u in live:
                for item, word in {"flags": "FLAGS", "uid": "UID", "modseq": "MODSEQ", "size": "SIZE", "name": "SUBJECT"}.items():
                    want(word not in items.split() and word not in re.split(r"[^A-Z]", items) or item in got.get(u, ()),
                         "no", word, "of UID", u, "in", got.get(u))
                want(u not in seen or "flags" in got[u], "\\Seen was set without a word: UID", u)
            want(all("name" not in got[u] and "size" not in got[u] for u in got if u not in live), "FETCH of what was not asked for:", got)
        return f"{'UID ' * uid}FETCH {set_text(ranges)} {items}", None, check

    def changedsince(self, c, uid):
        ranges, since = c.pick(uid), self.some_modseq(c.box)

        def check(status, text, untagged):
            targets = c.resolve(ranges, uid)
            if targets is None:
                return want(status == "BAD", "a number beyond the mailbox:", status, text)
            want(status == "OK", status, text)
            c.condstore = True
            expected = {u for u in targets if u in c.box.messages and c.box.newer(u, since)}
            stale = {e.uid for e in c.view if e.modseq == 0 or c.box.messages.get(e.uid) and e.modseq != c.box.messages[e.uid].modseq}
            got = self.told(c, untagged, not uid, uid)
            want(expected <= {u for u in got if "modseq" in got[u]} <= expected | stale,
                 "CHANGEDSINCE: expected", sorted(expected), "got", sorted(got))
        return f"{'UID ' * uid}FETCH {set_text(ranges)} (FLAGS) (CHANGEDSINCE {since})", None, check

    def key(self, c, numbers, depth=0):
        """A search key: its text, and what it says of (uid, message)."""
        rng, kind = self.rng, self.rng.randrange(12)
        if kind < 2 and depth < 2:
            (t1, f1), (t2, f2) = self.key(c, numbers, depth + 1), self.key(c, numbers, depth + 1)
            return (f"OR {t1} {t2}", lambda u, m: f1(u, m) or f2(u, m)) if kind else (f"({t1} {t2})", lambda u, m: f1(u, m) and f2(u, m))
        if kind == 2 and depth < 2:
            t, f = self.key(c, numbers, depth + 1)
            return f"NOT {t}", lambda u, m: not f(u, m)
        if kind == 3:
            ranges = c.pick(True)
            return (f"UID {set_text(ranges)}" if ranges else "$"), lambda u, m: u in c.resolve(ranges, True)
        if kind == 4 and numbers and c.view:
            ranges = c.pick(False)
            return set_text(ranges), lambda u, m: u in c.resolve(ranges, False)
        if kind == 5:
            n = rng.randint(30, 300)
            return f"LARGER {n}", lambda u, m: m.size > n
        if kind == 6:
            n = rng.randint(1, self.counter + 1)
            return f"SUBJECT m{n}", lambda u, m: f"m{n}" in m.name
        flag, no = rng.choice(SYSTEM + KEYWORDS), rng.random() < 0.5
        text = f"{'UN' * no}KEYWORD {flag}" if flag[0] != "\\" else f"{'UN' * no}{flag[1:].upper()}"
        return text, lambda u, m: (flag in m.flags) != no

    def search(self, c, uid):
        text, says = self.key(c, not uid)
        returns = self.rng.choice([None, None, (), ("ALL",), ("MIN", "MAX"), ("MIN",), ("COUNT",), ("MIN", "MAX", "COUNT", "ALL"), ("SAVE",), ("SAVE", "COUNT"), ("PARTIAL",), ("PARTIAL", "COUNT", "MAX")])
        part, part_text = self.part() if returns and "PARTIAL" in returns else (None, "")
        since = self.some_modseq(c.box) if self.rng.random() < 0.15 and not part else None
        if since is not None:
            text = f"MODSEQ {since} {text}"

        def check(status, rest, untagged):
            want(status == "OK", status, rest)
            c.condstore |= since is not None
            uids = [u for u in c.uids() if u in c.box.messages and says(u, c.box.messages[u])]
            if since is not None:  # MODSEQ n: n or above, RFC 7162 §3.1.5
                uids = [u for u in uids if c.box.newer(u, since - 1)]
            if returns and "SAVE" in returns:
                c.saved = set(uids)
            numbers = uids if uid else [c.uids().index(u) + 1 for u in uids]
            self.found(c, uid, returns, since, uids, numbers, untagged)
            if part:
                self.found_part(part, part_text, numbers, untagged)
            self.told(c, untagged, not uid, uid)
        return f"{'UID ' * uid}SEARCH {'' if returns is None else 'RETURN (' + ' '.join(returns).replace('PARTIAL', part_text) + ') '}{text}", None, check

    def found(self, c, uid, returns, since, uids, numbers, untagged):
        lines = [line.decode() for line in untagged if re.match(rb"\* E?SEARCH", line)]
        if returns == ("SAVE",):
            return want(not lines, "told in spite of SAVE alone:", lines)
        want(len(lines) == 1, "one SEARCH response expected:", lines)
        line, known = lines[0], since is not None and all(c.box.messages[u].modseq for u in uids)
        if returns is None and not c.rev2:
            got = re.sub(r" \(MODSEQ \d+\)", "", line)
            want(list(map(int, got.split()[2:])) == numbers, "SEARCH", numbers, "expected:", line)
            expected_modseq = max((c.box.messages[u].modseq for u in uids), default=0) if known else 0
        else:
            returns = returns or ("ALL",)
            want((" UID" in line.split(")")[1].split(" MIN")[0]) == uid, "UID in ESEARCH:", line)
            got = {k: re.search(rf" {k} (\S+)", line) for k in ("MIN", "MAX", "COUNT", "ALL")}
            got = {k: numbers_of(v.group(1)) for k, v in got.items() if v}
            expected = {"MIN": numbers[:1], "MAX": numbers[-1:], "ALL": numbers, "COUNT": [len(numbers)]}
            expected = {k: v for k, v in expected.items() if k in returns and v}
            want(got == expected, "ESEARCH", expected, "expected:", line)
            told = [u for k, u in (("MIN", uids[:1]), ("MAX", uids[-1:])) if k in returns]
            of = sum(told, []) if set(returns) <= {"MIN", "MAX"} else uids
            expected_modseq = max((c.box.messages[u].modseq for u in of), default=0) if known else 0
        modseq = re.search(r"MODSEQ (\d+)", line)
        if expected_modseq:
            want(modseq and int(modseq.group(1)) == expected_modseq, "MODSEQ", expected_modseq, "expected:", line)

    def copy(self, c, uid):
        ranges, move, target = c.pick(uid), self.rng.random() < 0.4, self.some_name()

        def check(status, text, untagged):
            targets = c.resolve(ranges, uid)
            if targets is None or move and c.read_only:
                return self.refused(c, (status, text, untagged), targets, False, uid)
            live = [u for u in targets if u in c.box.messages]
            box = self.boxes.get(target)
            if not box and live:
                want(status == "NO" and "[TRYCREATE]" in text, status, text)
            elif targets and not live and not uid:
                want(status in ("OK", "NO"), status, text)
            elif box:
                want(status == "OK", status, text)
                to = [box.add(c.box.messages[u]) for u in live]
                if move:
                    c.box.remove(live)
                said = re.search(r"\[COPYUID (\d+) ([\d:,]+) ([\d:,]+)\]", text + " ".join(map(repr, untagged)))
                said = said and (int(said.group(1)), numbers_of(said.group(2)), numbers_of(said.group(3)))
                want(said == ((box.validity, live, to) if live else None), "COPYUID", box.validity, live, to, "expected:", said)
            self.told(c, untagged, False, uid)
        return f"{'UID ' * uid}{'MOVE' if move else 'COPY'} {set_text(ranges)} {c.path(target)}", None, check

    def expunge(self, c, uid):
        ranges = c.pick(True) if uid else None

        def check(status, text, untagged):
            targets = c.resolve(ranges, True) if uid else list(c.box.messages)
            if self.refused(c, (status, text, untagged), targets, False, uid):
                return
            want(status == "OK", status, text)
            c.box.remove([u for u in targets if u in c.box.messages and "\\Deleted" in c.box.messages[u].flags])
            self.told(c, untagged, False, uid)
        return f"UID EXPUNGE {set_text(ranges)}" if uid else "EXPUNGE", None, check

    def status(self, c, _):
        name = self.some_name()

        def check(status, text, untagged):
            box = self.boxes.get(name)
            if box:
                want(status == "OK", status, text)
                self.counted(box, [line for line in untagged if line.startswith(b"* STATUS")])
                c.condstore = True
            else:
                want(status == "NO", status, text)
            self.told(c, untagged)
        return f"STATUS {c.path(name)} ({COUNTERS})", None, check

    def counted(self, box, lines):
        want(len(lines) == 1, "one STATUS response expected:", lines)
        got = {k: int(v) for k, v in re.findall(r"([A-Z]+) (\d+)", lines[0].decode().rsplit("(", 1)[1])}
        box.saw_highest(got.pop("HIGHESTMODSEQ"))
        want(got == box.counters(), "STATUS", box.name, box.counters(), "expected:", got)

    # --- steps that are no single command ---

    def select(self, c):
        name, c.read_only, params = self.some_name(), self.rng.random() < 0.15, self.rng.random() < 0.2
        was, c.box, c.view, c.saved = c.box, None, [], set()
        status, text, untagged = c.hear(c.say(f"{'EXAMINE' if c.read_only else 'SELECT'} {c.path(name)}{' (CONDSTORE)' * params}"))
        want((b"* OK [CLOSED]" in b"".join(untagged)) == bool(was), "CLOSED:", untagged)
        if name not in self.boxes:
            return want(status == "NO", status, text)
        want(status == "OK" and ("[READ-ONLY]" if c.read_only else "[READ-WRITE]") in text, status, text)
        c.condstore |= params
        box = c.box = self.boxes[name]
        said = b"\n".join(untagged).decode()
        got = {k: int(v) for k, v in re.findall(r"\* OK \[([A-Z]+) (\d+)\]", said)}
        got["EXISTS"] = int(re.search(r"\* (\d+) EXISTS", said).group(1))
        box.saw_highest(got.pop("HIGHESTMODSEQ"))
        expected = {"EXISTS": len(box.messages), "UIDNEXT": box.uidnext, "UIDVALIDITY": box.validity}
        unseen = [n for n, u in enumerate(sorted(box.messages), 1) if "\\Seen" not in box.messages[u].flags]
        if unseen and not c.rev2 and not c.uidonly:
            expected["UNSEEN"] = unseen[0]
        want(got == expected, name, expected, "expected:", got)
        c.view = [Entry(u) for u in sorted(box.messages)]
        if c.view and self.rng.random() < 0.7:
            self.one(c, f"{'UID ' * c.uidonly}FETCH 1:* (UID FLAGS)", None, lambda status, _, lines: self.told(c, lines, True, flags_alone=True))

    def leave(self, c):
        verb = self.rng.choice(["CLOSE", "UNSELECT"])
        _, untagged = c.ask(verb)
        want(not re.search(rb"\d EXPUNGE|VANISHED", b"".join(untagged)), verb, "tells of EXPUNGE:", untagged)  # RFC 9051 §6.4.1
        if verb == "CLOSE" and not c.read_only:
            c.box.remove([u for u, m in list(c.box.messages.items()) if "\\Deleted" in m.flags])
        c.box, c.view, c.saved = None, [], set()

    def reconnect(self, c):
        if self.rng.random() < 0.3:  # another session of the same connection
            c.ask("UNAUTHENTICATE")
            c.imap.plain_again()
            c.ask(f'LOGIN "{c.user}" "pw"')
            return c.begin()
        c.imap.close()
        c.connect()

    def idle(self, c):
        """Begins IDLE, or ends it."""
        if not c.idling:
            c.idle_tag, c.idling = c.say("IDLE"), True
            while not (line := c.imap.line()).startswith(b"+"):
                c.eat([line])
            c.settle()
        else:
            c.idling = False
            c.imap.send(b"DONE\r\n")
            c.log.append("C: DONE")
            status, text, untagged = c.hear(c.idle_tag)
            want(status == "OK", status, text)
            c.eat(untagged, exact=False)
            want(not (why := c.agrees()), "after IDLE:", why)

    def deliver(self):
        name, body = self.body()
        self.smtp.sendmail("sender@elsewhere.example", [USER], body)
        box = self.boxes["INBOX"]
        uid = box.add(Message(name, 0, (), 0))
        self.oracle.ok("EXAMINE INBOX")
        row = b"".join(self.oracle.ok(f"UID FETCH {uid} (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1])
        self.oracle.ok("UNSELECT")
        want(f"Subject: {name}\r\n".encode() in row, "delivered", name, "as UID", uid, ":", row)
        box.messages[uid].size = int(re.search(rb"RFC822.SIZE (\d+)", row).group(1))
        for c in self.conns:  # another service: its news may be a moment on the way
            deadline = time.monotonic() + 30
            while c.box is box and not c.idling and (why := c.agrees(sure=False)):
                want(time.monotonic() < deadline, "delivered, but not told:", why)
                c.eat(c.ask("NOOP")[1])

    def catch_up(self, c):
        """Until it knows what others did on another loop."""
        deadline, c.shaky = time.monotonic() + 30, 4 if c.late else c.shaky
        while c.late and c.box and not c.idling and (why := c.agrees(sure=False)):
            want(time.monotonic() < deadline, c.name, "is not told:", why)
            c.eat(c.ask("NOOP")[1])
        c.late = False

    def make(self, c):
        """RENAME to the spare name and back, DELETE and CREATE; INBOX too, which stays and gives away its messages (RFC 9051 §6.3.6)."""
        at, kept = self.rng.randrange(1, 3), self.boxes.get("Kept")
        name, spare = NAMES[at], SPARE[at - 1]
        if name not in self.boxes:
            name, spare = spare, name
        kind = self.rng.randrange(5)
        if kind == 0:
            self.remove(c, kept) if kept else self.rename(c, "INBOX", "Kept")
        elif kind < 4:
            self.rename(c, name, spare)
        else:
            self.remove(c, self.boxes[name])
            c.ask(f"CREATE {name}")
            self.boxes[name] = Box(name, self.validity(name))
            self.share(name)

    def rename(self, c, name, to):
        status, text, untagged = c.hear(c.say(f"RENAME {name} {to}"))
        want(status == "OK", "RENAME", name, to, status, text)
        box = self.boxes[name]
        if name == "INBOX":
            self.boxes[to] = Box(to, self.validity(to))
            self.share(to)
            self.boxes[to].comment = box.comment  # RFC 5464 §4.1: copied
            for uid in sorted(box.messages):
                self.boxes[to].add(box.messages[uid])
            box.remove(list(box.messages))
        else:
            self.boxes[to] = self.boxes.pop(name)
            box.name, box.validity, box.dirty, box.known = to, self.validity(to), True, box.known - 1  # HIGHESTMODSEQ may stay
        self.told(c, untagged)

    def remove(self, c, box):
        status, text, untagged = c.hear(c.say(f"DELETE {box.name}"))
        want(status == "OK", "DELETE", box.name, status, text)
        want((b"[CLOSED]" in b"".join(untagged)) == (c.box is box), "DELETE of the selected mailbox:", untagged)
        del self.boxes[box.name]
        if c.box is box:
            c.box, c.view, c.saved = None, [], set()
        self.told(c, untagged)
        for other in self.conns:
            if other.box is box:
                self.must_leave(other)

    def must_leave(self, c):
        """Its mailbox was deleted by another: RFC 9051 §7.1.5"""
        try:
            if c.idling:
                while True:
                    line = c.imap.line()
                    if line.startswith(b"* BYE"):
                        raise Gone(line.decode())
            deadline = time.monotonic() + 30
            c.hear(c.say("NOOP"))
            while c.owner and time.monotonic() < deadline:
                c.hear(c.say("NOOP"))
        except Gone as e:
            want("BYE" in str(e), "the end without BYE:", e)
            return c.connect()
        raise Broken(f"{c.name} still has a mailbox that was deleted")

    def pipeline(self, c):
        commands = [self.rng.choice([self.noop, self.append, self.store, self.store, self.fetch, self.search, self.copy, self.expunge, self.status,
                                     self.replace, self.sort, self.several])(c, True)
                    for _ in range(self.rng.randint(2, 6))]
        tags = [c.say(text, literal) for text, literal, _ in commands]
        self.piping = True
        for tag, (text, _, check) in zip(tags, commands):
            self.judge(c, tag, text, check)
        self.piping = False

    def race(self):
        """All at once: here the model only knows what may not be, and then learns what is."""
        busy = [c for c in self.conns if c.box and not c.idling]
        commands = [(c, *self.rng.choice([self.append, self.store, self.store, self.copy, self.expunge, self.fetch])(c, True)[:2])
                    for c in busy for _ in range(self.rng.randint(1, 4))]
        commands = [(c, text.replace(".SILENT", "").replace(" $ ", " 1:* "), literal) for c, text, literal in commands]
        waiting = [(c, text, c.say(text, literal)) for c, text, literal in commands]
        for c, text, tag in waiting:
            status, rest, untagged = c.hear(tag)
            want(status in ("OK", "NO"), c.name, text, status, rest)
            c.asked_flags_alone = True
            c.eat(untagged, False, "UID" in text, exact=False, race=True)
            c.condstore |= "UNCHANGEDSINCE" in text and status == "OK"
            c.asked_flags_alone = False
        for box in self.boxes.values():
            self.look(box, learn=True)
        for c in busy:
            c.late = True
            self.catch_up(c)
            self.one(c, *self.noop(c, True))

    def look(self, box, learn=False):
        """Compares a mailbox with what a fresh session sees; learn: after a race takes it from there."""
        untagged = self.oracle.ok(f"EXAMINE {box.name}")[1]
        rows = []
        if b"* 0 EXISTS" not in untagged:
            rows = [row for row in self.oracle.ok("UID FETCH 1:* (FLAGS MODSEQ RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if b" FETCH (" in row]
        self.oracle.ok("UNSELECT")
        now = {}
        for row in rows:
            uid, size, modseq = (int(re.search(k, row).group(1)) for k in (rb"UID (\d+)", rb"SIZE (\d+)", rb"MODSEQ \((\d+)\)"))
            name = re.search(rb"Subject: (\S+)", row).group(1).decode()
            now[uid] = name, size, frozenset(re.search(rb"FLAGS \(([^)]*)\)", row).group(1).decode().split()) - {"\\Recent"}, modseq
        if learn:
            self.learn(box, now, int(re.search(rb"UIDNEXT (\d+)", b"".join(untagged)).group(1)))
        expected = {u: (m.name, m.size, m.flags) for u, m in box.messages.items()}
        got = {u: m[:3] for u, m in now.items()}
        want(got == expected, box.name, "is different:", {u: (expected.get(u), got.get(u)) for u in expected | got if expected.get(u) != got.get(u)})
        for uid, m in now.items():
            box.saw(uid, m[3])
        self.counted(box, self.oracle.ok(f"STATUS {box.name} ({COUNTERS})")[1])

    def learn(self, box, now, uidnext):
        want(uidnext >= box.uidnext and all(u < uidnext for u in now), box.name, "UIDNEXT", uidnext, "after", box.uidnext)
        top, before = box.top, box.uidnext
        for uid, (name, size, flags, modseq) in now.items():
            want(box.names.setdefault(uid, name) == name, box.name, "UID", uid, "was", box.names[uid], "is", name)
            old = box.messages.get(uid)
            want(old or uid >= before, box.name, "UID", uid, "is back")
            if not old:
                box.messages[uid] = Message(name, size, flags, top)
            elif old.modseq is not None and modseq > old.modseq or old.flags != flags:
                box.change(uid, flags)
                old.modseq, old.floor = None, max(old.modseq or 0, old.floor)
                box.dirty = True
        if set(box.messages) != set(now) or uidnext != before:
            box.dirty = True
        box.messages = {u: m for u, m in box.messages.items() if u in now}
        box.uidnext = uidnext

    # --- the run ---

    def judge(self, c, tag, text, check):
        try:
            check(*c.hear(tag))
        except Broken as e:
            raise Broken(f"{c.name}: {text}: {e}") from e

    def one(self, c, text, literal, check):
        self.judge(c, c.say(text, literal), text, check)

    COMMANDS = [("append", 5), ("store", 9), ("fetch", 5), ("changedsince", 2), ("search", 6), ("copy", 4), ("expunge", 3), ("status", 3), ("noop", 3),
                ("several", 2), ("catenate", 1), ("replace", 2), ("sort", 3), ("vanished", 2), ("list", 1), ("annotate", 1), ("rights", 1)]
    STEPS = [("select", 5), ("leave", 1), ("reconnect", 1), ("idle", 5), ("pipeline", 5), ("deliver", 2), ("make", 1), ("race", 2)]

    def go(self):
        names = [name for name, weight in self.COMMANDS + self.STEPS for _ in range(weight)]
        what, c = self.rng.choice(names), self.rng.choice(self.conns)
        if c.idling and what not in ("deliver", "race"):
            what = "idle"
        elif not c.box and what not in ("append", "status", "noop", "deliver", "make", "reconnect", "race", "several", "catenate", "list", "annotate", "rights"):
            what = "select"
        if what == "make" and c.owner:
            what = "noop"
        if what == "vanished" and not c.qresync:
            what = "changedsince"
        self.did[what] += 1
        self.catch_up(c)
        if what in dict(self.COMMANDS):
            uid = self.rng.random() < 0.5 or c.uidonly
            if what in ("changedsince", "vanished"):  # so that what comes is the answer and no news
                self.one(c, *self.noop(c, uid))
            self.one(c, *getattr(self, what)(c, uid))
        elif what in ("deliver", "race"):
            getattr(self, what)()
        else:
            getattr(self, what)(c)
        for other in self.conns:
            if other.idling:
                other.settle()
            elif what in ("deliver", "race") or other.owner != c.owner:
                other.late = True

    def run(self, steps, messages):
        for self.step in range(1, steps + 1):
            self.go()
            if self.step % 25 == 0:
                for box in self.boxes.values():
                    self.look(box)
            for box in self.boxes.values():
                if len(box.messages) > messages:  # COPY of all to itself, again and again
                    self.shrink(box)

    def shrink(self, box):
        doomed = sorted(box.messages)[:-20]
        self.oracle.ok(f"SELECT {box.name}")
        for text in (f"STORE 1:{len(doomed)} +FLAGS.SILENT (\\Deleted)", "EXPUNGE"):
            self.oracle.ok(text)
            if text == "EXPUNGE":
                box.remove([u for u, m in list(box.messages.items()) if "\\Deleted" in m.flags])
            else:
                for uid in doomed:
                    box.change(uid, box.messages[uid].flags | {"\\Deleted"})
            for c in self.conns:
                c.late = True
                if c.idling:
                    c.settle()
        self.oracle.ok("UNSELECT")

    def close(self):
        for c in self.conns:
            c.imap.close()
        self.oracle.close()
        self.smtp.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=120, help="a mailbox that holds more loses most of them")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--label", default="model")
    args = parser.parse_args()
    lab = Lab()
    try:
        world, why = World(lab, args.seed), None
        try:
            world.run(args.steps, args.messages)
            for box in world.boxes.values():
                world.look(box)
            world.close()
            done = lab.run("check")
            if done.returncode != 0:
                why = f"check: exit {done.returncode}: {(done.stdout + done.stderr).decode()[:2000]}"
        except Exception as e:  # a reply of another form than expected is a finding too
            why = f"{type(e).__name__}: {e}"
        print(f"{'not ok' if why else 'ok'} {args.label}: {world.step} steps (seed {args.seed})" + ("" if why else f", {dict(world.did)}"), flush=True)
        if why:
            print(f"    {why}")
            for c in world.conns:
                print(f"    --- {c.name}: {c.box.name if c.box else 'nothing'} selected, the last it said and heard:")
                print("".join(f"    {line[:400]}\n" for line in list(c.log)[-30:]), end="")
            print("    log:", lab.log_text()[-6000:].replace("\n", "\n    "))
    finally:
        code = lab.close()
    if code != 0:
        print(f"not ok {args.label}: the server ended with code {code}")
    sys.exit(1 if why or code else 0)


if __name__ == "__main__":
    main()
