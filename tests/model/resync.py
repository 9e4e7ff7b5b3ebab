#!/usr/bin/env python3
"""tests/model/resync.py [--seeds N] [--seed S] [--steps N]: a client with QRESYNC that keeps what it knows and loses its connection whenever,
while two others change the mailbox. It does what RFC 7162 §6 tells clients to do, no more: HIGHESTMODSEQ as sent, else the largest MODSEQ.
After each SELECT (QRESYNC ...) and a look at the new messages it must know exactly what a fresh client sees; VANISHED (EARLIER) has to
name every message that it knew and that is gone, and none that is there. Some of its connections are compressed."""
import argparse
import os
import random
import re
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")]
from imap import Imap  # noqa: E402
from lab import Lab  # noqa: E402

USER, FLAGS = "ann@resync.example", ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$A", "$B"]
MESSAGE = b"Subject: x\r\n\r\ny\r\n"


class Wrong(Exception):
    pass


def numbers(text):
    out = []
    for piece in text.split(","):
        first, _, last = piece.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


def flags_of(text):
    return frozenset(f for f in text.split() if f != "\\Recent")


class Known:
    """What the client remembers over its connections."""
    def __init__(self):
        self.uidvalidity, self.modseq, self.exists, self.flags = None, 0, 0, {}
        self.earlier = set()  # UIDs of VANISHED (EARLIER)

    def line(self, line):
        if m := re.match(r"\* VANISHED (\(EARLIER\) )?(\S+)$", line):
            for uid in numbers(m[2]):
                if not m[1] and self.exists == 0:
                    raise Wrong("VANISHED of more messages than there are")
                self.exists -= not m[1]
                self.earlier |= {uid} if m[1] else set()
                self.flags.pop(uid, None)
        elif re.match(r"\* \d+ EXPUNGE", line):
            raise Wrong("EXPUNGE to a client with QRESYNC")
        elif m := re.match(r"\* (\d+) EXISTS", line):
            self.exists = int(m[1])
        elif m := re.match(r"\* (\d+) FETCH \((.*)\)$", line):
            uid, flags = re.search(r"UID (\d+)", m[2]), re.search(r"FLAGS \(([^)]*)\)", m[2])
            if int(m[1]) > self.exists or (flags and not uid):
                raise Wrong(line)
            if flags:
                self.flags[int(uid[1])] = flags_of(flags[1])
        if m := re.search(r"\[UIDVALIDITY (\d+)\]", line):
            self.uidvalidity = int(m[1])

    def hear(self, reply):
        status, text, untagged = reply
        if status != "OK" and not text.startswith("[EXPUNGEISSUED]"):
            raise Wrong(f"{status} {text}")
        lines = [u.decode() for u in untagged] + [text]
        for line in lines:
            self.line(line)
        told = [int(n) for line in lines for n in re.findall(r"\[HIGHESTMODSEQ (\d+)\]", line)]
        seen = [int(n) for line in lines for n in re.findall(r"FETCH \(.*MODSEQ \((\d+)\)", line)]
        self.modseq = told[-1] if told else max([self.modseq, *seen])


