#!/usr/bin/env python3
"""tests/serve/run.py [TEST]...: the production server: `mailstead serve --config`, with domains, users and aliases made by the command
line, both while it runs and while it is stopped. Each test has a server of its own. MAILSTEAD is the binary, LABEL goes before each name."""
import argparse
import base64
import hashlib
import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from imap import Gone, Imap  # noqa: E402
from lab import BINARY  # noqa: E402
from serve import Server  # noqa: E402

OPEN = {"limits": "smtp_ip_count = 0\nimap_ip_count = 0\nauth_fail_ms = 0ms\nsmtp_error_count = 1000\nsmtp_auth_count = 100",
        "store": "cache_bytes = 8M\nlow_water_bytes = 40M\nballast_bytes = 0", "logging": "level = info"}


class Failed(Exception):
    pass


def equal(what, got, want):
    if got != want:
        raise Failed(f"{what}: got {got!r}, not {want!r}")


def has(what, got, want):
    if want not in got:
        raise Failed(f"{what}: {want!r} is not in {got!r}")


def context(server):
    return ssl.create_default_context(cafile=server.ca)


def mailbox(server, user, password="secret"):
    c = Imap(server.imap)
    c.ok("STARTTLS")
    c.sock = context(server).wrap_socket(c.sock, server_hostname="localhost")
    c.ok(f'LOGIN "{user}" "{password}"')
    return c


def subjects(server, user, box="INBOX"):
    c = mailbox(server, user)
    out = []
    if b"* 0 EXISTS" not in c.ok(f"EXAMINE {box}")[1]:
        for row in c.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            out += re.findall(r"Subject: (\S+)", row.decode())
    c.close()
    return sorted(out)


def deliver(server, subject, *to):
    with smtplib.SMTP(*server.smtp, timeout=30) as s:
        s.sendmail("sender@elsewhere.example", to, f"Subject: {subject}\r\n\r\ntext\r\n")


def rcpt(server, *addresses):
    """The replies to RCPT, of one transaction."""
    with smtplib.SMTP(*server.smtp, timeout=30) as s:
        s.ehlo("client.example")
        s.docmd("MAIL", "FROM:<sender@elsewhere.example>")
        return [s.docmd("RCPT", f"TO:<{a}>") for a in addresses]


def rcpt_is(server, address, code, status):
    (got, text), = rcpt(server, address)
    if got != code or not text.decode().startswith(status):
        raise Failed(f"RCPT TO:<{address}>: {got} {text.decode()!r}, not {code} {status}")


def refused(what, done):
    """A command that did not do it, and said why."""
    if done.returncode not in (1, 64, 65, 67, 75) or not done.stderr.startswith(b"mailstead: ") or done.stdout:
        raise Failed(f"{what}: exit code {done.returncode}, {done.stdout!r} {done.stderr!r}")


def people(server, *names):
    for name in names:
        server.must("user", "add", name, "--password-stdin", password="secret")


# --- routing ---

def routing(server):
    people(server, "ann@one.example", "bob@one.example", "cy@two.example")
    server.must("alias", "add", "team@one.example", "ann@one.example", "bob@one.example")
    server.must("alias", "add", "all@one.example", "team@one.example", "cy@two.example")
    server.must("alias", "add", "@two.example", "cy@two.example")
    server.must("alias", "add", "ann+special@one.example", "bob@one.example")
    server.must("alias", "add", "self@two.example", "self@two.example", "ann@one.example")
    server.must("alias", "add", "bob@one.example", "bob@one.example", "cy@two.example")
    for address, code, status in (
            ("ann@one.example", 250, "2.1.5"), ("ANN@ONE.Example", 250, "2.1.5"), ("ann+lists@one.example", 250, "2.1.5"),
            ("nobody@one.example", 550, "5.1.1"), ("nobody+x@one.example", 550, "5.1.1"), ("anyone@two.example", 250, "2.1.5"),
            ("ann@three.example", 550, "5.7.1"), ("ann@sub.one.example", 550, "5.7.1"), ("ann@[127.0.0.1]", 550, "5.7.1"),
            ("team@one.example", 250, "2.1.5"), ("all@one.example", 250, "2.1.5"), ("Postmaster", 550, "5.1.1"),
            # relaying by other means: reliability depends on none of these being taken apart
            ("ann%three.example@one.example", 550, "5.1.1"), ('"ann@three.example"@one.example', 550, "5.1.1"),
            ("@one.example:ann@three.example", 550, "5.7.1"), ("three.example!ann@one.example", 550, "5.1.1"),
            ('"ann@three.example"', 501, "5.1.3"), ("ann@three.example@one.example", 501, "5.1.3")):
        rcpt_is(server, address, code, status)
    server.must("alias", "add", "postmaster@one.example", "ann@one.example")
    rcpt_is(server, "Postmaster", 250, "2.1.5")
    deliver(server, "m1", "ann@one.example")
    deliver(server, "m2", "ann+lists@one.example")
    deliver(server, "m3", "team@one.example")
    deliver(server, "m4", "all@one.example", "ann@one.example", "team@one.example")
    deliver(server, "m5", "whoever@two.example")
    deliver(server, "m6", "ann+special@one.example")
    deliver(server, "m7", "self@two.example")
    deliver(server, "m8", "postmaster@one.example")
    equal("ann's mail", subjects(server, "ann@one.example"), ["m1", "m2", "m3", "m4", "m7", "m8"])
    equal("bob's mail", subjects(server, "bob@one.example"), ["m3", "m4", "m6"])
    equal("cy's mail", subjects(server, "cy@two.example"), ["m3", "m4", "m5", "m6"])


