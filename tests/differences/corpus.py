"""tests/differences/corpus.py: messages as they come, and worse: messages() is always the same list of (name, bytes).

What is written by hand stands in tables; the rest is made by a generator with a fixed seed: random nestings of parts, and damage done
to well-formed messages (lines lost, doubled, cut; boundaries changed; bytes turned round)."""
import random

CRLF = "\r\n"


def b(text):
    """Text to bytes: characters up to U+00FF are single bytes, what is beyond is UTF-8."""
    return b"".join(bytes([ord(c)]) if ord(c) < 256 else c.encode() for c in text)


# --- addresses: in From, Sender, Reply-To, To, Cc, Bcc of one message after the other -----------------------------------

ADDRESSES = [
    "ann@example.org", "<ann@example.org>", "Ann <ann@example.org>", '"Ann Example" <ann@example.org>', "Ann Example <ann@example.org>",
    "ann@example.org (Ann Example)", "(Ann) ann@example.org", "Ann (comment) <ann@example.org>", "ann@example.org, bob@example.org",
    "Ann <ann@example.org>, Bob <bob@example.org>, eve@example.org", "ann@example.org,,bob@example.org", ",ann@example.org,", "", " ", ",",
    "undisclosed-recipients:;", "undisclosed-recipients: ;", "Group: ann@example.org, Bob <bob@example.org>;", "Group:ann@example.org;, eve@example.org",
    '"My Group": ann@example.org;', "A Group (with a comment): ann@example.org;", "Group: ann@example.org", "A: a@b.example; B: c@d.example;", "A: B: c@d.example;;",
    ":;", ": ann@example.org;", "Group: ;, ;", "ann@example.org;", "ann@example.org; bob@example.org", "Group: (nobody) ;",
    "<@relay.example:ann@example.org>", "<@a.example,@b.example:ann@example.org>", "Ann <@a.example, @b.example: ann@example.org>", "<@a.example>", "<@:a@b.example>",
    '"quoted local"@example.org', '<"quoted local"@example.org>', '"a\\"b"@example.org', '"back\\\\slash" <a@example.org>', '"a@b" <c@example.org>',
    '"unterminated <ann@example.org>', 'Ann "The" Example <ann@example.org>', '"Ann" "Example" <ann@example.org>', '""<ann@example.org>', '"" <ann@example.org>', '"comma, name" <ann@example.org>',
    "Ann <ann@example.org", "Ann ann@example.org>", "Ann <<ann@example.org>>", "<>", "Ann <>", "< ann@example.org >", "<ann @ example.org>", "ann @ example . org", "a . n . n@example.org",
    "Ann <ann>", "<ann>", "ann", "Ann Example", "ann@", "@example.org", "<@example.org>", "ann@example.org@example.net", "<ann@example.org@example.net>", "ann@@example.org",
    "ann.@example.org", ".ann@example.org", "a..b@example.org", "<a..b@example.org>", "ann@[192.0.2.1]", "<ann@[IPv6:2001:db8::1]>", "ann@[192.0.2.1", "ann@example.org.", "ann@.example.org", "ann@ex..org",
    "=?utf-8?q?J=C3=BCrgen?= <j@example.org>", '"=?utf-8?q?J=C3=BCrgen?=" <j@example.org>', "=?utf-8?b?SsO8cmdlbiwgSy4=?= <j@example.org>", "=?utf-8?q?a=40b=2C?= <j@example.org>",
    "=?utf-8?q?J=C3=BCrgen, K.?= <j@example.org>", "=?utf-8?q?two?= =?utf-8?q?words?= <j@example.org>", "=?broken <j@example.org>", "=?utf-8?q?j=40example.org?=", "j@example.org (=?utf-8?q?J=C3=BCrgen?=)",
    "J\xfcrgen <j@example.org>", '"J\xfcrgen" <j@example.org>', "j\xfcrgen@example.org", "\u4e2d\u6587 <zh@example.org>", "<\u4e2d\u6587@\u4f8b\u5b50.example>", "j@example.org (J\xfcrgen)",
    "Ann Q. Public <ann@example.org>", "Dr. Ann <ann@example.org>", "Ann, Dr. <ann@example.org>", "Ann [HQ] <ann@example.org>", "Ann (HQ (Berlin)) <ann@example.org>", "Ann (unclosed <ann@example.org>", "Ann ) <ann@example.org>", "(only a comment)", "()", "ann@example.org ()",
    "Ann\\ Example <ann@example.org>", "ann\\@x@example.org", "Ann <ann@example.org> Bob <bob@example.org>", "Ann <ann@example.org> trailing", "Ann <ann@example.org>(c), bob@example.org", "<ann@example.org> Ann", "ann@example.org bob@example.org", "ann@example.org <ann@example.org>", "ann@example.org Bob <bob@example.org>",
    "Ann\r\n <ann@example.org>,\r\n\tBob <bob@example.org>", "\r\n ann@example.org", "ann@example.org\r\n ,bob@example.org", "\"Ann\r\n Example\" <ann@example.org>", "Ann <ann@\r\n example.org>", "ann@example.org (a\r\n b)", "Ann\t<ann@example.org>", "  Ann   Example   <ann@example.org>  ",
    "mailto:ann@example.org", "<mailto:ann@example.org>", "http://example.org/", "ann%example.net@example.org", "net!host!ann", "ann@example", "MAILER-DAEMON (Mail Delivery System)", "root@localhost.localdomain (Charlie &)", "'ann@example.org'", "'Ann' <ann@example.org>", "[ann@example.org]", "ann at example.org",
    "a" * 300 + "@example.org", "N" * 1100 + " <ann@example.org>", ", ".join(f"p{i}@example.org" for i in range(60)), '"' + "x" * 200 + '" <ann@example.org>', "; ".join(f"g{i}: p{i}@example.org" for i in range(5)),
    "a\x01b@example.org", "A\x7fnn <ann@example.org>", "Ann\x0b <ann@example.org>", "Ann \\\"x\\\" <ann@example.org>", "\"Ann \\\"x\\\" E\" <ann@example.org>", "Ann <\"ann\"@example.org>", "Ann <ann(c)@example.org>", "Ann <ann@(c)example.org>", "ann@example.org(c)(d)", "(a) (b) ann@example.org", "Ann = <ann@example.org>", "Ann; Bob <b@example.org>", "Ann: Bob <b@example.org>", "a:b@example.org", "<a:b@example.org>", "Ann:<ann@example.org>;",
]

