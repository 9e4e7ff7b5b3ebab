#!/usr/bin/env python3
"""tests/model/contexts.py [--steps N] [--seed S]: searches and sorts with RETURN (UPDATE) (RFC 5267) of two connections while both
change the mailbox. Each result is kept as ADDTO, REMOVEFROM and EXPUNGE say, and must be what the same command finds now."""
import argparse
import os
import random
import re
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from lab import Lab  # noqa: E402

KEYS = ["UNSEEN", "DELETED", "KEYWORD $x", "OR FLAGGED SUBJECT a", "NOT KEYWORD $x", "ALL", "SUBJECT b UNDELETED"]
ORDERS = ["DATE", "SUBJECT", "REVERSE SUBJECT DATE", "SIZE", "FROM REVERSE ARRIVAL"]
FLAGS = ["\\Seen", "\\Deleted", "\\Flagged", "$x"]
CONTEXTS = 8  # of a connection


def numbers(text):
    out = []
    for r in text.split(","):
        a, _, b = r.partition(":")
        out += range(int(a), int(b or a) + 1)
    return out


class Context:
    def __init__(self, uid, again):
        self.uid, self.again, self.list = uid, again, None  # list: None until the result was told

    def add(self, at, ids):
        assert not set(ids) & set(self.list), f"added twice: {ids} to {self.list}"
        if at == 0:
            self.list = sorted(self.list + ids)
        else:
            self.list[at - 1:at - 1] = ids

    def remove(self, at, ids):
        if at == 0:
            self.list = [i for i in self.list if i not in ids]
        else:
            assert self.list[at - 1:at - 1 + len(ids)] == ids, f"{ids} do not stand at {at} of {self.list}"
            del self.list[at - 1:at - 1 + len(ids)]

    def expunged(self, n):
        if not self.uid:
            assert n not in self.list, f"{n} was expunged before REMOVEFROM"
            self.list = [i - (i > n) for i in self.list]


class Conn:
    def __init__(self, lab):
        self.socket = socket.create_connection(lab.imap)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.tags, self.count, self.contexts, self.result = 0, 0, {}, None
        self.cmd("LOGIN ann@example.org pw")
        self.cmd("SELECT INBOX")

    def esearch(self, tag, rest):
        context = self.contexts.get(tag)
        for what, body in re.findall(r" (ADDTO|REMOVEFROM) \(([^)]*)\)", rest):
            words = body.split()
            for at, ids in zip(words[::2], words[1::2]):
                (context.add if what == "ADDTO" else context.remove)(int(at), numbers(ids))
        if context and context.list is None:
            found = re.search(r" ALL (\S+)", rest)
            context.list = numbers(found[1]) if found else []

    def hear(self, line):
        if m := re.match(r'\* ESEARCH \(TAG "(\w+)"\)(.*)$', line):
            self.esearch(m[1], m[2])
        elif m := re.match(r"\* (?:SEARCH|SORT)(.*)$", line):
            self.result = [int(n) for n in m[1].split()]
        elif m := re.match(r"\* (\d+) EXPUNGE", line):
            self.count -= 1
            for c in self.contexts.values():
                c.expunged(int(m[1]))
        elif m := re.match(r"\* (\d+) EXISTS", line):
            self.count = int(m[1])

    def cmd(self, text):
        self.tags += 1
        tag = f"t{self.tags}"
        self.socket.sendall(f"{tag} {text}\r\n".encode())
        while not (line := self.file.readline().decode().rstrip("\r\n")).startswith(tag + " "):
            assert line, "the connection was closed"
            self.hear(line)
        assert line.split()[1] in ("OK", "NO"), f"{text}: {line}"

    def check(self):
        self.cmd("NOOP")
        for tag, c in self.contexts.items():
            self.cmd(c.again)
            assert self.result == c.list, f"{tag} {c.again}: {c.list} was told, {self.result} is right"


def message(rng):
    text = (f"From: {rng.choice('abc')}@x\r\nSubject: {rng.choice(['a', 'b', 'Re: a', 'c'])}\r\n"
            f"Date: {rng.randrange(1, 28)} Jan 2020 10:00:00 +0000\r\n\r\n{'x' * rng.randrange(30)}")
    return f"APPEND INBOX {{{len(text)}+}}\r\n{text}"


def begin(rng, c):
    if len(c.contexts) == CONTEXTS:
        tag = rng.choice(list(c.contexts))
        del c.contexts[tag]
        c.cmd(f'CANCELUPDATE "{tag}"')
    uid, key, order = rng.random() < .6, rng.choice(KEYS), rng.choice(ORDERS)
    verb, rest = ("SORT", f"({order}) UTF-8 {key}") if rng.random() < .5 else ("SEARCH", key)
    prefix = "UID " if uid else ""
    c.contexts[f"t{c.tags + 1}"] = Context(uid, f"{prefix}{verb} {rest}")
    c.cmd(f"{prefix}{verb} RETURN (UPDATE ALL) {rest}")


def step(rng, c):
    r = rng.random()
    some = f"{rng.randrange(1, c.count + 1)}:{rng.randrange(1, c.count + 1)}" if c.count else None
    if r < .1:
        begin(rng, c)
    elif r < .3:
        c.cmd(message(rng))
    elif r < .85 and some:
        c.cmd(f"STORE {some} {rng.choice('+-')}FLAGS{rng.choice(['', '.SILENT'])} ({rng.choice(FLAGS)})")
    elif r < .9:
        c.cmd("EXPUNGE")
    elif some:
        c.cmd("FETCH 1 UID")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--label", default="contexts")
    o = p.parse_args()
    seed = o.seed if o.seed is not None else random.randrange(1 << 32)
    rng = random.Random(seed)
    lab, why = Lab("--user", "ann@example.org:pw"), None
    try:
        conns = [Conn(lab), Conn(lab)]
        for i in range(o.steps):
            step(rng, rng.choice(conns))
            if rng.random() < .3:
                rng.choice(conns).check()
        for c in conns:
            c.check()
    except AssertionError as e:
        why = str(e)
    code = lab.close()
    if why or code:
        print(f"not ok {o.label} --seed {seed}\n    {why or 'the server ended with ' + str(code)}")
        return 1
    print(f"ok {o.label} ({o.steps} steps, seed {seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
