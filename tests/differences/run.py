#!/usr/bin/env python3
"""tests/differences/run.py [--golden | --write] [NAME...]: what we say of messages, however broken, beside what Dovecot says.

Without an option each message of corpus.py is put into a Dovecot (Debian's dovecot-imapd, run without its master, nothing installed or
changed) and into a mailstead lab; ENVELOPE, BODYSTRUCTURE, BODY, RFC822.SIZE, BODY[] and every section of either are fetched from both. Each
difference must be explained by a rule of known.py, and docs/imap-differences.md tells of each rule. With --golden nothing but mailstead is
needed: its answers are compared with golden.txt, which --write has written."""
import argparse
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import answers  # noqa: E402
import corpus  # noqa: E402
import known  # noqa: E402
from imap import Gone, Imap  # noqa: E402
from lab import Lab  # noqa: E402

GOLDEN = os.path.join(HERE, "golden.txt")
DOVECOT = "/usr/lib/dovecot/imap"
USER = "ann@differences.example"


class Unchecked:
    """In the place of the grammar checker: not our responses."""
    failures = ()

    def feed(self, data):
        pass


class Dovecot:
    """One preauthenticated session of its imap program on a Maildir that holds the messages."""

    def __init__(self, messages):
        self.home = tempfile.mkdtemp(prefix="mailstead-dovecot.")
        nobody = pwd.getpwnam("nobody")
        box = os.path.join(self.home, "Maildir")
        for d in ("", "cur", "new", "tmp"):
            os.makedirs(os.path.join(box, d), exist_ok=True)
        for i, (_, data) in enumerate(messages):
            with open(os.path.join(box, "cur", f"{1000000000 + i}.M1P1.host:2,"), "wb") as f:
                f.write(data)
        conf = os.path.join(self.home, "dovecot.conf")
        with open(conf, "w") as f:
            f.write(f"base_dir={self.home}\nlog_path={self.home}/log\nssl=no\nmail_location=maildir:{box}\nfirst_valid_uid=1\nlast_valid_uid=0\n"
                    "first_valid_gid=1\nmaildir_stat_dirs=yes\nstats_writer_socket_path=\n")
        root = os.getuid() == 0
        if root:
            for folder, dirs, files in os.walk(self.home):
                for name in [folder] + [os.path.join(folder, n) for n in dirs + files]:
                    os.chown(name, nobody.pw_uid, nobody.pw_gid)
        self.conf, self.user = conf, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if root else {}
        self.start()

    def start(self):
        with socket.create_server(("127.0.0.1", 0)) as door:
            ours = socket.create_connection(door.getsockname(), timeout=60)
            theirs = door.accept()[0]
        self.process = subprocess.Popen([DOVECOT, "-c", self.conf], stdin=theirs, stdout=theirs, env={"HOME": self.home, "USER": "nobody"}, cwd=self.home,
                                        stderr=subprocess.DEVNULL, **self.user)
        theirs.close()
        self.client = Imap(None, sock=ours)
        self.client.checker = Unchecked()
        self.client.ok("SELECT INBOX")

    def command(self, text):
        """It ends the session where it cannot go on with a message: that is no answer."""
        try:
            return self.client.command(text)
        except Gone as e:
            self.client.close()
            self.process.wait(30)
            self.start()
            return "BYE", str(e), []

    def close(self):
        self.client.close()
        self.process.wait(30)
        shutil.rmtree(self.home, ignore_errors=True)


def put(client, data):
    client.ok(b"APPEND INBOX ~{%d+}\r\n%s" % (len(data), data) if b"\0" in data else b"APPEND INBOX {%d+}\r\n%s" % (len(data), data))


def ours(messages):
    lab = Lab()
    writer = Imap(lab.imap, USER)
    writer.ok("ENABLE IMAP4rev2")  # else it could not put 8-bit headers: RFC 9755 §4
    for _, data in messages:
        put(writer, data)
    writer.close()
    client = Imap(lab.imap, USER)
    client.ok("SELECT INBOX")
    return lab, client


def compare(messages):
    them, (lab, client) = Dovecot(messages), ours(messages)
    used, bad = {}, 0
    for i, (name, data) in enumerate(messages, 1):
        mine = answers.ask(client, i)
        dovecot = answers.ask(them, i, mine.get("BODYSTRUCTURE"))
        for item in sorted(set(mine) | set(dovecot)):
            if mine.get(item) == dovecot.get(item):
                continue
            titles = known.explain(known.Difference(name, data, item, mine, dovecot))
            if titles is None:
                bad += 1
                print(f"{name} {item}\n  mailstead {show(mine.get(item))}\n  dovecot   {show(dovecot.get(item))}")
            for title in titles or ():
                used.setdefault(title, set()).add(name)
    for title in known.TITLES:
        print(f"{len(used.get(title, ())):4} messages differ: {title}")
    client.close()
    lab.close()
    them.close()
    return bad


def show(value):
    text = "nothing" if value is None else answers.text_of(value)
    return text if len(text) < 1500 else text[:1500] + f"... ({len(text)})"


def golden_lines(messages):
    lab, client = ours(messages)
    lines = []
    for i, (name, data) in enumerate(messages, 1):
        said = answers.ask(client, i)
        lines.append(f"{name}\n")
        lines += [f"  {item} {answers.digest_of(value)}\n" for item, value in said.items()]
    client.close()
    lab.close()
    return lines


def check_golden(messages):
    blocks, bad = {}, 0
    with open(GOLDEN) as f:
        for line in f:
            if not line.startswith(" "):
                block = blocks.setdefault(line.strip(), [])
            else:
                block.append(line)
    now = {}
    for line in golden_lines(messages):
        if not line.startswith(" "):
            block = now.setdefault(line.strip(), [])
        else:
            block.append(line)
    for name, lines in now.items():
        if lines != blocks.get(name):
            bad += 1
            old = blocks.get(name, [])
            print(f"not the agreed answer: {name}\n" + "".join(f"- {x}" for x in old if x not in lines) + "".join(f"+ {x}" for x in lines if x not in old))
    return bad


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--golden", action="store_true")
    p.add_argument("--write", action="store_true")
    p.add_argument("--label", default="differences")
    p.add_argument("names", nargs="*", help="only messages whose names begin so")
    a = p.parse_args()
    messages = [m for m in corpus.messages() if not a.names or any(m[0].startswith(n) for n in a.names)]
    if a.write:
        lines = golden_lines(messages)
        with open(GOLDEN, "w") as f:
            f.writelines(lines)
        return 0
    bad = check_golden(messages) if a.golden else compare(messages)
    name = f"{a.label} {'golden' if a.golden else 'dovecot'} ({len(messages)} messages)"
    print(f"not ok {name}: {bad} differ" if bad else f"ok {name}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
