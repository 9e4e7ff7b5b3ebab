"""tests/model/told.py: a connection, and what it was told: which message has which number, and what its flags are."""
import collections
import re

from boxes import Broken, numbers_of, want
from imap import Gone, Imap


class Entry:
    """One message as a connection knows it; None is what it was not told."""

    def __init__(self, uid=None):
        self.uid, self.flags, self.modseq = uid, None, 0
        self.guess = False  # its UID is what there is now; but what is told later may be of one that came and went


class Conn:
    """A connection and what it was told. box is of the model, the rest is the client's own."""

    def __init__(self, address, user, name, rng, owner=None):
        """owner: whose mailboxes it looks at, if they are another's."""
        self.address, self.user, self.name, self.rng, self.owner = address, user, name, rng, owner
        self.late = False  # others on another loop of the server may have changed something meanwhile
        self.shaky = 0     # for so many replies news may be in pieces, because it was late
        self.log = collections.deque(maxlen=60)
        self.connect()

    def connect(self):
        self.imap = Imap(self.address, self.user)
        self.log.append("   connected")
        if self.rng.random() < 0.25:
            self.imap.compress()
            self.log.append("   compressed")
        self.begin()

    def begin(self):
        """The state after login."""
        self.box, self.view, self.saved = None, [], set()
        self.read_only = self.idling = self.condstore = self.rev2 = self.qresync = self.uidonly = False
        if self.rng.random() < 0.25:
            self.ask("ENABLE QRESYNC")
            self.condstore = self.qresync = True
        elif self.rng.random() < 0.4:
            self.ask("ENABLE CONDSTORE")
            self.condstore = True
        if self.rng.random() < 0.3:
            self.ask("ENABLE IMAP4rev2")
            self.rev2 = True
        if self.rng.random() < 0.2:
            self.ask("ENABLE UIDONLY")
            self.uidonly = True

    def path(self, name):
        """How this connection calls a mailbox."""
        return name if not self.owner else f'"Other Users/{self.owner}/{name}"'

    # --- talk ---

    def say(self, text, literal=None):
        """Sends a command; returns its tag."""
        self.imap.tag += 1
        tag = f"t{self.imap.tag}".encode()
        self.log.append(f"C: {tag.decode()} {text}" + ("" if literal is None else f" {literal!r}"[:300]))
        data = tag + b" " + text.encode()
        if isinstance(literal, list):  # what stands between them, and they
            data += b"".join(between.encode() + (b"" if one is None else b" {%d+}\r\n" % len(one) + one) for between, one in literal)
        elif literal is not None:
            data += b" {%d+}\r\n" % len(literal) + literal
        self.imap.send(data + b"\r\n")
        return tag

    def hear(self, tag):
        try:
            status, text, untagged = self.imap.reply(tag)
        except Gone as e:
            self.log.append(f"S: {e}")
            raise
        self.log += [f"S: {line!r}" for line in untagged] + [f"S: {tag.decode()} {status} {text}"]
        return status, text, untagged

    def ask(self, text, literal=None):
        status, rest, untagged = self.hear(self.say(text, literal))
        want(status == "OK", text, status, rest)
        return rest, untagged

    # --- what it was told ---

    def uids(self):
        return [e.uid for e in self.view]

    def eat(self, lines, by_number=False, with_uid=False, exact=True, race=False):
        """Takes note of untagged responses; returns {uid or -number: items of FETCH}. exact: nothing has changed since they were sent."""
        got = {}
        for line in lines:
            if line.startswith(b"* VANISHED ") and b"EARLIER" not in line:
                self.vanished(numbers_of(line.split()[2].decode()), by_number, line, race)
            m = re.match(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH \(|UIDFETCH \()", line)
            if not m:
                continue
            n, what = int(m.group(1)), m.group(2)
            want((what != b"UIDFETCH (" if not self.uidonly else what not in (b"FETCH (", b"EXPUNGE")), line, "to", "UIDONLY" if self.uidonly else "numbers")
            if what == b"UIDFETCH (":
                at = self.place(n)
                want(at is not None, line, "of", self.uids())
                entry = self.view[at] if self.view[at].uid else Entry(n)  # which one it is remains open
                self.fetched(line, entry, -at - 1, got, with_uid, exact, race, n)
                continue
            if what == b"EXISTS":
                want(n >= len(self.view), n, "EXISTS after", len(self.view), "without EXPUNGE")
                self.view += [Entry() for _ in range(n - len(self.view))]
                continue
            want(1 <= n <= len(self.view), line, "of", len(self.view))
            if what == b"EXPUNGE":
                want(not self.qresync, line, "to a client with QRESYNC")
                want(not by_number, "EXPUNGE during FETCH, STORE or SEARCH by number:", line)
                if self.view[n - 1].guess and self.view[n - 1].uid in self.box.messages:
                    self.doubt()
                want(race or self.view[n - 1].uid not in self.box.messages, line, "of UID", self.view[n - 1].uid, "which is there")
                del self.view[n - 1]
            else:
                self.fetched(line, self.view[n - 1], -n, got, with_uid, exact, race)
        return got

    def doubt(self):
        """What was told does not fit: one guess is wrong, so all may be."""
        for e in self.view:
            if e.guess:
                e.uid, e.guess = None, False

    def place(self, uid):
        """Where it is in the view; if it was not told, in a place that it can have. None: nowhere."""
        uids = self.uids()
        if uid in uids:
            return uids.index(uid)
        low = max((i for i, u in enumerate(uids) if u and u < uid), default=-1)
        return next((i for i in range(low + 1, len(uids)) if uids[i] is None), None)

    def vanished(self, uids, by_number, line, race):
        want(self.qresync or self.uidonly, line, "without QRESYNC and UIDONLY")
        want(not by_number, "VANISHED during FETCH, STORE or SEARCH by number:", line)
        for uid in uids:
            if (at := self.place(uid)) is None:
                self.doubt()
                at = self.place(uid)
            want(at is not None, line, ": UID", uid, "of", self.uids())
            want(race or uid not in self.box.messages, line, ": UID", uid, "is there")
            del self.view[at]

    def fetched(self, line, entry, number, got, with_uid, exact, race, uidfetch=None):
        items = {k: re.search(rb"[ (]" + v, line) for k, v in
                 {"uid": rb"UID (\d+)", "modseq": rb"MODSEQ \((\d+)\)", "flags": rb"FLAGS \(([^)]*)\)", "size": rb"RFC822.SIZE (\d+)",
                  "email": rb"EMAILID \(([^)]+)\)", "thread": rb"THREADID \(?([^) ]+)", "saved": rb'SAVEDATE "([^"]+)"'}.items()}
        items = {k: v.group(1).decode() for k, v in items.items() if v}
        if uidfetch:
            want(items.get("uid", str(uidfetch)) == str(uidfetch), line)
            items["uid"] = str(uidfetch)
        name = re.search(rb"Subject: (\S+)", line)
        if name:
            items["name"] = name.group(1).decode()
        want("uid" in items or not with_uid, "no UID in", line)
        if "uid" in items:
            uid = int(items["uid"])
            if entry.guess and entry.uid != uid:
                entry.uid = None
            entry.guess = False
            want(entry.uid in (None, uid), line, "was UID", entry.uid)
            entry.uid = uid
        if "flags" in items:
            entry.flags = frozenset(items["flags"].split()) - {"\\Recent"}
            want("modseq" in items or not self.condstore or self.asked_flags_alone, "no MODSEQ in", line)
            want("\\Recent" not in items["flags"] or not self.rev2, "\\Recent in IMAP4rev2:", line)
        if "modseq" in items:
            want(int(items["modseq"]) >= entry.modseq, line, "had MODSEQ", entry.modseq)
            entry.modseq = int(items["modseq"])
        message = self.box.messages.get(entry.uid)
        if exact and entry.uid is not None:
            want(message, line, "of a message that is not there: UID", entry.uid)
            want("flags" not in items or entry.flags == message.flags, line, "flags are", sorted(message.flags))
            want("size" not in items or int(items["size"]) == message.size, line, "size is", message.size)
            if "modseq" in items:
                self.box.saw(entry.uid, int(items["modseq"]))
        if "name" in items and not race:
            want(items["name"] == self.box.names.get(entry.uid), line, "is", self.box.names.get(entry.uid))
        got.setdefault(entry.uid or number, {}).update(items)

    asked_flags_alone = False  # a FETCH of FLAGS without MODSEQ is answered without it

    def agrees(self, may_lack=False, sure=True):
        """What it was told is what is. may_lack: EXPUNGEs could not be told. sure: nothing is on its way. Returns None, or what is different."""
        now = set(self.box.messages)
        expected = sorted(now | {u for u in self.uids() if u} if may_lack else now)
        if len(self.view) != len(expected):
            return f"{len(self.view)} messages told, {len(expected)} are"
        for entry, uid in zip(self.view, expected):
            if entry.uid not in (None, uid):
                return f"told UID {entry.uid} where {uid} is"
            if uid in now and entry.flags not in (None, self.box.messages[uid].flags):
                return f"UID {uid} told {sorted(entry.flags)}, is {sorted(self.box.messages[uid].flags)}"
        for entry, uid in zip(self.view, expected):
            entry.guess |= entry.uid is None and not sure
            entry.uid = uid
        return None

    def settle(self):
        """During IDLE: reads until it knows all."""
        while (why := self.agrees(sure=False)):
            try:
                line = self.imap.line()
            except Gone as e:
                raise Broken(f"during IDLE: {why}, and then {e}") from e
            self.log.append(f"S: {line!r}")
            self.eat([line], exact=False)

    # --- sets ---

    def pick(self, uid):
        """A sequence-set as ranges (0 is "*"), of UIDs or of numbers."""
        rng, n = self.rng, len(self.view)
        top = (self.uids()[-1] if n else 1) if uid else n
        one = (lambda: rng.randint(1, top + 2)) if uid else (lambda: rng.randint(1, max(top, 1)))
        kind = rng.randrange(8)
        if kind == 0 and self.saved is not None:
            return None
        if kind == 1:
            return [(0, 0)]
        if kind == 2:
            return [(one(), 0)]
        if kind == 3:
            return [(1, 0)]
        return [(a, rng.choice([a, one()])) for a in (one() for _ in range(rng.randint(1, 3)))]

    def resolve(self, ranges, uid):
        """The UIDs of the view that it means, in order; None if a number is beyond the mailbox."""
        uids = self.uids()
        if ranges is None:
            return [u for u in uids if u in self.saved]
        out = set()
        for a, b in ranges:
            star = (uids[-1] if uids else 0) if uid else len(uids)
            a, b = sorted((a or star, b or star))
            if not uid and (b > len(uids) or not uids):
                return None
            out |= {u for u in uids if a <= u <= b} if uid else set(uids[a - 1:b])
        return sorted(out)


def set_text(ranges):
    if ranges is None:
        return "$"
    return ",".join(f"{a or '*'}" if a == b else f"{a or '*'}:{b or '*'}" for a, b in ranges)
