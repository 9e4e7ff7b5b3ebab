#!/usr/bin/env python3
"""tests/model/garbage.py [--sessions N] [--seed S]: peers that talk nonsense: the transcripts of tests/dialog with bytes changed, cut out,
doubled and mixed between two of them, commands invented from the grammar (talk.py), and plain noise; some of them compressed;
left by an end, a reset, or by waiting for what the server says to it.

The server must go on: every session that waits is ended by the server, others are served meanwhile, a mailbox that nobody
named is as it was, and `mailstead check` finds nothing. (Sessions that stop at every byte are in tests/fault/peers.py.)"""
import argparse
import glob
import os
import random
import re
import smtplib
import socket
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "dialog")]
from imap import Imap  # noqa: E402
from lab import Lab  # noqa: E402
import talk  # noqa: E402
from run import encode  # noqa: E402

BYSTANDER, VICTIM = "bystander@apart.example", "ann@garbage.example"
WORDS = [b"{5}\r\n", b"{5+}\r\n", b"{99999999999}\r\n", b"~{3+}\r\n", b'"', b"\\", b"(", b")", b"*", b"%", b"\r\n", b"\n", b"\r", b"\0", b"\xff\xfe", b"1:*",
         b"$", b"4294967295", b"0", b",", b":", b"[", b"]", b"<0.5>", b"BODY[]", b"IDLE\r\n", b"DONE\r\n", b".\r\n", b"\r\n.\r\n", b"BDAT 7 LAST\r\n",
         b"MAIL FROM:<", b">", b"STARTTLS\r\n", b"a" * 9000, b"(" * 300, b"NOT " * 300]


def transcripts(service):
    """What clients say in tests/dialog, one byte string for each file and connection."""
    out = []
    for path in sorted(glob.glob(os.path.join(HERE, "..", "dialog", service, "*.txt"))):
        said = {}
        with open(path, encoding="utf-8") as f:
            for line in f:
                m = re.match(r"([A-Z])(>\||>|! login|! ehlo) ?(.*)", line.rstrip("\n"))
                if m:
                    text = {"! login": f"L LOGIN {VICTIM} pw", "! ehlo": "EHLO client.example"}.get(m.group(2), m.group(3))
                    bare = m.group(2) == ">|"
                    said.setdefault(m.group(1), []).append(encode(re.sub(r"\$\w+", VICTIM, text), bare) + (b"" if bare else b"\r\n"))
        out += [b"".join(lines) for lines in said.values()]
    return out


def deflated(rng, text):
    """The same, most of it behind COMPRESS; sometimes broken there."""
    head = f"l LOGIN {VICTIM} pw\r\nz COMPRESS DEFLATE\r\n".encode()
    packer = zlib.compressobj(rng.randint(0, 9), zlib.DEFLATED, -15)
    packed = bytearray(packer.compress(text) + packer.flush(rng.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH])))
    if rng.random() < 0.3:
        packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
    return head + bytes(packed)


def invented(rng):
    text = talk.session(rng, VICTIM, "pw")
    if rng.random() < 0.5:
        text = mutated(rng, [text])
    return deflated(rng, text) if rng.random() < 0.15 else text


def mutated(rng, corpus):
    text = bytearray(rng.choice(corpus))
    if rng.random() < 0.2:
        other = rng.choice(corpus)
        text[rng.randint(0, len(text)):] = other[rng.randint(0, len(other)):]
    if rng.random() < 0.1:
        text[rng.randint(0, len(text)):] = rng.randbytes(rng.randint(1, 3000))
    for _ in range(rng.choice([0, 1, 1, 2, 5, 20])):
        at, n = rng.randint(0, len(text)), rng.randint(1, 20)
        kind = rng.randrange(5)
        if kind == 0:
            del text[at:at + n]
        elif kind == 1:
            text[at:at] = text[at:at + n] * rng.randint(1, 5)
        elif kind == 2:
            text[at:at] = rng.choice(WORDS)
        elif kind == 3:
            text[at:at + 1] = bytes([rng.randrange(256)])
        else:
            text[at:at + n] = rng.choice(WORDS)
    return bytes(text)


