#!/usr/bin/env python3
r"""tests/dialog/run.py [FILE...]: runs transcripts against the real binary.

A transcript is text. Blank lines and lines that start with # are skipped. X is the letter of a connection; the user is
$user, made for this file alone (others: $user2, $user3); $domain is its domain.

  server: --user a@b.c:pw   options of the lab that this file needs (then it gets a server of its own)
  X: imap                   connects (smtp, submission, imap, imaps); the greeting is read by X<
  X! login [WHO]            connects by IMAP if need be, reads the greeting, logs in as $user (or WHO)
  X! ehlo                   connects by SMTP if need be, reads the greeting, says EHLO and reads its reply
  X! tls                    negotiates TLS on the connection now
  X! deflate | plain        compresses from now on, as after COMPRESS; no longer, as after UNAUTHENTICATE
  X! close                  closes it
  X! deliver to=A [from=B] [file=F] [subject=S] [size=N]    another client delivers a message by SMTP, and waits for its 250
  X! append to=MAILBOX file=F [flags="\Seen"] [date=D]    sends APPEND, tag "append", with the file's bytes and CRLF line ends
  X! shell COMMAND          runs mailstead COMMAND on the store; its output is then read by X<
  X> text                   sends a line; $name is replaced by what was captured or set
  X>| text                  sends without a line end; \r \n \0 \t \\ \xHH are bytes; a trailing *N repeats the text N times
  X< text                   the next line must be this; "..." stands for anything; {name} captures a word (no space, bracket
                            or parenthesis) at its first use and must be equal afterwards
  X<* text                  skips lines until one matches
  X<[ text  (several)       these lines in any order, as a block of consecutive X<[ lines
  X<| text                  exactly these bytes come next (escapes as in X>|)
  X<closed                  the peer closes
"""
import argparse
import os
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import traceback
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "grammar")]
from grammar import Checker  # noqa: E402
from lab import BINARY, Lab  # noqa: E402

TIMEOUT = float(os.environ.get("DIALOG_TIMEOUT", "20"))


class Broken(Exception):
    pass


def unescape(text):
    def one(m):
        c = m.group(1)
        return {"r": "\r", "n": "\n", "0": "\0", "t": "\t", "\\": "\\"}.get(c) or chr(int(c[1:], 16))
    return re.sub(r"\\(r|n|0|t|\\|x[0-9a-fA-F]{2})", one, text)


def encode(text, escapes):
    if not escapes:
        return text.encode()
    out = b""
    for piece in re.split(r"(\\(?:r|n|0|t|\\|x[0-9a-fA-F]{2}))", text):
        out += unescape(piece).encode("latin-1") if piece.startswith("\\") else piece.encode()
    return out


def options(args):
    return {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|\S+)', args)}


class Deflated:
    """A socket with DEFLATE on both directions of it, RFC 4978."""
    def __init__(self, sock):
        self.sock = sock
        self.out, self.back = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def sendall(self, data):
        self.sock.sendall(self.out.compress(data) + self.out.flush(zlib.Z_SYNC_FLUSH))

    def recv(self, n):
        while got := self.sock.recv(n):
            if plain := self.back.decompress(got):
                return plain
        return b""

    def close(self):
        self.sock.close()


class Peer:
    def __init__(self, lab, service):
        self.sock = socket.create_connection(getattr(lab, service), timeout=TIMEOUT)
        if service == "imaps":
            self.tls(lab)
        self.data = b""
        self.checker = Checker() if service.startswith("imap") else None

    def tls(self, lab):
        context = ssl.create_default_context(cafile=lab.ca)
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")

    def more(self, why):
        try:
            got = self.sock.recv(65536)
        except (TimeoutError, socket.timeout):
            raise Broken(f"waited {TIMEOUT} s for {why}; so far: {self.data!r}") from None
        except ConnectionResetError:
            got = b""
        if not got:
            raise Broken(f"the connection was closed while waiting for {why}; so far: {self.data!r}")
        if self.checker:
            self.checker.feed(got)
        self.data += got

    def line(self, why):
        while b"\r\n" not in self.data:
            self.more(why)
        line, _, self.data = self.data.partition(b"\r\n")
        return line.decode("utf-8", "surrogateescape")

    def exactly(self, want):
        while len(self.data) < len(want):
            self.more(repr(want))
        got, self.data = self.data[:len(want)], self.data[len(want):]
        if got != want:
            raise Broken(f"expected the bytes {want!r}\n  got {got!r}")

    def closed(self):
        while True:
            try:
                self.more("the end")
            except Broken as e:
                if "was closed" in str(e):
                    if self.data:
                        raise Broken(f"closed, but first came {self.data!r}") from None
                    return
                raise