DATES = [
    "Mon, 23 Nov 2026 20:30:48 +0000", "23 Nov 2026 20:30 +0100", "Mon, 23 Nov 26 20:30:48 GMT", "Mon, 23 Nov 1999 20:30:48 -0800 (PST)", "Mon,23 Nov 2026 20:30:48 +0000", "Monday, 23-Nov-98 20:30:48 EST", "Mon Nov 23 20:30:48 2026", "Mon Nov 23 20:30:48 GMT 2026", "2026-11-23T20:30:48Z", "23/11/2026", "Mon, 31 Feb 2026 20:30:48 +0000", "Mon, 23 Nov 2026 25:61:61 +0000", "Mon, 1 Jan 0099 00:00:00 +0000", "Thu, 1 Jan 1970 00:00:00 +0000", "Wed, 31 Dec 1969 23:59:59 +0000", "Tue, 19 Jan 2038 03:14:08 +0000", "Fri, 31 Dec 9999 23:59:59 +9959", "Sat, 1 Jan 1900 00:00:00 -1200", "23 November 2026 20:30:48 +0000", "Mon, 23 Nov 2026 20:30:48", "Mon, 23 Nov 2026 20:30:48 +00:00", "Mon, 23 Nov 2026 20:30:48 UT", "Mon, 23 Nov 2026 20:30:48 Z", "Mon, 23 Nov 2026 20:30:48 A", "Mon, 23 Nov 2026 20:30:60 +0000", "Mon, 23 Nov 2026 20.30.48 +0000", "Mon, 23 Nov 2026 (yes) 20:30:48 (no) +0000", "Mon, 23 Nov 2026 8:30:48 PM", "Mon, 23 Nov 100 20:30:48 +0000", "", " ", "yesterday", "Mon, 23 Nov\r\n 2026 20:30:48 +0000", "\r\n Mon, 23 Nov 2026 20:30:48 +0000", "Mon,\t23\tNov\t2026\t20:30:48\t+0000", "Mo, 23 Nov 2026 20:30:48 +0100", "Lun, 23 nov. 2026 20:30:48 +0100", "23-Nov-2026 20:30:48 +0000", "Sun, 29 Feb 2004 12:00:00 +0000", "Sun, 29 Feb 2003 12:00:00 +0000", "1 Jan 50 00:00:00 +0000", "1 Jan 49 00:00:00 +0000", "\"Mon, 23 Nov 2026\" 20:30:48 +0000",
]

TEXTS = [
    "plain", "", " ", "=?utf-8?q?caf=C3=A9?=", "=?utf-8?b?Y2Fmw6k=?= and more", "=?utf-8?q?split_?=\r\n =?utf-8?q?word?=", "=?ISO-8859-1*en?Q?a?=", "=?unknown?q?x?=", "=?utf-8?x?x?=", "=?utf-8?q?unterminated", "caf\xe9", "\u65e5\u672c\u8a9e", "tab\there", "folded\r\n line", "folded\r\n\ttab", "folded\r\n  two spaces\r\n   three", "\r\n begins folded", "ends folded\r\n ", "quote \" and \\ backslash", "\"quoted\"", "x" * 998, "x" * 2000, "y " * 600, "\x01control\x02", "nul\x00inside", "{5}", "NIL", "(list)", "per%cent*", "a\rb", "re: [list] Re: x (fwd)", "trailing   ", "   leading", "a\x7fb", "\x80\xff", "emoji \U0001f600", "very\r\n folded\r\n indeed\r\n \r\n even\r\n \t \r\n empty", "\r\n \r\n x", "a : b", "=?utf-8?q?a=0D=0AInjected:_x?=", "=?utf-8?b?!!!!?=", "a\nb", "a\n b",
]