def loops(server):
    people(server, "ann@one.example")
    server.must("alias", "add", "a@one.example", "b@one.example")
    server.must("alias", "add", "b@one.example", "c@one.example")
    server.must("alias", "add", "c@one.example", "a@one.example")
    for address in ("a", "b", "c"):
        rcpt_is(server, f"{address}@one.example", 451, "4.3.5")
    # good and bad together: the good one is served
    equal("codes", [code for code, _ in rcpt(server, "a@one.example", "ann@one.example")], [451, 250])
    # deeper than alias_depth_count
    for i in range(30):
        server.must("alias", "add", f"deep{i}@one.example", f"deep{i + 1}@one.example")
    server.must("alias", "add", "deep30@one.example", "ann@one.example")
    rcpt_is(server, "deep0@one.example", 451, "4.3.5")
    rcpt_is(server, "deep20@one.example", 250, "2.1.5")
    # a bomb: ten ways, four levels
    for level in range(4):
        for i in range(10):
            targets = [f"bomb{level + 1}x{k}@one.example" for k in range(10)] if level < 3 else [f"end{i}@one.example"]
            server.must("alias", "add", f"bomb{level}x{i}@one.example", *targets)
    rcpt_is(server, "bomb0x0@one.example", 550, "5.1.1")
    # an alias that leads nowhere, and one that leads to a stranger only
    server.must("alias", "add", "void@one.example", "nobody@one.example")
    rcpt_is(server, "void@one.example", 550, "5.1.1")
    server.must("alias", "add", "out@one.example", "ann@three.example")
    rcpt_is(server, "out@one.example", 550, "5.1.1")


# --- logging in ---

