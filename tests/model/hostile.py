#!/usr/bin/env python3
"""tests/model/hostile.py [--messages N] [--seed S]: huge commands on a mailbox of many messages, each while another session of the same account,
so of the same loop of the server, asks NOOP again and again: some of them have to be answered before the huge command is.
Nothing is said of how long anything may take: a server that does one thing after the other fails, on any machine."""
import argparse
import os
import random
import re
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from imap import Imap  # noqa: E402
from lab import Lab  # noqa: E402

USER = "ann@hostile.example"
DEEP = "(" * 20 + "OR SUBJECT ab BODY cd" + ")" * 20
HUGE = {
    "FETCH": "FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])",
    "FETCH of sections": "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[1] PREVIEW)",
    "SEARCH TEXT": "SEARCH TEXT q",
    "SEARCH of many keys": "SEARCH " + " ".join(f"NOT HEADER X-{n} zz" for n in range(60)),
    "SEARCH nested": f"SEARCH {DEEP} {DEEP} {DEEP}",
    "SORT": "SORT (REVERSE SUBJECT FROM DATE SIZE ARRIVAL) UTF-8 ALL",
    "SORT by display": "UID SORT (DISPLAYFROM DISPLAYTO CC REVERSE TO) UTF-8 NOT BODY zz",
    "THREAD=REFERENCES": "THREAD REFERENCES UTF-8 ALL",
    "THREAD=REFS": "THREAD REFS UTF-8 ALL",
    "THREAD=ORDEREDSUBJECT": "UID THREAD ORDEREDSUBJECT UTF-8 ALL",
    "ESEARCH": 'ESEARCH IN (personal) RETURN (COUNT ALL) BODY zz',
    "STORE": "STORE 1:* +FLAGS (\\Flagged $new)",
    "COPY": "COPY 1:* Other",
    "LIST": 'LIST "" ("*a*b*c*d*e*f*" "%*%*%*%*%*x" "*") RETURN (STATUS (MESSAGES UNSEEN SIZE) MYRIGHTS CHILDREN)',
    "MOVE": "MOVE 1:* Other",
    "EXPUNGE": "EXPUNGE",
}


def message(rng, n):
    words = " ".join(rng.choice(["alpha", "beta", "gamma", "delta"]) for _ in range(30))
    above = f"<{n - rng.randint(1, 9)}@hostile.example>" if n > 9 else "<0@hostile.example>"
    return (f"Subject: Re: topic {n % 400} {rng.choice('abc')}\r\nFrom: Nr {n % 97} <{n % 97}@hostile.example>\r\nTo: x{n % 13}@hostile.example\r\n"
            f"Message-ID: <{n}@hostile.example>\r\nReferences: {above}\r\nDate: {n % 27 + 1} Jan 2020 10:00:00 +0000\r\n\r\n{words}\r\n").encode()


def fill(c, rng, count):
    first = min(count, 2000)
    for low in range(0, first, 500):
        data = b"".join(b" {%d+}\r\n" % len(m) + m for m in (message(rng, n) for n in range(low, min(low + 500, first))))
        c.send(b"f APPEND INBOX" + data + b"\r\n")
        c.reply(b"f")
    c.ok("CREATE Other")
    c.ok("SELECT INBOX")
    have = first
    while have < count:
        c.ok(f"COPY 1:{min(have, count - have)} INBOX")
        have += min(have, count - have)
        c.ok("NOOP")
    for n in range(300):
        c.ok(f"CREATE abcdef/{n % 10}/{'abc' * (n % 7)}{n}")
    c.ok("UNSELECT")


# short ones, asked so often in one go
MANY = {name: 20 if name == "LIST" else 5 for name in HUGE if re.match("LIST|SORT|THREAD", name)}


class Hog:
    """Sends the huge command, and drains what comes, unread, until its end."""

    def __init__(self, lab):
        self.imap, self.tag, self.status = Imap(lab.imap, USER), 0, None

    def begin(self, name, text):
        self.tag += 1
        self.ended, self.status = threading.Event(), None
        self.imap.send(f"x {text}\r\n".encode() * (MANY.get(name, 1) - 1) + f"h{self.tag} {text}\r\n".encode())
        self.thread = threading.Thread(target=self.drain, args=(f"\r\nh{self.tag} ".encode(),), daemon=True)
        self.thread.start()

    def drain(self, end):
        tail = b"\r\n"
        try:
            while True:
                tail += self.imap.sock.recv(1 << 20)
                m = re.search(re.escape(end) + rb"(OK|NO|BAD)[^\n]*\r\n$", tail)
                if m:
                    self.status = m.group(1).decode()
                    break
                tail = tail[-500:]
        except OSError as e:
            self.status = repr(e)
        self.ended.set()


def run(lab, rng, count):
    """What went wrong, by the name of the command."""
    other, hog, wrong, told = Imap(lab.imap, USER), Hog(lab), [], []
    fill(other, rng, count)
    hog.imap.ok("SELECT INBOX")
    for name, text in HUGE.items():
        if name == "EXPUNGE":
            hog.imap.ok("SELECT Other")
            hog.imap.send(b"d STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n")
            hog.imap.reply(b"d")
        answered = 0
        for _ in range(5):  # a quick one may be over before the other has asked
            hog.begin(name, text)
            while not hog.ended.is_set():
                other.ok("NOOP")
                answered += not hog.ended.is_set()
            hog.thread.join()
            if answered or hog.status != "OK":
                break
        told.append(f"{name} {answered}")
        if hog.status != "OK":
            wrong.append(f"{name}: {hog.status}")
        elif answered == 0:
            wrong.append(f"{name}: nobody else was served meanwhile")
    return wrong, told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--label", default="hostile")
    args = parser.parse_args()
    with Lab() as lab:
        wrong, told = run(lab, random.Random(args.seed), args.messages)
    print(f"{'not ok' if wrong else 'ok'} {args.label}: NOOPs answered during each on {args.messages} messages (seed {args.seed}): {', '.join(told)}")
    for why in wrong:
        print("    " + why)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