TYPES = [
    "text/plain", "text/plain; charset=utf-8", 'text/plain; charset="utf-8"', "text/plain;charset=utf-8;format=flowed", "text/plain; charset=", "text/plain; charset", "text/plain;", "text/plain;;", "text/plain; ; charset=x", "TEXT/PLAIN; CHARSET=US-ASCII", "Text / Plain", "text /plain", "text/ plain", "text", "text/", "/plain", "/", "", " ", ";charset=utf-8", "text; charset=utf-8", "text/plain charset=utf-8", "text/plain, charset=utf-8", "text/plain/more", "text/plain; charset=utf-8 (comment)", "(comment) text/plain", "text (c) / (d) plain (e) ; (f) charset (g) = (h) x (i)", "text/plain; charset='utf-8'", 'text/plain; charset="utf-8', "text/plain; charset=utf-8\"", 'text/plain; charset="a\\"b"', 'text/plain; charset="a\\b"', "text/plain; name=a b c.txt", "text/plain; name=a;b.txt", 'text/plain; name="a;b.txt"', 'text/plain; name="a\r\n b.txt"', "text/plain;\r\n\tcharset=utf-8;\r\n name=x", "text/plain; name=caf\xe9.txt", "text/plain; name=\"caf\xe9.txt\"", "text/plain; name=\"\u6587.txt\"", 'text/plain; name="=?utf-8?q?caf=C3=A9?="', "text/plain; name==?utf-8?q?caf=C3=A9?=",
    "application/x; name*=utf-8''caf%C3%A9.bin", "application/x; name*=UTF-8'en'a%20b", "application/x; name*0=a; name*1=b; name*2=c", "application/x; name*0*=utf-8''a%20; name*1=b; name*2*=%C3%A9", "application/x; name*1=b; name*0=a", "application/x; name*0=a; name*2=c", "application/x; name*0*=iso-8859-1''caf%E9", "application/x; name*=caf%E9", "application/x; name*=''x", "application/x; name*0=a; name=plain", "application/x; name*=utf-8''x; name=plain", "application/x; NAME*0=a; Name*1=b", "application/x; name*00=a; name*01=b", "application/x; name*0=\"a \"; name*1=\"b\"", "application/x; name*0*=utf-8''a; name*1=\"%41\"", "application/x; name*=unknown-charset'x'%E9", "application/x; name*=utf-8''%", "application/x; name*=utf-8''%zz%4", "application/x; *=x", "application/x; name**=x", "application/x; name*x=y", "application/x; a=1; a=2", "application/x; =novalue", "application/x; n ame=x", "application/x; \"name\"=x", "application/x; name = x", "application/x; name\t=\tx", "application/x; " + "; ".join(f"p{i}=v{i}" for i in range(60)), "application/x; name=" + "z" * 1200, "application/x; boundary=zzz", "image/jpeg; name=x.jpg; x-mac-type=\"4A504547\"",
    "multipart/mixed", "multipart/mixed; boundary=", 'multipart/mixed; boundary=""', "multipart/mixed; boundary=nowhere", "multipart/", "multipart", "multipart/mixed; boundary=\"trailing \"", "multipart/mixed; boundary=" + "q" * 80, "message/rfc822", "message/rfc822; charset=x", "message/delivery-status", "message/partial; id=\"x\"; number=1; total=2", "message/external-body; access-type=URL; URL=\"ftp://x\"", "message/global", "MESSAGE/RFC822", "x-custom/x-type; x=y", "text/html", "text/x\x01y", "te\xe9t/plain", "text/plain\x00; a=b", "<text/plain>", "text/plain>", "\"text\"/plain", "text/\"plain\"", "[text]/plain", "text/plain=; a=b", "text=plain", "text\\plain", "text/plain; a=<b>", "text/plain; a=b@c", "text/plain; a=b,c", "text/plain; a=b/c", "text/plain; a=b:c", "text/plain; a=[b]", "text/plain; a=b?c", "text/plain; a=\"\"", "text/plain; a=\"b\"c", "text/plain; a=b\"c\"", "text/plain; a=\"b\" c=d", "text/plain; a=b c=d", "text/plain; a=\\\"b\\\"", "text/plain; a=(b)c", "text/plain; a=b=c", "text/plain. charset=x", "text/plain: charset=x", "Image/JPEG; NAME=x", "Application/PDF",
]

ENCODINGS = [
    "7bit", "8bit", "binary", "base64", "quoted-printable", "BASE64", "Quoted-Printable", "x-uuencode", "uuencode", "", " ", "base64 ", " base64 (comment)", "(comment) base64", "base64;", "base64; x=y", "\"base64\"", "base64 base64", "quoted printable", "quoted_printable", "7-bit", "none", "b\xe4se64", "7bit, base64", "base64\r\n ", "\r\n base64", "x" * 300,
]

DISPOSITIONS = [
    "inline", "attachment", "ATTACHMENT; FILENAME=x.txt", 'attachment; filename="a b.txt"', "attachment; filename=a b.txt", "attachment;", "attachment; filename", "attachment; filename=", "", " ", ";filename=x", "filename=x", "attachment; filename*=utf-8''caf%C3%A9.txt", "attachment; filename*0=\"a\"; filename*1=\"b\"", "attachment; filename*0*=utf-8''%41; filename*1*=%42; filename*2=c", "attachment; filename=\"=?utf-8?q?caf=C3=A9.txt?=\"", "attachment; filename==?utf-8?b?w6k=?=.txt", "attachment; filename=caf\xe9.txt", "attachment; size=10; creation-date=\"Mon, 23 Nov 2026 20:30:48 +0000\"", "attachment (c); (d) filename=(e)x", "\"attachment\"; filename=x", "attachment/inline; filename=x", "attachment, filename=x", "attachment filename=x", "attachment; filename=x; filename=y", "attachment; filename=\"unterminated", "attach ment", "form-data; name=\"x\"", "attachment;\r\n\tfilename=\"folded\r\n name.txt\"", "inline; filename=" + "f" * 600, "(only comment)", "attachment; =x",
]

