"""tests/differences/answers.py: what a server says of a message: every item that tells of its form, parsed, and every section of it."""
import hashlib
import re

WHOLE = "RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[]"
SECTIONS_MAX = 40  # of one message that are asked for


class Atom(bytes):
    """NIL, a number or the name of an item: not a string."""


def parse(data):
    """The values of a response: lists, byte strings (quoted and literal alike) and Atoms."""
    at, stack = 0, [[]]
    while at < len(data):
        c = data[at:at + 1]
        if c == b"(":
            stack.append([])
            at += 1
        elif c == b")":
            last = stack.pop()
            stack[-1].append(last)
            at += 1
        elif c == b'"':
            m = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(data, at)
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", m.group(1), flags=re.S))
            at = m.end()
        elif c in b"{~" and (m := re.compile(rb"~?\{(\d+)\}\r\n").match(data, at)):
            n = int(m.group(1))
            stack[-1].append(data[m.end():m.end() + n])
            at = m.end() + n
        elif c == b" ":
            at += 1
        else:
            m = re.compile(rb'[^ ()"\[]+(?:\[[^\]]*\])?(?:<\d+>)?').match(data, at)
            if not m:
                raise ValueError(f"cannot read {data[at:at + 60]!r}")
            stack[-1].append(Atom(m.group()))
            at = m.end()
    return stack[0]


def fetch(client, number, items):
    """{item: value} of one message; an item that was refused is missing. Sections are asked one by one if all together are refused."""
    status, text, untagged = client.command(f"FETCH {number} ({items})")
    out = {}
    for line in untagged:
        m = re.match(rb"\* (\d+) FETCH ", line)
        if not m or int(m.group(1)) != number:
            continue
        pairs = parse(line[m.end():])[0]
        for name, value in zip(pairs[::2], pairs[1::2]):
            out[name.decode().upper()] = value
    if status != "OK":
        wanted = items.split()
        if len(wanted) == 1:
            return {items.replace(".PEEK", "").upper(): Atom(b"refused")}
        out = {}
        for item in wanted:
            out.update(fetch(client, number, item))
    return out


def sections(structure, prefix=""):
    """The section numbers of a BODYSTRUCTURE, with whether each is a message."""
    if isinstance(structure[0], list):
        for i, part in enumerate([p for p in structure if isinstance(p, list)][:count_parts(structure)], 1):
            yield from section(part, f"{prefix}{i}")
    else:
        yield from section(structure, f"{prefix}1")


def count_parts(structure):
    n = 0
    while n < len(structure) and isinstance(structure[n], list):
        n += 1
    return n


def section(part, name):
    inner = message_of(part)
    yield name, inner is not None
    if isinstance(part[0], list):
        yield from sections(part, name + ".")
    elif inner is not None:
        yield from sections(inner, name + ".")


def message_of(part):
    """The structure of the message in a message, or None."""
    if not isinstance(part[0], list) and part[0].lower() == b"message" and part[1].lower() in (b"rfc822", b"global") and len(part) > 8 and isinstance(part[8], list):
        return part[8]
    return None


def section_items(structure):
    items = []
    for name, message in list(sections(structure))[:SECTIONS_MAX]:
        items += [f"BODY.PEEK[{name}]", f"BODY.PEEK[{name}.MIME]", f"BINARY.SIZE[{name}]", f"BINARY.PEEK[{name}]"]
        if message:
            items += [f"BODY.PEEK[{name}.HEADER]", f"BODY.PEEK[{name}.TEXT]"]
    return items


def ask(client, number, structure=None):
    """All answers of one message; structure: whose sections to ask for, if not its own."""
    out = fetch(client, number, WHOLE)
    if isinstance(out.get("BODYSTRUCTURE"), list):
        out.update(fetch(client, number, " ".join(section_items(structure or out["BODYSTRUCTURE"]))))
    return out


def text_of(value):
    """A value on one line, for people and for golden files."""
    if isinstance(value, list):
        return "(" + " ".join(text_of(v) for v in value) + ")"
    if isinstance(value, Atom):
        return value.decode()
    return '"' + value.decode("latin-1").encode("unicode_escape").decode().replace('"', '\\"') + '"'


def digest_of(value):
    """The same for a golden file: the content of sections is kept as length and hash."""
    if isinstance(value, bytes) and not isinstance(value, Atom):
        return f"{len(value)}:{hashlib.sha256(value).hexdigest()[:16]}"
    return text_of(value)
