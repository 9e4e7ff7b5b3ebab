"""tests/differences/known.py: the differences from Dovecot that are meant. Each rule explains single values that differ; docs/imap-differences.md
has a section of the same name with the reason."""
import re

from answers import Atom

REFUSED = Atom(b"refused")


def is_text(v):
    return isinstance(v, bytes) and not isinstance(v, Atom)


def leaves(a, b):
    """The smallest values in which two answers differ."""
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for x, y in zip(a, b):
            yield from leaves(x, y)
    elif a != b or isinstance(a, Atom) != isinstance(b, Atom):
        yield a, b


def squeezed(s):
    return re.sub(rb"[ \t]+", b" ", s).strip(b" ")


def white_space(d, a, b):
    """Both are texts that differ in white space alone."""
    return is_text(a) and is_text(b) and squeezed(a) == squeezed(b)


def line_ends(d, a, b):
    """The message has line ends without CR: Dovecot shows and counts them as CRLF."""
    if not re.search(rb"(?<!\r)\n", d.data):
        return False
    if is_text(a) and is_text(b):
        return re.sub(rb"(?<!\r)\n", b"\r\n", a) == b
    return isinstance(a, Atom) and isinstance(b, Atom) and a.isdigit() and b.isdigit() and int(a) < int(b)


def nul(d, a, b):
    """A NUL, which no string of IMAP can hold; around one in an address each makes its own sense."""
    if b"\0" not in d.data:
        return False
    if d.item == "ENVELOPE":
        return True
    return is_text(a) and is_text(b) and re.sub(rb"[\0?]|\x80|\xef\xbf\xbd", b"", a) == re.sub(rb"[\0?]|\x80|\xef\xbf\xbd", b"", b)


def header_end(d, a, b):
    """A header that a boundary ends: its last line end is the boundary's for Dovecot, the header's for us."""
    return d.item.endswith((".MIME]", ".HEADER]")) and is_text(a) and is_text(b) and a == b + b"\r\n"


def lenient_decoding(d, a, b):
    """Dovecot refuses what is not quite base64 or quoted-printable, or an encoding whose name is not quite right."""
    return d.item.startswith("BINARY") and b == REFUSED and a != REFUSED


def encoded_message(d, a, b):
    """A message/rfc822 that is encoded as a whole, which RFC 2045 §6.4 forbids: we say UNKNOWN-CTE, Dovecot gives it as it is."""
    return d.item.startswith("BINARY") and a == REFUSED and d.name.startswith(("parts-rfc822-", "damaged-"))


def binary_of_multipart(d, a, b):
    """Dovecot decodes every part in a multipart or message and rewrites their headers; for us it has the bytes that it has."""
    if not d.item.startswith("BINARY"):
        return False
    number = re.search(r"\[(.*)\]", d.item).group(1)
    own = d.mine.get(f"BODY[{number}]", b"")
    text = d.mine.get(f"BINARY[{number}]")
    return own == text and (b"Content-Type: " in own or f"BODY[{number}.HEADER]" in d.mine)


def without_mime_version(d, a, b):
    """A header with neither MIME-Version nor Content-Type: Dovecot ignores its other Content- fields."""
    return d.item in ("BODYSTRUCTURE", "BODY") and d.name.startswith(("encoding", "header-base64", "header-qp", "chance", "damaged")) and \
        (b == Atom(b"NIL") and a != b or b == b"7bit")


def comment_before(d, a, b):
    """"(Ann) ann@example.org": the comment is the name for us also where it stands before the address."""
    return is_text(a) and b == Atom(b"NIL") and b"(" + a + b") ann@example.org" in d.data


def case(d, a, b):
    """Plain text in US-ASCII and messages, which Dovecot keeps as a mark and writes in lower case."""
    return is_text(a) and is_text(b) and a.lower() == b and b in (b"text", b"plain", b"charset", b"us-ascii", b"message", b"rfc822")


def bare_values(d, a, b):
    """A parameter without the quotes that it needs: Dovecot takes it up to the first byte that needs them."""
    return d.item in ("BODYSTRUCTURE", "BODY") and is_text(a) and is_text(b) and a.startswith(b) and a != b and \
        re.search(rb"=\s*" + re.escape(a), d.data) is not None


NAMED = {
    # address lists that break the grammar: we show all that can be an address
    "broken addresses": r"ENVELOPE address-.*|ENVELOPE header-twice-first-empty|ENVELOPE damaged-067",
    # Content-Type that cannot be read: text/plain, RFC 2045 §5.2
    "broken types": r"BODY(STRUCTURE)? (type-(008|01[3-9]|02[0-3]|077|090|09[2-9]|100|116|117)|parts-(no-subtype|digest-broken-type)|header-twice-first-empty|damaged-060)",
    "broken parameters": r"BODY(STRUCTURE)? (type-(028|029|053|054|061|064|065|101|106|11[0-5])|disposition-(08|09|1[0-1]|2[0-5]|3[01])|language-(0[6-9]|1[23])|encoding-1[4-8]-10)",
    # multiparts whose boundary is missing, empty or cannot be read by Dovecot
    "no boundary": r"\S+ (type-07[3-58]|parts-boundary-(missing|empty)|damaged-(016|058|069|071|102))",
    "odd boundaries": r"\S+ (parts-boundary-(100|200-alike|unquoted-odd|2231-extended)|damaged-(009|057|065|108))",
    "several encodings": r"BINARY\S* header-twice-encoding",
    "message/global": r"\S+ (type-086|parts-global|parts-global-part)",
}
RULES = [white_space, line_ends, nul, header_end, lenient_decoding, encoded_message, binary_of_multipart, comment_before, case, without_mime_version,
         bare_values]
TITLES = [r.__name__.replace("_", " ") for r in RULES] + list(NAMED)


class Difference:
    def __init__(self, name, data, item, mine, dovecot):
        self.name, self.data, self.item, self.mine, self.dovecot = name, data, item, mine, dovecot


def explain(d):
    """The titles of the rules that together explain how an item of two messages differs; None if something is left."""
    for title, pattern in NAMED.items():
        if re.fullmatch(pattern, f"{d.item.partition('[')[0]} {d.name}"):
            return {title}
    titles = set()
    for a, b in leaves(d.mine.get(d.item), d.dovecot.get(d.item)):
        for rule in RULES:
            if rule(d, a, b):
                titles.add(rule.__name__.replace("_", " "))
                break
        else:
            return None
    return titles