LANGUAGES = ["en", "en, de", "en,de,fr", "", " ", ",", "en (English), de (Deutsch)", "(c) en", "en de", "en;q=1", "i-klingon", "x" * 200, "en,,de", "\"en\"", "en,\r\n de", "d\xe9", "en-US,"]
LOCATIONS = ["http://example.org/a", "", " ", "http://example.org/\r\n a\r\n b", "a b", "\"x\"", "caf\xe9", "=?utf-8?q?x?=", "(c) x", "  x  "]
IDS = ["<a@b.example>", "<a@b.example> ", "", " ", "a@b.example", "<a b@c.example>", "<\"a b\"@c.example>", "<a@b.example> (c)", "(c) <a@b.example>", "<a@b.example><c@d.example>", "<caf\xe9@b.example>", "\r\n <a@b.example>", "<a@b\r\n .example>", "x" * 400, "<a@b.example>\r\n\t<c@d.example>", "  <a@b.example>"]


def letter(name, *fields, body="Hello,\r\nworld.\r\n", front=True):
    head = "".join(f"{f}\r\n" for f in fields)
    return name, b(("Subject: " + name + "\r\n" if front else "") + head + "\r\n" + body)


def from_tables():
    step = 5
    for i in range(0, len(ADDRESSES), step):
        some = ADDRESSES[i:i + step] + ADDRESSES[:step]
        yield letter(f"address-{i:03}", f"From: {some[0]}", f"Sender: {some[1]}", f"Reply-To: {some[2]}", f"To: {some[3]}", f"Cc: {some[4]}", "Bcc: bob@example.org")
    for i, date in enumerate(DATES):
        yield letter(f"date-{i:02}", f"Date: {date}", "From: a@example.org")
    for i, text in enumerate(TEXTS):
        yield letter(f"text-{i:02}", f"Subject: {text}", f"In-Reply-To: {text}", f"Message-ID: {text}", f"Date: {text}", f"Content-Description: {text}", f"Content-ID: {text}", f"Content-MD5: {text}", "Content-Type: image/png", front=False)
    for i, kind in enumerate(TYPES):
        yield letter(f"type-{i:03}", f"Content-Type: {kind}")
    for i, name in enumerate(ENCODINGS):
        for body in ("SGVsbG8sIHdvcmxkLg==\r\n", "a=20b=\r\n=3D x \r\n") if i < 7 else ("SGVsbG8=\r\n",):
            yield letter(f"encoding-{i:02}-{len(body)}", "MIME-Version: 1.0", f"Content-Transfer-Encoding: {name}", body=body)
    for i, text in enumerate(DISPOSITIONS):
        yield letter(f"disposition-{i:02}", "Content-Type: image/png", f"Content-Disposition: {text}")
    for i, text in enumerate(LANGUAGES):
        yield letter(f"language-{i:02}", f"Content-Language: {text}", "Content-Type: image/png")
    for i, text in enumerate(LOCATIONS):
        yield letter(f"location-{i:02}", f"Content-Location: {text}", "Content-Type: image/png")
    for i, text in enumerate(IDS):
        yield letter(f"id-{i:02}", f"Message-ID: {text}", f"In-Reply-To: {text}", f"Content-ID: {text}", "Content-Type: image/png")


# --- headers and line ends ---------------------------------------------------------------------------------------------