def session(rng, address, text):
    """Returns how many bytes the server said, or None if it did not end the session."""
    heard = 0
    with socket.create_connection(address, timeout=60) as s:
        try:
            for at in range(0, len(text), step := rng.choice([7, 1000, 1 << 20])):
                s.sendall(text[at:at + step])
            how = rng.randrange(4)
            if how == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            elif how > 1:
                s.shutdown(socket.SHUT_WR)
                while data := s.recv(1 << 16):
                    heard += len(data)
        except TimeoutError:
            return None
        except OSError:
            pass  # the server had enough
    return heard


def rows(lab):
    c = Imap(lab.imap, BYSTANDER)
    c.ok("EXAMINE INBOX")
    got = c.ok("FETCH 1:* (UID FLAGS BODY.PEEK[])")[1]
    c.close()
    return [row.replace(rb" \Recent", b"").replace(rb"\Recent", b"") for row in got if b" FETCH (" in row]


def restore(lab):
    """It may have taken the rights from itself."""
    c = Imap(lab.imap, VICTIM)
    c.ok(f"DELETEACL INBOX -{VICTIM}")
    c.ok(f"SETACL INBOX {VICTIM} lrswipkxtea")
    c.close()


def fill(lab):
    """Something to search and fetch."""
    c = Imap(lab.imap, VICTIM)
    for path in sorted(glob.glob(os.path.join(HERE, "..", "dialog", "imap", "*.eml"))):
        with open(path, "rb") as f:
            c.ok("APPEND INBOX (\\Flagged kw)", re.sub(rb"\r?\n", b"\r\n", f.read()))
    c.close()


def run(lab, rng, sessions):
    """Returns how many bytes the server said, or what went wrong."""
    heard = 0
    with smtplib.SMTP(*lab.smtp, timeout=60) as s:
        s.sendmail("sender@elsewhere.example", [BYSTANDER], b"Subject: stays\r\n\r\nas it is\r\n")
    before, witness = rows(lab), Imap(lab.imap, BYSTANDER)
    witness.ok("SELECT INBOX")
    corpus = {"imap": transcripts("imap"), "smtp": transcripts("smtp")}
    for n in range(1, sessions + 1):
        service = rng.choice(["imap", "imap", "smtp"])
        text = invented(rng) if service == "imap" and rng.random() < 0.6 else mutated(rng, corpus[service])
        door = rng.choice([service] * 8 + (["imaps"] if service == "imap" else ["submission"] * 2))
        said = session(rng, getattr(lab, door), text)
        if said is None or lab.process.poll() is not None:
            return f"session {n} ({door}) {'was not ended by' if said is None else 'ended'} the server: {text[:3000]!r}"
        heard += said
        if n % 20 == 0:
            witness.ok("NOOP")
            restore(lab)
        if n % 200 == 1:
            restore(lab)
            fill(lab)
    if rows(lab) != before:
        return f"the bystander's mailbox was {before}, is {rows(lab)}"
    done = lab.run("check")
    if done.returncode != 0:
        return f"check: exit {done.returncode}: {(done.stdout + done.stderr).decode()[:2000]}"
    return heard


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--label", default="garbage")
    args = parser.parse_args()
    lab = Lab()
    try:
        try:
            got = run(lab, random.Random(args.seed), args.sessions)
        except Exception as e:  # whatever it is, it is a finding
            got = f"{type(e).__name__}: {e}"
        why = got if isinstance(got, str) else None
        print(f"{'not ok' if why else 'ok'} {args.label}: {args.sessions} sessions (seed {args.seed})" + ("" if why else f", {got} bytes said to them"), flush=True)
        if why:
            print(f"    {why}\n    log:", lab.log_text()[-6000:].replace("\n", "\n    "))
    finally:
        code = lab.close()
    if code != 0:
        print(f"not ok {args.label}: the server ended with code {code}")
    sys.exit(1 if why or code else 0)


if __name__ == "__main__":
    main()