def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def submission(server):
    people(server, "ann@one.example")
    with smtplib.SMTP(*server.submission, timeout=30) as s:
        s.ehlo("client.example")
        if s.has_extn("auth"):
            raise Failed("AUTH is offered in the clear")
        equal("AUTH in the clear", s.docmd("AUTH", "PLAIN " + plain("ann@one.example", "secret"))[0], 538)
        equal("MAIL in the clear", s.docmd("MAIL", "FROM:<ann@one.example>")[0], 530)
        s.starttls(context=context(server))
        s.ehlo("client.example")
        equal("MAIL before AUTH", s.docmd("MAIL", "FROM:<ann@one.example>")[0], 530)
        equal("RCPT before AUTH", s.docmd("RCPT", "TO:<ann@one.example>")[0] // 100, 5)
        equal("DATA before AUTH", s.docmd("DATA")[0] // 100, 5)
        for user, password in (("ann@one.example", "wrong"), ("nobody@one.example", "secret"), ("ann@one.example", ""), ("cy", "secret")):
            code = s.docmd("AUTH", "PLAIN " + plain(user, password))[0]
            if code not in (535, 501):
                raise Failed(f"{user} with {password!r}: {code}")
        # authorized as another: RFC 4616 §2
        other = base64.b64encode(b"bob@one.example\0ann@one.example\0secret").decode()
        equal("as another", s.docmd("AUTH", "PLAIN " + other)[0] // 100, 5)
        equal("AUTH", s.docmd("AUTH", "PLAIN " + plain("ann@one.example", "secret"))[0], 235)
        s.sendmail("ann@one.example", ["ann@one.example"], "Subject: sub\r\n\r\n")
        # mail does not leave the house yet
        equal("to a stranger", s.docmd("MAIL", "FROM:<ann@one.example>")[0], 250)
        equal("to a stranger", s.docmd("RCPT", "TO:<ann@three.example>")[0], 550)
    with smtplib.SMTP_SSL(*server.submissions, timeout=30, context=context(server)) as s:
        s.login("ann@one.example", "secret")
        s.sendmail("ann@one.example", ["ann@one.example"], "Subject: subs\r\n\r\n")
    # the port for mail from others offers no login
    with smtplib.SMTP(*server.smtp, timeout=30) as s:
        s.starttls(context=context(server))
        s.ehlo("client.example")
        if s.has_extn("auth"):
            raise Failed("AUTH is offered on the port for mail from others")
    equal("mail", subjects(server, "ann@one.example"), ["sub", "subs"])


def plaintext_login(server):
    people(server, "ann@one.example")
    c = Imap(server.imap)
    has("capabilities", c.greeting, b"LOGINDISABLED")
    status, text, _ = c.command("LOGIN ann@one.example secret")
    equal("LOGIN in the clear", (status, text[:17]), ("NO", "[PRIVACYREQUIRED]"))
    status, text, _ = c.command("AUTHENTICATE PLAIN " + plain("ann@one.example", "secret"))
    equal("AUTHENTICATE in the clear", (status, text[:17]), ("NO", "[PRIVACYREQUIRED]"))
    equal("STARTTLS", c.command("STARTTLS")[0], "OK")
    c.sock = context(server).wrap_socket(c.sock, server_hostname="localhost")
    if b"LOGINDISABLED" in b"".join(c.ok("CAPABILITY")[1]):
        raise Failed("LOGINDISABLED inside TLS")
    equal("a wrong password", c.command("LOGIN ann@one.example wrong")[0], "NO")
    c.ok("LOGIN ann@one.example secret")
    c.close()
    sock = context(server).wrap_socket(socket.create_connection(server.imaps, timeout=30), server_hostname="localhost")
    Imap(None, "ann@one.example", "secret", sock=sock).close()


# --- commands ---

def commands(server):
    """The same whether the server runs or not."""
    for running in (False, True):
        if running:
            server.start()
        tag = "running" if running else "stopped"
        server.must("domain", "add", f"{tag}.example")
        has("domains", server.must("domain", "list").split(), f"{tag}.example")
        refused("a domain twice", server.run("domain", "add", f"{tag}.example"))
        user = f"ann@{tag}.example"
        refused("a user of no domain", server.run("user", "add", "ann@nowhere.example", "--password-stdin", password="x"))
        people(server, user)
        refused("a user twice", server.run("user", "add", user, "--password-stdin", password="x"))
        refused("a domain that has users", server.run("domain", "remove", f"{tag}.example"))
        made = server.must("user", "add", f"bob@{tag}.example", "--generate").strip()
        has("users", server.must("user", "list").split(), user)
        server.must("alias", "add", f"both@{tag}.example", user, f"bob@{tag}.example")
        server.must("alias", "add", f"both@{tag}.example", f"carl@{tag}.example")
        has("aliases", server.must("alias", "list"), f"carl@{tag}.example")
        equal("check", server.must("check")[:4], "ok: ")
        server.must("user", "passwd", user, "--password-stdin", password="changed")
        refused("a password for nobody", server.run("user", "passwd", f"no@{tag}.example", "--password-stdin", password="x"))
        if not running:
            server.start()
        mailbox(server, user, "changed").close()
        mailbox(server, f"bob@{tag}.example", made).close()
        try:
            mailbox(server, user).close()
        except RuntimeError:
            pass
        else:
            raise Failed("the old password still works")
        deliver(server, "m", f"both@{tag}.example")
        if not running:
            server.stop()
        server.must("alias", "remove", f"both@{tag}.example")
        refused("an alias twice gone", server.run("alias", "remove", f"both@{tag}.example"))
        server.must("user", "remove", user)
        if user in server.must("user", "list").split():
            raise Failed(f"{user} is listed still")
        equal("check", server.must("check")[:4], "ok: ")
        has("stats", server.must("stats"), "disk_free=")
    rcpt_is(server, "ann@running.example", 550, "5.1.1")
    rcpt_is(server, "both@running.example", 550, "5.1.1")


def removed_while_logged_in(server):
    people(server, "ann@one.example")
    deliver(server, "m", "ann@one.example")
    c = mailbox(server, "ann@one.example")
    c.ok("SELECT INBOX")
    server.must("user", "remove", "ann@one.example")
    try:
        status, text, _ = c.command("FETCH 1 BODY[]")
        c.command("APPEND INBOX", b"Subject: x\r\n\r\n")
        c.command("CREATE Box")
    except Gone:
        pass
    equal("check", server.must("check")[:4], "ok: ")
    people(server, "ann@one.example")
    equal("mail of the new one", subjects(server, "ann@one.example"), [])
    rcpt_is(server, "ann@one.example", 250, "2.1.5")


def undelete(server):
    people(server, "ann@one.example")
    for i in range(5):
        deliver(server, f"m{i}", "ann@one.example")
    c = mailbox(server, "ann@one.example")
    c.ok("CREATE Work")
    c.ok("SELECT INBOX")
    c.ok("STORE 2 +FLAGS (\\Flagged keeper)")
    c.ok("MOVE 4 Work")
    c.ok("STORE 1:2 +FLAGS (\\Deleted)")
    c.ok("EXPUNGE")
    c.ok("SELECT Work")
    c.ok("STORE 1 +FLAGS (\\Deleted)")
    c.ok("CLOSE")
    equal("before", subjects(server, "ann@one.example"), ["m2", "m4"])
    listed = server.must("undelete", "ann@one.example", "--list")
    equal("listed", sorted(line.split("\t")[4] for line in listed.splitlines()), ["m0", "m1", "m3"])
    equal("nothing is restored by --list", subjects(server, "ann@one.example"), ["m2", "m4"])
    equal("since long ago", len(server.must("undelete", "ann@one.example", "--list", "--since", "2001-01-01").splitlines()), 3)
    equal("since tomorrow", server.must("undelete", "ann@one.example", "--list", "--since", "2100-01-01"), "")
    refused("a moment that is none", server.run("undelete", "ann@one.example", "--since", "yesterday-ish"))
    refused("nobody", server.run("undelete", "no@one.example"))
    has("told", server.must("undelete", "ann@one.example"), "restored 3 messages")
    equal("after", subjects(server, "ann@one.example"), ["m0", "m1", "m2", "m4"])
    equal("in Work", subjects(server, "ann@one.example", "Work"), ["m3"])
    c.ok("SELECT INBOX")
    rows = b"".join(c.ok("SEARCH FLAGGED KEYWORD keeper")[1])
    equal("flags kept", len(rows.split()), 3)
    c.close()
    has("told", server.must("undelete", "ann@one.example"), "restored 0 messages")
    equal("check", server.must("check")[:4], "ok: ")


def reindex(server):
    """The index is made anew under a running server and without one; what is found and in which order stays the same."""
    people(server, "ann@one.example")
    for i in (3, 1, 2, 5, 4):
        deliver(server, f"m{i} needle{i % 2}", "ann@one.example")
    c = mailbox(server, "ann@one.example")
    asked = ("UID SEARCH SUBJECT needle1", "UID SEARCH TEXT eedle0", "UID SEARCH BODY needle", "UID SORT (SUBJECT) UTF-8 ALL",
             "UID THREAD REFS UTF-8 SUBJECT needle")

    def answers(session):
        session.ok("SELECT INBOX")
        return [session.ok(command)[1] for command in asked]

    first = answers(c)
    equal("found", [first[0], first[3]], [[b"* SEARCH 1 2 4"], [b"* SORT 2 3 1 5 4"]])
    has("told", server.must("reindex"), "ok: 5 of 5 bodies")
    equal("afterwards", answers(c), first)
    c.close()
    equal("check", server.must("check")[:4], "ok: ")
    server.stop()
    has("told with no server", server.must("reindex"), "ok: 5 of 5 bodies")
    server.start()
    c = mailbox(server, "ann@one.example")
    equal("after a restart", answers(c), first)
    c.close()


def dump_and_load(server):
    """Everything comes back: the second dump is the first."""
    people(server, "ann@one.example", "bob@one.example", "jürgen@one.example")
    server.must("alias", "add", "team@one.example", "ann@one.example", "bob@one.example")
    server.must("alias", "add", "@two.example", "ann@one.example")
    for i in range(20):
        deliver(server, f"m{i}", "team@one.example")
    c = mailbox(server, "ann@one.example")
    c.ok('CREATE "Entw&APw-rfe/sub"')
    c.ok("SUBSCRIBE Nowhere")
    c.ok("SELECT INBOX")
    c.ok("STORE 1:5 +FLAGS (\\Flagged \\Answered one two)")
    c.ok("COPY 3:7 Archive")
    c.ok("STORE 8 +FLAGS (\\Deleted)")
    c.ok("EXPUNGE")
    c.ok("APPEND Sent (\\Seen) \"23-Nov-2026 20:30:48 +0130\"", bytes(range(256)).replace(b"\0", b"") + b"\r\n\r\n\xff\xfe" * 1000)
    c.ok("APPEND Sent", b"Subject: big\r\n\r\n" + os.urandom(300000).replace(b"\0", b"x"))
    c.ok("DELETE Junk")
    c.close()
    first = server.run("dump").stdout
    if len(first) < 300000 or not first.endswith(b"\n"):
        raise Failed(f"a dump of {len(first)} bytes")
    with Server(OPEN) as second:
        done = second.run("load", input=first)
        if done.returncode != 0:
            raise Failed(f"load: {done.returncode} {(done.stdout + done.stderr).decode()}")
        equal("check", second.must("check")[:4], "ok: ")
        same(first, second.run("dump").stdout)
        equal("mail", subjects(second, "bob@one.example"), sorted(f"m{i}" for i in range(20)))
        refused("load into a store with mail", second.run("load", input=first))
        second.stop()
        same(first, second.run("dump").stdout)
        second.start()
        deliver(second, "new", "ann@one.example")
        has("told", second.must("undelete", "ann@one.example"), "restored 1 messages")
        equal("check", second.must("check")[:4], "ok: ")
    with Server(OPEN, start=False) as third:
        third.write_config()
        done = third.run("load", input=first)  # with no server at all
        equal("load offline", (done.returncode, done.stderr), (0, b""))
        same(first, third.run("dump").stdout)
        for cut in (first[:len(first) // 2], first[:-10], first.replace(b"{", b"[", 1)):
            with Server(OPEN, start=False) as broken:
                broken.write_config()
                refused("load of a broken dump", broken.run("load", input=cut))
    return f"{len(first)} bytes"


def same(first, again):
    if first != again:
        a, b = first.split(b"\n"), again.split(b"\n")
        n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        raise Failed(f"line {n + 1} of the dumps differs:\n  {a[n][:300]!r}\n  {b[n][:300] if n < len(b) else b''!r}")


# --- configuration ---

def configuration(_):
    with Server(start=False) as server:
        path = os.path.join(server.home, "bad.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write('hostname = "mail.example.org"\n'                       # 1
                    'data_dirctory = "/tmp/nowhere"\n'                      # 2
                    "limits {\n"                                            # 3
                    "    message_bytes = 50Q\n"                             # 4
                    "    rcpt_count = 5\n"                                  # 5
                    "    smtp_line_byte = 1K\n"                             # 6
                    "}\n"
                    "listeners {\n"
                    '    smtp = {"127.0.0.1", "127.0.0.1:25"}\n'            # 9
                    '    imap = {"127.0.0.1:25"}\n'                         # 10
                    "}\n"
                    "logging { level = loud }\n")                           # 12
        for argv in (["check-config", path], ["serve", "--config", path]):
            done = subprocess.run([BINARY, *argv], capture_output=True, timeout=30, check=False)
            text = (done.stdout + done.stderr).decode()
            equal(f"{argv[0]}: exit code", done.returncode, 78)
            for line, word in ((2, "data_directory"), (4, "50Q"), (5, "at least 100"), (6, "smtp_line_bytes"), (9, "ADDR:PORT"), (10, ""), (12, "loud")):
                if not re.search(rf"^{re.escape(path)}:{line}: .*{re.escape(word)}", text, re.M):
                    raise Failed(f"{argv[0]}: nothing about {word!r} on line {line} in:\n{text}")
        done = subprocess.run([BINARY, "check-config", path + ".none"], capture_output=True, timeout=30, check=False)
        equal("a file that is not there", done.returncode, 78)
        server.write_config()
        done = subprocess.run([BINARY, "check-config", server.config], capture_output=True, timeout=30, check=False)
        equal("a good one", (done.returncode, done.stderr), (0, b""))
        # the store that does not like to be overruled
        server.must("domain", "add", "one.example")
        with open(os.path.join(server.dir, "DB_CONFIG"), "w", encoding="ascii") as f:
            f.write("set_flags DB_TXN_NOSYNC on\n")
        done = server.run("domain", "list")
        has("DB_CONFIG", done.stderr, b"DB_CONFIG")
        equal("DB_CONFIG", done.returncode != 0, True)


def one_at_a_time(server):
    """A second server on the same store is refused, whatever its ports."""
    with Server(OPEN, keep=server.dir, start=False) as second:
        try:
            second.start()
        except RuntimeError as e:
            has("refusal", str(e).lower(), "another process")
            equal("exit code", second.process.wait(), 75)
            second.process.returncode = 0
        else:
            raise Failed("two servers on one store")
    deliver(server, "m", "postmaster@one.example") if rcpt(server, "postmaster@one.example")[0][0] == 250 else None
    equal("check", server.must("check")[:4], "ok: ")


def read_line(sock):
    got = b""
    while not got.endswith(b"\r\n") and (more := sock.recv(4096)):
        got += more
    return got


def stopping(server):
    """SIGTERM: who is idle is told, who is in the middle of a message may finish it (RFC 5321 §3.8), and what was acknowledged is there."""
    people(server, "ann@one.example")
    idle, busy = (socket.create_connection(server.smtp, timeout=30) for _ in range(2))
    mail = Imap(server.imap)
    for s in idle, busy:
        read_line(s)
    for line in (b"HELO client.example\r\n", b"MAIL FROM:<a@elsewhere.example>\r\n", b"RCPT TO:<ann@one.example>\r\n", b"DATA\r\n"):
        busy.sendall(line)
        read_line(busy)
    busy.sendall(b"Subject: last\r\n\r\nhalf of ")
    server.process.send_signal(signal.SIGTERM)
    has("to an idle client", read_line(idle), b"421 4.3.2 ")
    equal("and then the end", idle.recv(10), b"")
    try:
        mail.command("NOOP")
    except Gone as e:
        has("to an idle reader", str(e), "BYE")
    busy.sendall(b"it\r\n.\r\n")
    said = b""
    while more := busy.recv(4096):
        said += more
    has("to the busy one", said, b"250 2.0.0 ")
    has("to the busy one, at last", said, b"421 4.3.2 ")
    for s in idle, busy, mail:
        s.close()
    equal("exit code", server.process.wait(30), 0)
    server.start()
    equal("mail", subjects(server, "ann@one.example"), ["last"])


# --- TLS ---

def certificate(where, name):
    crt, key = os.path.join(where, name + ".crt"), os.path.join(where, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt], check=True, capture_output=True)
    return crt, key


def shown(address):
    """The fingerprint of the certificate at a door of TLS."""
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    with ctx.wrap_socket(socket.create_connection(address, timeout=30)) as s:
        return hashlib.sha256(s.getpeercert(True)).hexdigest()


def fingerprint(crt):
    with open(crt, encoding="ascii") as f:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()


def reload(server, want):
    """SIGHUP, and the line in the log that says it is done."""
    before = len(server.log_text())
    server.process.send_signal(signal.SIGHUP)
    while not re.search(want, server.log_text()[before:]):
        if server.process.poll() is not None:
            raise Failed(f"SIGHUP ended the server: {server.process.returncode}")


def certificates(_):
    server = Server(OPEN, start=False)
    with server:
        old, new = certificate(server.home, "old"), certificate(server.home, "new")
        live = [os.path.join(server.home, n) for n in ("live.crt", "live.key")]

        def use(pair):
            for source, target in zip(pair, live):
                with open(source, "rb") as f, open(target + ".tmp", "wb") as g:
                    g.write(f.read())
                os.rename(target + ".tmp", target)

        use(old)
        server.sections = {**OPEN, "tls": f'certificate = "{live[0]}"\nkey = "{live[1]}"'}
        server.start()
        equal("the old one", (shown(server.imaps), shown(server.submissions)), (fingerprint(old[0]),) * 2)
        ctx = ssl.create_default_context()
        ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
        with ctx.wrap_socket(socket.create_connection(server.imaps, timeout=30)) as s:
            c = Imap(None, sock=s)
            use(new)
            reload(server, r"tls_reloaded")
            equal("the new one", (shown(server.imaps), shown(server.submissions)), (fingerprint(new[0]),) * 2)
            equal("who was there before", c.command("NOOP")[0], "OK")
            # a broken file: the one before stays
            with open(live[0], "w", encoding="ascii") as f:
                f.write("no certificate\n")
            reload(server, r"tls_reload_failed")
            equal("still the new one", shown(server.imaps), fingerprint(new[0]))
            equal("who was there before", c.command("NOOP")[0], "OK")


# --- privilege ---

def privilege(_):
    if os.geteuid() != 0:
        return "skipped: not root"
    server = Server(OPEN, user="nobody", start=False)
    os.chmod(server.home, 0o755)
    with server:
        server.write_config()
        server.must("domain", "add", "one.example")  # by root, before the server has ever run
        server.start()
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
            status = f.read()
        if re.search(r"^Uid:.*\b0\b", status, re.M) or re.search(r"^Gid:.*\b0\b", status, re.M) or not re.search(r"^CapEff:\s+0+$", status, re.M):
            raise Failed("still root: " + status)
        people(server, "ann@one.example")
        deliver(server, "m", "ann@one.example")
        equal("mail", subjects(server, "ann@one.example"), ["m"])
        for name in os.listdir(server.dir):
            if os.stat(os.path.join(server.dir, name)).st_uid == 0:
                raise Failed(f"{name} is root's")
        server.stop()
        server.must("user", "add", "bob@one.example", "--password-stdin", password="secret")  # by root, offline
        server.start()
        deliver(server, "m", "bob@one.example")
    return None


def message_limit(_):
    """MESSAGELIMIT and SAVELIMIT, RFC 9738: off unless they are set; with 4 in the place of the 1,000 of its examples."""
    for key, announced in (("imap_message_count", "MESSAGELIMIT=4"), ("imap_save_count", "SAVELIMIT=4")):
        with Server({**OPEN, "limits": OPEN["limits"] + f"\n{key} = 4"}, start=False) as server:
            server.write_config()
            server.must("domain", "add", "one.example")
            server.start()
            people(server, "ann@one.example")
            c = mailbox(server, "ann@one.example")
            has("capability", b" ".join(c.ok("CAPABILITY")[1]).decode() + " ", f" {announced} ")
            deliver(server, "one", "ann@one.example")
            c.ok("SELECT INBOX")
            for _ in range(3):
                c.ok("COPY 1:* INBOX")
            equal("COPY of 8", c.command("UID COPY 1:8 INBOX")[:2], ("NO", "[MESSAGELIMIT 4 5] Too many messages to copy"))
            if key == "imap_save_count":
                equal("FETCH", len(c.ok("FETCH 1:* (UID)")[1]), 8)
                c.close()
                continue
            text, rows = c.ok("FETCH 1:* (UID FLAGS)")
            has("FETCH", text, "[MESSAGELIMIT 4 5]")
            equal("FETCH", [r.split()[1] for r in rows], [b"5", b"6", b"7", b"8"])
            equal("FETCH of 4", c.ok("UID FETCH 1:4 (FLAGS)")[0], "FETCH completed")
            equal("PARTIAL", c.command("UID FETCH 1:* (FLAGS) (PARTIAL -1:-5)")[1][:17], "[MESSAGELIMIT 4] ")
            equal("PARTIAL", len(c.ok("UID FETCH 1:* (FLAGS) (PARTIAL -1:-4)")[1]), 4)
            text, rows = c.ok("UID STORE 1:7 +FLAGS (\\Deleted)")
            has("STORE", text, "[MESSAGELIMIT 4 4]")
            equal("STORE", len(rows), 4)
            c.ok("UID STORE 1:3 +FLAGS.SILENT (\\Deleted)")
            text, rows = c.ok("UID EXPUNGE 1:8")
            has("UID EXPUNGE", text, "[MESSAGELIMIT 4 4]")
            equal("UID EXPUNGE", len(rows), 4)
            equal("EXPUNGE", c.ok("EXPUNGE"), ("EXPUNGE completed", [b"* 3 EXPUNGE", b"* 2 EXPUNGE", b"* 1 EXPUNGE"]))
            for _ in range(3):
                c.ok("COPY 1:* INBOX")
            c.ok("CREATE x")
            text, rows = c.ok("UID MOVE 1:* x")
            has("MOVE", text, "[MESSAGELIMIT 4 12]")
            has("MOVE", rows[0].decode(), " 12:15 1:4]")
            equal("MOVE", len(rows), 5)
            c.close()


def quota_admins(_):
    """SETQUOTA, which those may use whom the configuration names: RFC 9208 section 4.1.3."""
    with Server({**OPEN, "quota": 'admins = "root@one.example"\nbytes = 10M'}, start=False) as server:
        server.write_config()
        server.must("domain", "add", "one.example")
        server.start()
        people(server, "ann@one.example", "root@one.example")
        root, ann = mailbox(server, "root@one.example"), mailbox(server, "ann@one.example")
        set_ann = "SETQUOTA ann@one.example "
        equal("the default", root.ok("GETQUOTA ann@one.example")[1], [b'* QUOTA "ann@one.example" (STORAGE 0 10240)'])
        equal("not hers", ann.command("GETQUOTA root@one.example")[:2], ("NO", "[NONEXISTENT] There is no such quota root"))
        equal("not by her", ann.command(set_ann + "()")[:2], ("NO", "[NOPERM] Quotas are set by the administrator"))
        equal("set", root.ok(set_ann + "(STORAGE 512 MESSAGE 3)")[1], [b'* QUOTA "ann@one.example" (STORAGE 0 512 MESSAGE 0 3)'])
        equal("what is not named has none", root.ok(set_ann + "(MAILBOX 1)")[1], [b'* QUOTA "ann@one.example" (MAILBOX 6 1)'])
        equal("beyond it", ann.command("CREATE x")[:2], ("NO", "[OVERQUOTA] There is no room left in this account"))
        equal("nothing", root.command(set_ann + "(STORAGE 0)")[0], "NO")
        equal("too much", root.command(set_ann + "(STORAGE 18446744073709551615)")[0], "BAD")
        equal("none", root.ok(set_ann + "()")[1], [])
        equal("none of hers", ann.ok("GETQUOTAROOT INBOX")[1], [b'* QUOTAROOT "INBOX"'])
        equal("of nobody", root.command("SETQUOTA nobody@one.example ()")[:2], ("NO", "[NONEXISTENT] There is no such quota root"))
        root.close()
        ann.close()


TESTS = {f.__name__.replace("_", "-"): f for f in (routing, loops, submission, plaintext_login, commands, removed_while_logged_in, undelete,
                                                   reindex, dump_and_load, configuration, one_at_a_time, stopping, certificates, privilege, message_limit,
                                                   quota_admins)}
NO_SERVER = ("configuration", "certificates", "privilege", "message-limit", "quota-admins")


def run(name):
    if name in NO_SERVER:
        return TESTS[name](None)
    with Server(OPEN, start=False) as server:
        server.write_config()
        if name != "commands":
            server.must("domain", "add", "one.example", "two.example")
            server.start()
        try:
            told = TESTS[name](server)
            if server.process.poll() is not None:
                raise Failed(f"the server has ended with code {server.process.returncode}")
            if (code := server.stop()) != 0:
                raise Failed(f"the server ended with code {code}")
        except Exception as e:
            raise Failed(f"{type(e).__name__}: {e}\nlog:\n{server.log_text()[-3000:]}") from e
        return told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default=os.environ.get("LABEL", "serve"))
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    failed = 0
    for name in args.tests or TESTS:
        try:
            told = run(name)
            print(f"ok {args.label} {name}" + (f" ({told})" if told else ""), flush=True)
        except (Failed, Gone, RuntimeError, OSError, smtplib.SMTPException, subprocess.SubprocessError) as e:
            failed += 1
            print(f"not ok {args.label} {name}\n    {type(e).__name__}:", str(e).replace("\n", "\n    "), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