HEADERS = {
    "no-body": "Subject: x\r\nFrom: a@b.example\r\n", "no-body-no-line-end": "Subject: x\r\nFrom: a@b.example", "empty-line-only": "\r\n", "body-only": "\r\njust a body\r\n", "no-header-no-colon": "just text\r\nmore text\r\n", "no-line-end": "text", "one-byte": "x", "one-lf": "\n", "one-cr": "\r", "colon": ":", "colon-line": ": x\r\n\r\nb",
    "name-space-colon": "Subject : x\r\nFrom\t: a@b.example\r\n\r\nbody\r\n", "no-space": "Subject:x\r\nFrom:a@b.example\r\n\r\nb\r\n", "case": "sUBJECT: x\r\nFROM: a@b.example\r\ncontent-TYPE: text/html\r\n\r\nb\r\n", "garbage-line": "Subject: x\r\nthis is no field\r\nFrom: a@b.example\r\n\r\nb\r\n", "garbage-first": "this is no field\r\nSubject: x\r\n\r\nb\r\n", "mbox-from": "From a@b.example Mon Nov 23 20:30:48 2026\r\nSubject: x\r\n\r\nb\r\n", "mbox-quoted": ">From a@b.example\r\nSubject: x\r\n\r\nb\r\n", "folded-first": " folded\r\nSubject: x\r\n\r\nb\r\n", "blank-line-of-spaces": "Subject: x\r\n   \r\nFrom: a@b.example\r\n\r\nb\r\n", "space-name": "Sub ject: x\r\nFrom: a@b.example\r\n\r\nb\r\n", "8bit-name": "S\xfcbject: x\r\nFrom: a@b.example\r\n\r\nb\r\n", "empty-name": ": x\r\nFrom: a@b.example\r\n\r\nb\r\n", "nul-in-header": "Subject: a\0b\r\nFrom: a\0@b.example\r\n\r\nb\r\n", "nul-in-body": "Subject: x\r\n\r\na\0b\r\n", "nul-in-name": "Sub\0ject: x\r\nFrom: a@b.example\r\n\r\nb\r\n",
    "twice": "Subject: one\r\nSubject: two\r\nFrom: a@b.example\r\nFrom: c@d.example\r\nTo: a@b.example\r\nTo: c@d.example\r\nDate: x\r\nDate: y\r\nMessage-ID: <1@x>\r\nMessage-ID: <2@x>\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nb\r\n", "twice-encoding": "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\nContent-Type: text/plain; charset=a\r\nContent-Type: text/html; charset=b\r\nContent-Disposition: inline\r\nContent-Disposition: attachment\r\n\r\nSGVsbG8=\r\n", "twice-first-empty": "Subject:\r\nSubject: two\r\nFrom:\r\nFrom: c@d.example\r\nContent-Type:\r\nContent-Type: text/html\r\nTo: ;\r\nTo: x@y.example\r\n\r\nb\r\n",
    "lf": "Subject: x\nFrom: a@b.example\nContent-Type: text/plain\n\nline\nline\n", "lf-mixed": "Subject: x\r\nFrom: a@b.example\n\r\nline\nline\r\n", "lf-empty-line": "Subject: x\r\nFrom: a@b.example\r\n\nline\r\n", "cr": "Subject: x\rFrom: a@b.example\r\rline\rline\r", "cr-in-header": "Subject: a\rb\r\nFrom: a@b.example\r\n\r\nb\r\n", "cr-in-body": "Subject: x\r\n\r\na\rb\r\r\nc\r\n", "crcrlf": "Subject: x\r\r\nFrom: a@b.example\r\r\n\r\r\nbody\r\r\n", "lfcr": "Subject: x\n\rFrom: a@b.example\n\r\n\rbody\n\r", "no-last-line-end": "Subject: x\r\n\r\nno line end", "two-empty-lines": "Subject: x\r\n\r\n\r\n\r\nb\r\n", "starts-empty": "\r\nSubject: x\r\n\r\nb\r\n", "lf-multipart": "Content-Type: multipart/mixed; boundary=q\n\n--q\n\none\n--q\nContent-Type: text/html\n\ntwo\n\n--q--\n",
    "long-line": "Subject: " + "w" * 5000 + "\r\nFrom: a@b.example\r\n\r\n" + "z" * 20000 + "\r\n", "long-word-folded": "Subject: " + "\r\n ".join(["w" * 900] * 8) + "\r\n\r\nb\r\n", "many-fields": "".join(f"X-{i}: {i}\r\n" for i in range(400)) + "Subject: last\r\n\r\nb\r\n", "long-references": "References: " + "\r\n ".join(f"<{i}@example.org>" for i in range(150)) + "\r\nIn-Reply-To: <149@example.org> <148@example.org>\r\n\r\nb\r\n", "content-only": "Content-Type: text/plain; charset=utf-8\r\n\r\nb\r\n", "mime-1": "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nb\r\n", "mime-version-odd": "MIME-Version: 2.0 (x)\r\nContent-Type: text/html\r\n\r\nb\r\n", "resent": "Resent-From: r@b.example\r\nFrom: a@b.example\r\nResent-Message-ID: <r@x>\r\nMessage-ID: <m@x>\r\n\r\nb\r\n", "8bit-body": "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa9\xff\r\n", "base64-broken": "Content-Transfer-Encoding: base64\r\n\r\nSGVs*bG8\r\n=sd\r\nSGVsbG8=\r\n", "base64-twice": "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\nSGVsbG8=\r\n", "base64-cut": "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG", "qp-broken": "Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\nb=ZZ=4\r\nc=e9 \t\r\n= \r\nx=", "qp-lower": "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=c3=a9=0d=0a=00\r\n",
}


# --- parts ---------------------------------------------------------------------------------------------------------------

def parts(kind, boundary, *some, before="", after="", close=True, extra=""):
    text = f"Content-Type: multipart/{kind}; boundary=\"{boundary}\"{extra}\r\n\r\n{before}"
    for p in some:
        text += f"--{boundary}\r\n{p}\r\n"
    return text + (f"--{boundary}--\r\n" if close else "") + after


PLAIN = "Content-Type: text/plain\r\n\r\nplain text"
HTML = "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>html=\r\n</p>\r\n"
IMAGE = "Content-Type: image/png; name=x.png\r\nContent-Disposition: attachment; filename=x.png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i@x>\r\n\r\niVBORw0KGgo=\r\n"
INNER = "Subject: inner\r\nFrom: Inner <i@example.org>\r\nDate: Mon, 23 Nov 2026 20:30:48 +0000\r\n\r\ninner body\r\n"
RFC822 = "Content-Type: message/rfc822\r\n\r\n" + INNER
HEAD = "From: a@example.org\r\nSubject: parts\r\nMIME-Version: 1.0\r\n"

