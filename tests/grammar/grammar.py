#!/usr/bin/env python3
"""tests/grammar/grammar.py: holds what an IMAP server said against the formal syntax in imap.abnf.

As a module: Checker() for one connection; feed(bytes) whatever the server sent; failures lists what is not in the grammar.
As a program: holds samples.txt against the grammar, or, with --stdin, one connection's bytes.
It shares nothing with the server: the grammar is the standards' own text (imap.abnf says what differs)."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = re.compile(r'\s*(?:(?P<word>"[^"]*")|(?P<chars>CHARS\("[^"]*"\))|(?P<rep>\d*\*\d*)|(?P<name>[A-Za-z][\w-]*)|(?P<mark>[()\[\]/]))')


def load(path):
    """The rules by name, each a tree of ("seq", ...), ("alt", ...), ("rep", least, most, x), ("word", w), ("chars", c), ("rule", n), ("not", x)."""
    text = re.sub(r"^;.*$", "", open(path, encoding="utf-8").read(), flags=re.M)
    rules = {}
    for m in re.finditer(r"^([\w-]+)\s*=\s*(.*?)(?=^[\w-]+\s*=|\Z)", text, re.M | re.S):
        tokens = [(t.lastgroup, t.group(t.lastgroup)) for t in TOKEN.finditer(m.group(2))]
        rules[m.group(1).lower()], rest = alternation(tokens)
        if rest:
            raise SyntaxError(f"{m.group(1)}: {rest[:3]}")
    return rules


def alternation(tokens):
    ways = []
    while True:
        way, tokens = concatenation(tokens)
        ways.append(way)
        if not tokens or tokens[0] != ("mark", "/"):
            return (ways[0] if len(ways) == 1 else ("alt", ways)), tokens
        tokens = tokens[1:]


def concatenation(tokens):
    parts = []
    while tokens and tokens[0][1] not in ")]/":
        part, tokens = repetition(tokens)
        parts.append(part)
    return (parts[0] if len(parts) == 1 else ("seq", parts)), tokens


def repetition(tokens):
    if tokens[0][0] != "rep":
        return element(tokens)
    least, most = tokens[0][1].split("*")
    part, tokens = element(tokens[1:])
    return ("rep", int(least or 0), int(most or 1 << 30), part), tokens


def element(tokens):
    kind, text = tokens[0]
    if kind == "word":
        return ("word", text[1:-1]), tokens[1:]
    if kind == "chars":
        return ("chars", text[7:-2]), tokens[1:]
    if kind == "name" and text == "NOT":
        inner, rest = element(tokens[1:])
        return ("not", inner), rest
    if kind == "name":
        return ("rule", text.lower()), tokens[1:]
    inner, rest = alternation(tokens[1:])
    return (("rep", 0, 1, inner) if text == "[" else inner), rest[1:]


class Grammar:
    """Compiled to functions (data, at) -> where the match ends, or None."""

    def __init__(self, path=os.path.join(HERE, "imap.abnf")):
        self.done = {
            "sp": self.regex(rb" "), "crlf": self.regex(rb"\r\n"), "dquote": self.regex(rb'"'), "end": self.regex(rb"(?=\])"),
            "literal": self.literal, "literal8": self.literal8,
            "quoted-char": self.regex(rb'[^\x00\r\n"\\\x80-\xff]|\\["\\]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}'),
        }
        self.utf8 = False
        self.done["quoted"] = self.quoted
        self.furthest = 0
        self.rules = load(path)
        self.response = self.rule("response")

    QUOTED = re.compile(rb'"(?:[^\x00\r\n"\\\x80-\xff]|\\["\\])*"')
    QUOTED_UTF8 = re.compile(rb'"(?:[^\x00\r\n"\\\x80-\xff]|\\["\\]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*"')

    def quoted(self, data, at):
        m = (self.QUOTED_UTF8 if self.utf8 else self.QUOTED).match(data, at)
        return m and self.note(m.end())

    def note(self, at):
        self.furthest = max(self.furthest, at)
        return at

    def literal(self, data, at, binary=False):
        m = re.compile(rb"~?\{(0|[1-9]\d*)\}\r\n").match(data, at)
        if not m or data.startswith(b"~", at) != binary:
            return None
        end = m.end() + int(m.group(1))
        if end > len(data) or (not binary and b"\0" in data[m.end():end]):
            return None
        return self.note(end)

    def literal8(self, data, at):
        return self.literal(data, at, True)

    def regex(self, pattern):
        match = re.compile(pattern, re.I).match

        def run(data, at):
            m = match(data, at)
            return m and self.note(m.end())
        return run

    def rule(self, name):
        if name not in self.done:
            self.done[name] = lambda data, at: self.done[name](data, at)  # until it is compiled: rules may be recursive
            self.done[name] = self.compile(self.rules[name])
        return self.done[name] if name in self.done else None

    def compile(self, tree):
        kind = tree[0]
        if kind == "word":
            return self.regex(re.escape(tree[1].encode()))
        if kind == "chars":
            return self.regex(f"[{tree[1]}]+".encode())
        if kind == "rule":
            name = tree[1]
            self.rule(name)
            return lambda data, at: self.done[name](data, at)
        if kind == "not":
            inner = self.compile(tree[1])
            return lambda data, at: at if inner(data, at) is None else None
        if kind == "seq":
            return self.sequence([self.compile(t) for t in tree[1]])
        if kind == "alt":
            return self.choice([self.compile(t) for t in tree[1]])
        return self.repeat(tree[1], tree[2], self.compile(tree[3]))

    @staticmethod
    def sequence(parts):
        def run(data, at):
            for part in parts:
                at = part(data, at)
                if at is None:
                    return None
            return at
        return run

    @staticmethod
    def choice(ways):
        def run(data, at):
            for way in ways:
                end = way(data, at)
                if end is not None:
                    return end
            return None
        return run

    @staticmethod
    def repeat(least, most, part):
        def run(data, at):
            n = 0
            while n < most:
                end = part(data, at)
                if end is None or end == at:
                    break
                at, n = end, n + 1
            return at if n >= least else None
        return run


GRAMMAR = None


class Checker:
    """What one server said on one connection."""

    def __init__(self):
        global GRAMMAR
        GRAMMAR = GRAMMAR or Grammar()
        self.data, self.failures, self.responses, self.utf8 = bytearray(), [], 0, False
        self.begin, self.at = 0, 0  # of the first response that is not complete; how far it was looked through

    def feed(self, data):
        self.add(data)
        while (response := self.take()) is not None:
            self.check(response)

    def add(self, data):
        """Bytes for take(), which are not checked by that."""
        del self.data[:self.begin]
        self.at, self.begin = self.at - self.begin, 0
        self.data += data

    def take(self):
        """The next complete response, or None."""
        end = self.framed()
        if end is None:
            return None
        response = bytes(self.data[self.begin:end])
        self.begin = self.at = end
        return response

    def take_rest(self):
        """What came behind the last complete response."""
        rest = bytes(self.data[self.begin:])
        self.data.clear()
        self.begin = self.at = 0
        return rest

    def framed(self):
        """Where the first complete response ends, its literals included."""
        while self.at <= len(self.data) and (eol := self.data.find(b"\r\n", self.at)) >= 0:
            m = re.search(rb"\{(\d{1,12})\}$", self.data[max(self.at, eol - 20):eol])
            if not m or self.data[self.at:self.at + 2] == b"+ ":
                return eol + 2
            self.at = eol + 2 + int(m.group(1))
        return None

    def check(self, response):
        self.responses += 1
        GRAMMAR.furthest, GRAMMAR.utf8 = 0, self.utf8
        if GRAMMAR.response(response, 0) != len(response):
            at = GRAMMAR.furthest
            self.failures.append(f"not in the grammar behind {response[max(0, at - 60):at]!r}: {response[at:at + 80]!r}")
        if re.match(rb"\* ENABLED .*(IMAP4rev2|UTF8=ACCEPT)", response, re.I):
            self.utf8 = True


def samples():
    """The lines of samples.txt that are not judged as they should be."""
    with open(os.path.join(HERE, "samples.txt"), encoding="utf-8") as f:
        for line in f:
            verdict, _, text = line.rstrip("\n").partition(" ")
            if verdict not in ("ok", "bad"):
                continue
            checker = Checker()
            checker.feed(text.replace("|", "\r\n").replace("\\r\\n", "\r\n").encode() + b"\r\n")
            if (checker.responses == 1 and not checker.failures) != (verdict == "ok"):
                yield line.rstrip("\n")


def main():
    if "--stdin" not in sys.argv:
        wrong = list(samples())
        print("\n".join(wrong))
        sys.exit(1 if wrong else 0)
    checker = Checker()
    checker.feed(sys.stdin.buffer.read())
    print("\n".join(checker.failures))
    print(f"{checker.responses} responses, {len(checker.failures)} failures", file=sys.stderr)
    sys.exit(1 if checker.failures else 0)


if __name__ == "__main__":
    main()