class Said:
    """The output of a command, read like a connection."""
    def __init__(self, text):
        self.lines = text.splitlines()

    def line(self, why):
        if not self.lines:
            raise Broken(f"no more output while waiting for {why}")
        return self.lines.pop(0)


class Transcript:
    def __init__(self, path, lab, number):
        self.lab, self.peers, self.path, self.checkers = lab, {}, path, []
        tag = re.sub(r"[^a-z0-9]", "", os.path.basename(path)[:-4].lower())
        self.vars = {"domain": f"t{number}.example", **{f"user{k}": f"{tag}{k}@t{number}.example" for k in (2, 3)},
                     "user": f"{tag}@t{number}.example"}

    def fill(self, text):
        return re.sub(r"\$(\w+)", lambda m: self.vars.get(m.group(1), m.group(0)), text)

    def match(self, pattern, line):
        names, regex = [], ""
        for piece in re.split(r"(\.\.\.|\{[a-z]\w*\})", self.fill(pattern)):
            if piece == "...":
                regex += ".*"
            elif re.fullmatch(r"\{[a-z]\w*\}", piece or ""):
                name = piece[1:-1]
                if name in self.vars:
                    regex += re.escape(self.vars[name])
                else:
                    names.append(name)
                    regex += r"([^\s\[\]()]+)"
            else:
                regex += re.escape(piece)
        m = re.fullmatch(regex, line, re.S)
        if m:
            self.vars.update(zip(names, m.groups()))
        return bool(m)

    def peer(self, letter, service):
        if letter not in self.peers:
            self.connect(letter, service)
        return self.peers[letter]

    def connect(self, letter, service):
        self.peers[letter] = Peer(self.lab, service)
        if self.peers[letter].checker:
            self.checkers.append((letter, self.peers[letter].checker))

    def read(self, name):
        with open(os.path.join(os.path.dirname(self.path), name), "rb") as f:
            return re.sub(rb"\r?\n", b"\r\n", f.read())

    def append(self, peer, args):
        opt, data = options(args), self.read(options(args)["file"])
        date = f' "{opt["date"]}"' if "date" in opt else ""
        head = f'append APPEND "{opt["to"]}" ({opt.get("flags", "")}){date} {{{len(data)}+}}\r\n'
        peer.sock.sendall(head.encode() + data + b"\r\n")

    def deliver(self, args):
        opt = options(args)
        sender = opt.get("from", "sender@elsewhere.example")
        if "file" in opt:
            body = self.read(opt["file"])
        else:
            body = (f"From: {sender}\nTo: {opt['to']}\nSubject: {opt.get('subject', 'hello')}\n"
                    "Date: Mon, 23 Nov 2026 20:30:48 +0000\nMessage-ID: <1@elsewhere.example>\n\n").encode()
            body += b"x" * 70 + b"\n" if "size" not in opt else (b"x" * 70 + b"\n") * (int(opt["size"]) // 71)
        with smtplib.SMTP(*self.lab.smtp, timeout=TIMEOUT) as s:
            s.sendmail(sender, opt["to"].split(","), re.sub(rb"\r?\n", b"\r\n", body))

    def act(self, letter, verb, rest):
        if verb == "login":
            peer = self.peer(letter, "imap")
            peer.line("the greeting")
            peer.sock.sendall(f'login LOGIN "{rest or self.vars["user"]}" pw\r\n'.encode())
            while not (line := peer.line("the login's reply")).startswith("login "):
                pass
            if not line.startswith("login OK"):
                raise Broken("login: " + line)
        elif verb == "ehlo":
            peer = self.peer(letter, "smtp")
            peer.line("the greeting")
            peer.sock.sendall(b"EHLO client.example\r\n")
            while peer.line("the reply to EHLO")[3:4] == "-":
                pass
        elif verb == "tls":
            self.peers[letter].tls(self.lab)
        elif verb == "deflate":
            self.peers[letter].sock = Deflated(self.peers[letter].sock)
        elif verb == "plain":
            self.peers[letter].sock = self.peers[letter].sock.sock
        elif verb == "close":
            self.peers.pop(letter).sock.close()
        elif verb == "append":
            self.append(self.peers[letter], rest)
        elif verb == "deliver":
            self.deliver(rest)
        elif verb == "shell":
            done = subprocess.run([BINARY, *rest.split(), "--dir", self.lab.dir], capture_output=True, timeout=60, check=False)
            self.peers[letter] = Said((done.stdout + done.stderr).decode() + f"exit {done.returncode}\n")
        else:
            raise Broken(f"no such act: {verb}")

    def expect_any_order(self, letter, patterns):
        left = list(patterns)
        while left:
            line = self.peers[letter].line(f"one of {left}")
            hit = next((p for p in left if self.match(p, line)), None)
            if hit is None:
                raise Broken(f"expected, in any order: {left}\n  got {line!r}")
            left.remove(hit)

    def step(self, letter, op, text):
        if op == ":":
            self.connect(letter, text)
        elif op == "!":
            verb, _, rest = self.fill(text).partition(" ")
            self.act(letter, verb, rest)
        elif op == ">":
            self.peers[letter].sock.sendall(self.fill(text).encode() + b"\r\n")
        elif op == ">|":
            m = re.fullmatch(r"(.*)\*(\d+)", text, re.S)
            data = encode(self.fill(m.group(1)), True) * int(m.group(2)) if m else encode(self.fill(text), True)
            self.peers[letter].sock.sendall(data)
        elif op == "<":
            line = self.peers[letter].line(text)
            if not self.match(text, line):
                raise Broken(f"expected {self.fill(text)!r}\n  got    {line!r}")
        elif op == "<*":
            seen = []
            while not self.match(text, line := self.peers[letter].line(f"{text} (skipped {seen[-20:]})")):
                seen.append(line)
        elif op == "<|":
            self.peers[letter].exactly(encode(self.fill(text), True))
        elif op == "<closed":
            self.peers[letter].closed()

    def run(self):
        with open(self.path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            if not line.strip() or line.startswith("#") or line.startswith("server:"):
                continue
            m = re.match(r"([A-Z])(:|!|>\||>|<\*|<\[|<\||<closed|<)\s?(.*)", line, re.S)
            if not m:
                raise Broken(f"line {at}: not understood: {line!r}")
            try:
                if m.group(2) == "<[":
                    block = [m.group(3)]
                    while at < len(lines) and lines[at].startswith(m.group(1) + "<["):
                        block.append(lines[at][3:].lstrip())
                        at += 1
                    self.expect_any_order(m.group(1), block)
                else:
                    self.step(*m.groups())
            except (Broken, OSError, smtplib.SMTPException) as e:
                raise Broken(f"line {at}: {line}\n  {type(e).__name__}: {e}") from e
        bad = [f"{letter}: {why}" for letter, checker in self.checkers for why in checker.failures]
        if bad:
            raise Broken("what the server said is not IMAP:\n  " + "\n  ".join(bad[:5]))

    def close(self):
        for p in self.peers.values():
            if isinstance(p, Peer):
                p.sock.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="dialog")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    files = args.files or sorted(os.path.join(d, f) for d, _, fs in os.walk(HERE) for f in fs if f.endswith(".txt"))
    shared, failed = None, 0
    for number, path in enumerate(files):
        name = f"{args.label} {os.path.relpath(path, HERE)[:-4]}"
        with open(path, encoding="utf-8") as f:
            own = re.findall(r"^server:(.*)$", f.read(), re.M)
        lab, t = None, None
        try:
            if not own and (shared is None or shared.process.poll() is not None):
                shared = Lab()
            lab = Lab(*" ".join(own).split()) if own else shared
            t = Transcript(path, lab, number)
            t.run()
            if lab.process.poll() is not None:
                raise Broken("the server has died")
            print("ok", name, flush=True)
        except Exception as e:  # a transcript's failure is told, whatever it is
            failed += 1
            text = str(e) if isinstance(e, Broken) else traceback.format_exc()
            print("not ok", name, "\n   ", text.replace("\n", "\n    "), flush=True)
            if lab:
                print("    log:", lab.log_text()[-1500:].replace("\n", "\n    "), flush=True)
        finally:
            if t:
                t.close()
            if own and lab and lab.close() != 0:
                failed += 1
                print("not ok", name, "(the server's end)", flush=True)
    if shared:
        log = shared.log_text()
        code = shared.close()
        print(("ok" if code == 0 else "not ok") + f" {args.label} server ends cleanly", flush=True)
        if code != 0:
            failed += 1
            print("    exit code", code, log[-6000:].replace("\n", "\n    "), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