PARTS = {
    "two": parts("mixed", "b", PLAIN, HTML), "one": parts("mixed", "b", PLAIN), "none": parts("mixed", "b"), "none-open": parts("mixed", "b", close=False), "empty-part": parts("mixed", "b", "", PLAIN), "empty-body": parts("mixed", "b", "Content-Type: text/plain\r\n\r\n", PLAIN), "header-only-part": parts("mixed", "b", "Content-Type: text/html", PLAIN), "no-header-part": parts("mixed", "b", "\r\njust text", "\r\n"), "preamble": parts("mixed", "b", PLAIN, before="This is MIME.\r\n", after="epilogue\r\nmore\r\n"), "preamble-no-line-end": parts("mixed", "b", PLAIN, before="", after="epilogue"), "not-closed": parts("mixed", "b", PLAIN, HTML, close=False), "closed-twice": parts("mixed", "b", PLAIN) + "--b--\r\n", "after-close": parts("mixed", "b", PLAIN, after="--b\r\n" + PLAIN + "\r\n--b--\r\n"), "close-only": "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", "close-without-line-end": parts("mixed", "b", PLAIN)[:-2], "boundary-without-line-end": "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b",
    "nested": parts("mixed", "outer", parts("alternative", "inner", PLAIN, HTML), IMAGE), "nested-3": parts("mixed", "a", parts("related", "b", parts("alternative", "c", PLAIN, HTML), IMAGE), IMAGE), "nested-inner-not-closed": parts("mixed", "outer", parts("alternative", "inner", PLAIN, HTML, close=False), IMAGE), "nested-same-boundary": parts("mixed", "b", parts("alternative", "b", PLAIN, HTML), IMAGE), "prefix-inner-longer": parts("mixed", "b", parts("alternative", "bb", PLAIN, HTML), IMAGE), "prefix-inner-shorter": parts("mixed", "bb", parts("alternative", "b", PLAIN, HTML), IMAGE), "prefix-dashes": parts("mixed", "b", parts("alternative", "b--", PLAIN, HTML), IMAGE), "prefix-dashes-outer": parts("mixed", "b--", parts("alternative", "b", PLAIN, HTML), IMAGE), "case-boundary": parts("mixed", "B", parts("alternative", "b", PLAIN), IMAGE), "outer-boundary-in-inner-header": parts("mixed", "o", "Content-Type: multipart/alternative; boundary=i\r\n--o\r\n\r\nx", PLAIN), "boundary-in-header": "Content-Type: multipart/mixed; boundary=b\r\nX: y\r\n--b\r\n\r\nx\r\n--b--\r\n", "trailing-space": parts("mixed", "b", PLAIN).replace("--b\r\n", "--b  \t\r\n"), "trailing-text": parts("mixed", "b", PLAIN, HTML).replace("--b\r\n", "--b x\r\n"), "close-trailing": parts("mixed", "b", PLAIN).replace("--b--\r\n", "--b--x\r\n"), "close-trailing-space": parts("mixed", "b", PLAIN).replace("--b--\r\n", "--b-- \r\n") + "after\r\n", "leading-space": parts("mixed", "b", PLAIN).replace("--b\r\n", " --b\r\n"), "one-dash": parts("mixed", "b", PLAIN).replace("--b\r\n", "-b\r\n"), "dash-text": parts("mixed", "b", "Content-Type: text/plain\r\n\r\n-- \r\nsignature\r\n--\r\n---b\r\n--bc\r\n"), "boundary-spaces": parts("mixed", "a b", PLAIN), "boundary-trailing-space": parts("mixed", "ab ", PLAIN), "boundary-quotes": "Content-Type: multipart/mixed; boundary=\"a\\\"b\"\r\n\r\n--a\"b\r\n\r\nx\r\n--a\"b--\r\n", "boundary-unquoted-odd": "Content-Type: multipart/mixed; boundary=a=b:c/d\r\n\r\n--a=b:c/d\r\n\r\nx\r\n--a=b:c/d--\r\n", "boundary-2231": "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n", "boundary-2231-extended": "Content-Type: multipart/mixed; boundary*=us-ascii''a%62\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n", "boundary-70": parts("mixed", "x" * 70, PLAIN), "boundary-71": parts("mixed", "x" * 71, PLAIN), "boundary-100": parts("mixed", "x" * 100, PLAIN), "boundary-200-alike": parts("mixed", "x" * 200, parts("alternative", "x" * 199 + "y", PLAIN, HTML), IMAGE), "boundary-missing": "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n", "boundary-empty": "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n", "boundary-8bit": parts("mixed", "\xe9", PLAIN), "boundary-dash": parts("mixed", "-", PLAIN), "boundary-dashes": parts("mixed", "--", PLAIN), "boundary-twice": "Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\nx\r\n--b\r\n\r\ny\r\n--a--\r\n",
    "digest": parts("digest", "b", "\r\n" + INNER, "\r\n" + INNER), "digest-text": parts("digest", "b", PLAIN, "Content-Type: message/rfc822\r\n\r\n" + INNER), "digest-header": parts("digest", "b", "X: y\r\n\r\n" + INNER), "digest-broken-type": parts("digest", "b", "Content-Type: garbage\r\n\r\n" + INNER), "digest-empty": parts("digest", "b", "", "\r\n"), "digest-nested": parts("mixed", "o", parts("digest", "i", "\r\n" + INNER), PLAIN), "digest-type-no-body": parts("digest", "b", "Content-Description: x", "\r\n" + INNER), "rfc822": RFC822, "rfc822-part": parts("mixed", "b", PLAIN, RFC822), "rfc822-twice": "Content-Type: message/rfc822\r\n\r\nSubject: one\r\n" + RFC822, "rfc822-3": "Content-Type: message/rfc822\r\n\r\nSubject: one\r\nContent-Type: message/rfc822\r\n\r\nSubject: two\r\n" + RFC822, "rfc822-multipart": "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n" + parts("mixed", "b", PLAIN, HTML), "rfc822-multipart-part": parts("mixed", "o", "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n" + parts("mixed", "b", PLAIN, RFC822), HTML), "rfc822-multipart-same-boundary": parts("mixed", "b", "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n" + parts("mixed", "b", PLAIN), HTML), "rfc822-base64": "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQpib2R5DQo=\r\n", "rfc822-qp": "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: =3D\r\n\r\nb=20c\r\n", "multipart-base64": parts("mixed", "b", PLAIN).replace("multipart/mixed;", "multipart/mixed;", 1).replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1), "rfc822-empty": "Content-Type: message/rfc822\r\n\r\n", "rfc822-no-body": "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n", "rfc822-no-body-no-end": "Content-Type: message/rfc822\r\n\r\nSubject: x", "rfc822-no-header": "Content-Type: message/rfc822\r\n\r\n\r\nbody\r\n", "rfc822-cut-by-boundary": parts("mixed", "b", "Content-Type: message/rfc822\r\n\r\nSubject: x\r\nFrom: y@z.example", PLAIN), "rfc822-only-type-cut": parts("mixed", "b", "Content-Type: message/rfc822", PLAIN), "rfc822-attachment": parts("mixed", "b", PLAIN, "Content-Type: message/rfc822; name=\"x.eml\"\r\nContent-Disposition: attachment; filename=\"x.eml\"\r\nContent-Description: a mail\r\n\r\n" + INNER), "rfc822-garbage": parts("mixed", "b", "Content-Type: message/rfc822\r\n\r\nno header here\r\nat all\r\n\r\nbody\r\n"), "global": "Content-Type: message/global\r\n\r\nSubject: \u4e2d\r\nFrom: <\u4e2d@x.example>\r\n\r\nb\r\n", "global-part": parts("mixed", "b", "Content-Type: message/global\r\n\r\nSubject: \u4e2d\r\n\r\nb"), "delivery-report": parts("report", "b", PLAIN, "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\n", RFC822, extra="; report-type=delivery-status"), "text-rfc822-headers": parts("report", "b", "Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"),
    "extra-params": parts("related", "b", HTML, IMAGE, extra="; type=\"text/html\"; start=\"<i@x>\""), "signed": parts("signed", "b", PLAIN, "Content-Type: application/pgp-signature\r\n\r\nxx\r\n", extra="; micalg=pgp-sha1; protocol=\"application/pgp-signature\""), "fields-of-multipart": parts("mixed", "b", PLAIN).replace("\r\n\r\n", "\r\nContent-Disposition: inline; x=y\r\nContent-Language: en, de\r\nContent-Location: http://x\r\nContent-ID: <m@x>\r\nContent-Description: d\r\nContent-MD5: m\r\n\r\n", 1), "fields-of-part": parts("mixed", "b", "Content-Type: application/x\r\nContent-Disposition: attachment; filename=f\r\nContent-Language: en\r\nContent-Location: http://x\r\nContent-ID: <p@x>\r\nContent-Description: d\r\nContent-MD5: m\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n"), "no-subtype": parts("", "b", PLAIN), "unknown-subtype": parts("x-y", "b", PLAIN), "empty-lines": parts("mixed", "b", "Content-Type: text/plain\r\n\r\n\r\n\r\nx\r\n\r\n", "Content-Type: text/plain\r\n\r\n\r\n"), "only-line-end": parts("mixed", "b", "\r\n\r\n", "\r\n\r\n\r\n"), "adjacent": "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n--b\r\n\r\n--b\r\nX: y\r\n--b--\r\n", "first-line-boundary": "Content-Type: multipart/mixed; boundary=b\r\n--b\r\n\r\nx\r\n--b--\r\n", "thirty": parts("mixed", "b", *[PLAIN] * 30), "deep": None, "wide-deep": None, "many-open": None, "lines": parts("mixed", "b", "Content-Type: text/plain\r\n\r\n" + "line\r\n" * 50 + "no end", "Content-Type: text/plain\r\n\r\n" + "line\r\n" * 50), "cr-before-boundary": parts("mixed", "b", "Content-Type: text/plain\r\n\r\nx\r", PLAIN), "lf-before-boundary": parts("mixed", "b", PLAIN, HTML).replace("plain text\r\n", "plain text\n"), "cr-after-boundary": parts("mixed", "b", PLAIN, HTML).replace("--b\r\n", "--b\r\r\n"), "nul-boundary": parts("mixed", "b", PLAIN).replace("--b\r\n", "--b\0\r\n"), "nul-part": parts("mixed", "b", "Content-Type: text/plain\r\n\r\na\0b"), "qp-sizes": parts("mixed", "b", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=20\r\n", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\n", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=20   \r\n\r\n", "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9=\r\n=C3=A9"), "base64-sizes": parts("mixed", "b", *["Content-Transfer-Encoding: base64\r\n\r\n" + s for s in ("", "QQ==", "QQ", "QQ=", "QUI=\r\n", "QUJD\r\nQUJD\r\n", "Q", "====", "QQ==QQ==", "Q U J D", "QUJD\r\n--\r\n")]), "8bit-headers": parts("mixed", "b", "Content-Type: text/plain; name=\"\xe9\"\r\nContent-Description: \xe9\u4e2d\r\nContent-ID: <\xe9>\r\n\r\nx"),
}


