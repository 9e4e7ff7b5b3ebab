"""tests/lib/imap.py: a small IMAP client that keeps every byte in sight: for tests that must know exactly what was said.
Every response is held against the formal syntax (tests/grammar)."""
import os
import re
import socket
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "grammar"))
from grammar import Checker  # noqa: E402


class Gone(Exception):
    """The connection ended."""


class Imap:
    def __init__(self, address, user=None, password="pw", timeout=30, sock=None):
        self.sock = sock or socket.create_connection(address, timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data, self.tag, self.checker = b"", 0, Checker()
        self.packer = self.unpacker = None
        self.greeting = self.line()
        if user:
            status, text, _ = self.command(f'LOGIN "{user}" "{password}"')
            if status != "OK":
                raise RuntimeError(f"login as {user}: {status} {text}")

    def more(self):
        try:
            got = self.sock.recv(1 << 18)
        except (ConnectionError, socket.timeout) as e:
            raise Gone(repr(e)) from e
        if not got:
            raise Gone("closed")
        self.data += self.unpacker.decompress(got) if self.unpacker else got

    def line(self):
        """One response, literals included, as bytes without its last CRLF."""
        out = b""
        while True:
            while b"\r\n" not in self.data:
                self.more()
            line, _, self.data = self.data.partition(b"\r\n")
            out += line
            m = re.search(rb"\{(\d+)\}$", line)
            if not m:
                self.checker.feed(out + b"\r\n")
                if self.checker.failures:
                    raise AssertionError(self.checker.failures[0])
                return out
            n = int(m.group(1))
            while len(self.data) < n:
                self.more()
            out += b"\r\n" + self.data[:n]
            self.data = self.data[n:]

    def compress(self):
        """RFC 4978; from here on both directions are deflated."""
        self.ok("COMPRESS DEFLATE")
        self.packer, self.unpacker = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)
        self.data = self.unpacker.decompress(self.data)

    def plain_again(self):
        """After UNAUTHENTICATE, RFC 8437 §3"""
        self.packer = self.unpacker = None

    def send(self, data):
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        try:
            self.sock.sendall(data)
        except OSError as e:
            raise Gone(repr(e)) from e

    def command(self, text, literal=None):
        """Sends a command (a literal, if given, behind it). Returns (OK|NO|BAD, text, untagged responses)."""
        self.tag += 1
        tag = f"t{self.tag}".encode()
        line = tag + b" " + (text if isinstance(text, bytes) else text.encode())
        if literal is not None:
            line += b" {%d+}\r\n" % len(literal) + literal
        self.send(line + b"\r\n")
        return self.reply(tag)

    def reply(self, tag):
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag + b" "):
                status, _, rest = line[len(tag) + 1:].decode("utf-8", "replace").partition(" ")
                return status, rest, untagged
            untagged.append(line)
            if line.startswith(b"* BYE"):
                raise Gone(line.decode("utf-8", "replace"))

    def ok(self, text, literal=None):
        status, rest, untagged = self.command(text, literal)
        if status != "OK":
            raise RuntimeError(f"{text}: {status} {rest}")
        return rest, untagged

    def close(self):
        self.sock.close()