class Story:
    def __init__(self, lab, seed):
        self.lab, self.dice, self.known, self.client = lab, random.Random(seed), Known(), None
        self.others = [Imap(lab.imap, USER), Imap(lab.imap, USER)]
        self.others[1].ok("ENABLE CONDSTORE")
        for c in self.others:
            c.ok("SELECT INBOX")

    def uids(self):
        high = max(self.known.flags, default=1) + 5
        few = [self.dice.randint(1, high) for _ in range(self.dice.randint(1, 3))]
        return ",".join(map(str, few)) if self.dice.random() < 0.7 else "{}:{}".format(*sorted([self.dice.randint(1, high) for _ in "ab"]))

    def change(self, client, silent):
        """A command by UID and its reply."""
        kind = self.dice.choices(["append", "store", "expunge", "some", "copy", "move", "flags", "modseq", "noop"], [4, 6, 2, 1, 1, 1, 1, 1, 1])[0]
        if kind == "append":
            return client.command(f"APPEND INBOX ({self.dice.choice(FLAGS)})", MESSAGE)
        how, end = self.dice.choice(["+", "-", ""]), self.dice.choice(["", ".SILENT"]) if silent else ""
        flags = " ".join(self.dice.sample(FLAGS, self.dice.randint(0, 2)))
        return client.command({"store": f"UID STORE {self.uids()} {how}FLAGS{end} ({flags})", "expunge": "EXPUNGE", "some": f"UID EXPUNGE {self.uids()}",
                               "copy": f"UID COPY {self.uids()} INBOX", "move": f"UID MOVE {self.uids()} {self.dice.choice(['INBOX', 'Trash'])}",
                               "flags": f"UID FETCH {self.uids()} (FLAGS)", "modseq": f"UID FETCH {self.uids()} (MODSEQ)", "noop": "NOOP"}[kind])

    def by_number(self):
        """VANISHED has to wait here."""
        if self.known.exists:
            n = self.dice.randint(1, self.known.exists)
            self.known.hear(self.client.command(self.dice.choice(
                [f"FETCH 1:{n} (UID FLAGS MODSEQ)", f"FETCH {n} (UID FLAGS MODSEQ)", f"STORE {n} +FLAGS (\\Seen)", f"STORE {n} -FLAGS (\\Flagged)"])))

    def new_ones(self, above):
        self.known.hear(self.client.command(f"UID FETCH {above + 1}:* (FLAGS)"))

    def connect(self):
        k, above = self.known, max(self.known.flags, default=0)
        self.client = Imap(self.lab.imap, USER)
        if self.dice.random() < 0.3:
            self.client.compress()
        self.client.ok("ENABLE QRESYNC")
        extra, have, asked = "", sorted(k.flags), bool(k.uidvalidity)
        k.earlier = set()
        if have and self.dice.random() < 0.4:
            extra += f" 1:{have[-1]}"
        if have and self.dice.random() < 0.4:
            at = sorted(self.dice.sample(range(len(have)), min(3, len(have))))
            extra += " ({} {})".format(",".join(str(i + 1) for i in at), ",".join(str(have[i]) for i in at))
        k.hear(self.client.command("SELECT INBOX" + (f" (QRESYNC ({k.uidvalidity} {k.modseq}{extra}))" if k.uidvalidity else "")))
        self.new_ones(above)
        self.known.hear(self.client.command("NOOP"))
        fresh = Imap(self.lab.imap, USER)
        there, truth = fresh.ok("EXAMINE INBOX")[1], {}
        if b"* 0 EXISTS" not in there:
            for row in fresh.ok("FETCH 1:* (UID FLAGS)")[1]:
                m = re.match(r"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\)", row.decode())
                truth[int(m[1])] = flags_of(m[2])
        fresh.close()
        if k.earlier & set(truth):
            raise Wrong(f"VANISHED (EARLIER) of messages that are there: {sorted(k.earlier & set(truth))}")
        if asked and set(have) - set(truth) - k.earlier:
            raise Wrong(f"VANISHED (EARLIER) after QRESYNC{extra} lacks {sorted(set(have) - set(truth) - k.earlier)}")
        if k.flags != truth or k.exists != len(truth):
            wrong = {u: (sorted(k.flags.get(u, "-")), sorted(truth.get(u, "-"))) for u in {*k.flags, *truth} if k.flags.get(u) != truth.get(u)}
            raise Wrong(f"after QRESYNC{extra}: UID: (known, true) {wrong}")

    def step(self):
        roll, above = self.dice.random(), max(self.known.flags, default=0)
        if roll < 0.5:
            self.change(self.dice.choice(self.others), True)
        elif not self.client:
            self.connect()
        elif roll < 0.6:
            self.client.close()
            self.client = None
        elif roll < 0.75:
            self.by_number()
        else:
            self.known.hear(self.change(self.client, False))
        if self.client and len(self.known.flags) < self.known.exists:
            self.new_ones(above)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--label", default="resync")
    args = parser.parse_args()
    for seed in range(args.seed, args.seed + args.seeds):
        with Lab("--user", USER + ":pw") as lab:
            story, at = Story(lab, seed), 0
            try:
                for at in range(args.steps):
                    story.step()
                if story.client is None:
                    story.connect()
            except (Wrong, RuntimeError, AssertionError, OSError) as e:
                print(f"not ok {args.label}: seed {seed}, step {at}\n    {type(e).__name__}: {e}", flush=True)
                sys.exit(1)
    print(f"ok {args.label}: {args.seeds} stories of {args.steps} steps (seed {args.seed})")


if __name__ == "__main__":
    main()