def deep(levels, kind="mixed"):
    text = PLAIN
    for i in range(levels):
        text = parts(kind, f"b{i}.", text)
    return text


def rfc822_deep(levels):
    return "".join(f"Subject: {i}\r\nContent-Type: message/rfc822\r\n\r\n" for i in range(levels)) + INNER


def structures():
    some = dict(PARTS)
    some["deep"] = deep(20)
    some["wide-deep"] = parts("mixed", "o", deep(5), deep(4, "alternative"), rfc822_deep(3))
    some["many-open"] = "".join(f"Content-Type: multipart/mixed; boundary=x{i}\r\n\r\n--x{i}\r\n" for i in range(15)) + PLAIN
    for name, text in some.items():
        yield "parts-" + name, b(HEAD + text)
    for name, text in HEADERS.items():
        yield "header-" + name, b(text)


# --- made by chance ------------------------------------------------------------------------------------------------------

def random_part(rng, depth, boundaries):
    kind = rng.randrange(10 if depth < 5 else 5)
    field = rng.choice(["", f"Content-Description: {rng.choice(TEXTS[:9])}\r\n", f"Content-Disposition: {rng.choice(DISPOSITIONS[:6])}\r\n", f"Content-Language: {rng.choice(LANGUAGES[:3])}\r\n", "Content-ID: <x@y>\r\n", "X-Other: y\r\n"])
    if kind < 2:
        return field + "Content-Type: text/plain; charset=" + rng.choice(["utf-8", "us-ascii", "iso-8859-1"]) + "\r\n\r\n" + "text\r\n" * rng.randrange(4) + rng.choice(["", "end"])
    if kind < 3:
        return field + HTML
    if kind < 4:
        return field + IMAGE
    if kind < 5:
        return field + "\r\nno type\r\n"
    if kind < 7:
        return field + "Content-Type: message/rfc822\r\n\r\nSubject: inner " + str(depth) + "\r\nFrom: " + rng.choice(ADDRESSES[:8]) + "\r\n" + random_part(rng, depth + 1, boundaries)
    boundary = rng.choice(["", "=_", "b"]) + str(rng.randrange(30)) + rng.choice(["", "-", "--x"])
    if boundaries and rng.random() < 0.2:
        boundary = rng.choice(boundaries) + rng.choice(["", "", "a", "-"])
    some = [random_part(rng, depth + 1, boundaries + [boundary]) for _ in range(rng.randrange(1, 4))]
    return field + parts(rng.choice(["mixed", "alternative", "related", "digest", "report"]), boundary, *some, before=rng.choice(["", "preamble\r\n"]), after=rng.choice(["", "\r\n", "epilogue\r\n"]), close=rng.random() < 0.85)


def damage(rng, data):
    for _ in range(rng.randrange(1, 4)):
        lines = data.split(b"\r\n")
        i, j, how = rng.randrange(len(lines)), rng.randrange(len(lines)), rng.randrange(9)
        if how == 0:
            del lines[i]
        elif how == 1:
            lines.insert(i, lines[j])
        elif how == 2:
            lines[i] = lines[i][:rng.randrange(len(lines[i]) + 1)]
        elif how == 3:
            lines[i], lines[j] = lines[j], lines[i]
        elif how == 4:
            lines.insert(i, b"")
        elif how == 5:
            lines[i] = lines[i] + rng.choice([b"--", b" ", b"\"", b";", b"(", b"=", b"\xe9", b"x"])
        elif how == 6:
            lines[i] = rng.choice([b" ", b"--", b"\"", b"-", b"\t", b":"]) + lines[i]
        elif how == 7 and lines[i]:
            at = rng.randrange(len(lines[i]))
            lines[i] = lines[i][:at] + rng.choice([b"\"", b"(", b")", b"<", b";", b"\\", b"=", b"?", b" "]) + lines[i][at + 1:]
        elif how == 8:
            del lines[rng.randrange(len(lines)):]
        data = b"\r\n".join(lines)
    return data or b"x"


def by_chance(count=60, damaged=110):
    rng = random.Random(20261123)
    whole = [(HEAD + random_part(rng, 0, [])) for _ in range(count)]
    for i, text in enumerate(whole):
        yield f"chance-{i:03}", b(text)
    base = [b(t) for t in whole if "multipart" in t] + [d for n, d in structures() if len(d) < 3000 and n.startswith("parts-")]
    for i in range(damaged):
        yield f"damaged-{i:03}", damage(rng, rng.choice(base))


def messages():
    return [*from_tables(), *structures(), *by_chance()]


if __name__ == "__main__":
    import collections
    print(collections.Counter(n.split("-")[0] for n, _ in messages()), len(messages()))
