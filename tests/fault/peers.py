#!/usr/bin/env python3
"""tests/fault/peers.py [TEST]...: bad peers and large things: clients that never read, that stop in the middle, that leave at every
byte; a message of 50 MB and a mailbox of 100,000 messages in flat memory."""
import argparse
import os
import re
import select
import smtplib
import socket
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from imap import Gone, Imap  # noqa: E402
from lab import BINARY, Lab  # noqa: E402
from serve import Server  # noqa: E402

USER = "ann@peers.example"
MB = 1 << 20
ASAN = "asan" in BINARY or "asan" in os.environ.get("LABEL", "")


class Failed(Exception):
    pass


def memory(lab, key="VmHWM"):
    """Bytes: VmHWM is the most there ever was since reset_peak, VmRSS what there is."""
    with open(f"/proc/{lab.process.pid}/status", encoding="ascii") as f:
        return int(re.search(key + r":\s+(\d+) kB", f.read()).group(1)) * 1024


def reset_peak(lab):
    with open(f"/proc/{lab.process.pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")


def grown(lab, before, limit, why):
    """How much the peak is above before; under ASan, which keeps what was freed, it is only told."""
    now = memory(lab)
    if now - before > limit and not ASAN:
        raise Failed(f"{why}: the memory grew by {(now - before) / MB:.1f} MiB, from {before / MB:.1f} to {now / MB:.1f}; {limit // MB} MiB are allowed")
    return f"{(now - before) / MB:.1f} MiB"


def deliver(lab, to, body=b"Subject: x\r\n\r\ntext\r\n"):
    with smtplib.SMTP(*lab.smtp, timeout=60) as s:
        s.sendmail("sender@elsewhere.example", to, body)


def alive(lab):
    """Both services answer, and the store is sound."""
    deliver(lab, "alive@peers.example")
    c = Imap(lab.imap, "alive@peers.example")
    c.ok("SELECT INBOX")
    c.close()
    done = lab.run("check")
    if done.returncode != 0:
        raise Failed(f"check: {(done.stdout + done.stderr).decode()[:1000]}")


def count(lab, user, box="INBOX"):
    c = Imap(lab.imap, user)
    n = int(re.search(rb"MESSAGES (\d+)", b"".join(c.ok(f"STATUS {box} (MESSAGES)")[1])).group(1))
    c.close()
    return n


# --- clients that never read ---

def connect(address):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that the server's output backs up at once
    sock.connect(address)
    sock.settimeout(60)
    return sock


def push(sock, data):
    """Sends until the server takes no more. Returns how much it took."""
    sock.setblocking(False)
    sent = 0
    while sent < len(data):
        if not select.select([], [sock], [], 1.0)[1]:
            break  # it takes no more as long as nobody reads: that is what is wanted
        try:
            sent += sock.send(data[sent:sent + 65536])
        except OSError:
            break
    return sent


def imap_never_reads(lab):
    deliver(lab, USER, b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n" * 1 + (b"y" * 70 + b"\r\n") * 14000)
    reset_peak(lab)
    before = memory(lab, "VmRSS")
    socks = []
    for _ in range(5):
        sock = connect(lab.imap)
        socks.append(sock)
        sock.sendall(f"a LOGIN {USER} pw\r\nb SELECT INBOX\r\n".encode())
        push(sock, b"".join(b"f%d FETCH 1 BODY.PEEK[]\r\n" % i for i in range(10000)))
    alive(lab)
    told = grown(lab, before, 24 * MB, "five clients with 10,000 FETCHes of 1 MB each")
    for sock in socks:
        sock.close()
    alive(lab)
    return told


def smtp_never_reads(lab):
    reset_peak(lab)
    before = memory(lab, "VmRSS")
    socks = []
    for _ in range(5):
        sock = connect(lab.smtp)
        socks.append(sock)
        sock.sendall(b"EHLO client.example\r\n")
        push(sock, b"MAIL FROM:<a@elsewhere.example>\r\nEHLO again.example\r\n" * 20000)
    alive(lab)
    told = grown(lab, before, 8 * MB, "five clients with 40,000 commands each")
    for sock in socks:
        sock.close()
    return told


def imap_reads_at_last(lab):
    """All that was asked for while nobody read is there when somebody does."""
    user = "late@peers.example"
    deliver(lab, user, b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 1000)
    c = Imap(lab.imap, user)
    c.ok("SELECT INBOX")
    c.sock.setblocking(False)
    data, n = b"".join(b"f%d FETCH 1 BODY.PEEK[]\r\n" % i for i in range(500)), 500
    c.sock.setblocking(True)
    c.send(data)
    for i in range(n):
        status, text, rows = c.reply(b"f%d" % i)
        if status != "OK" or len(rows) != 1 or len(rows[0]) < 72000:
            raise Failed(f"FETCH {i}: {status} {text} {len(rows)} rows")
    c.close()


# --- half a command, then silence ---

def half_a_command(_):
    """Deadlines, with the shortest that the configuration takes."""
    with Server({"limits": "smtp_command_ms = 1s\nimap_preauth_ms = 1s\nsmtp_handshake_ms = 1s\nimap_handshake_ms = 1s\nsmtp_transaction_ms = 10s",
                 "store": "cache_bytes = 4M"}) as server:
        for service, said, expect in (("smtp", b"EHLO cli", b"421 4.4.2 "), ("smtp", b"", b"421 4.4.2 "), ("imap", b"a LOGIN ann {5", b"* BYE "),
                                      ("imap", b"", b"* BYE "), ("imap", b"a LOGIN {5}\r\n", b"* BYE "), ("imaps", b"\x16\x03\x01", b""), ("submissions", b"", b"")):
            with socket.create_connection(getattr(server, service), timeout=30) as s:
                s.sendall(said)
                got = b""
                try:
                    while data := s.recv(4096):
                        got += data
                except ConnectionResetError:
                    pass
                if expect not in got or (not expect and got):
                    raise Failed(f"{service}, {said!r} and then silence: {got!r}")
    return "421, BYE, or the end of a handshake"


def imap_strangers(_):
    """One address may have only so many connections that have not logged in; those that have do not count."""
    with Server({"limits": "imap_ip_count = 3\nauth_fail_ms = 0ms", "store": "cache_bytes = 4M"}) as server:
        server.must("domain", "add", "peers.example")
        server.must("user", "add", USER, "--password-stdin", password="a long password")
        tls = ssl.create_default_context(cafile=server.ca)

        def login():
            sock = socket.create_connection(server.imaps, timeout=30)
            return Imap(None, USER, "a long password", sock=tls.wrap_socket(sock, server_hostname="localhost"))

        known = [login() for _ in range(5)]
        strangers = [socket.create_connection(server.imaps, timeout=30) for _ in range(3)]
        with socket.create_connection(server.imaps, timeout=30) as s:
            if (got := s.recv(4096)) != b"":
                raise Failed(f"the fourth: {got!r}")
        strangers.pop().close()
        while len(known) < 6:  # the server hears of the end a moment later
            try:
                known.append(login())
            except (Gone, OSError):
                continue
        for c in known:
            c.ok("NOOP")
            c.close()
    return None


# --- connections that end at every byte ---

def session_ends(lab, address, script, tls_at=None):
    """Runs the script as one packet after another up to byte n, for every n; all at once would never test partial reads."""
    for n in range(len(script) + 1):
        s = socket.create_connection(address, timeout=30)
        if n:
            s.sendall(script[:n])
        if n % 2:  # a reset instead of an end
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        elif n % 3 == 0:
            s.shutdown(socket.SHUT_WR)
            try:
                while s.recv(65536):
                    pass
            except OSError:
                pass
        s.close()
    return len(script) + 1


def smtp_at_every_byte(lab):
    user = "smtpcut@peers.example"
    script = (f"EHLO client.example\r\nMAIL FROM:<a@elsewhere.example> SIZE=100\r\nRCPT TO:<{user}>\r\nRCPT TO:<second-{user}>\r\nDATA\r\n"
              "Subject: cut\r\n\r\n..text\r\n.\r\n").encode()
    first = len(script)
    script += f"MAIL FROM:<>\r\nRCPT TO:<{user}>\r\nBDAT 10\r\nSubject: xBDAT 6 LAST\r\n\r\n\r\nxx".encode()
    second = len(script)
    script += b"RSET\r\nNOOP\r\nQUIT\r\n"
    n = session_ends(lab, lab.smtp, script)
    alive(lab)
    there = count(lab, user), count(lab, "second-" + user)
    # of those whose whole message arrived in time; a reset may overtake the data on its way
    most = (len(script) + 1 - first) + (len(script) + 1 - second), len(script) + 1 - first
    if there[0] > most[0] or there[1] > most[1] or there[1] < most[1] // 3:
        raise Failed(f"{there} messages, at most {most} were sent whole")
    c = Imap(lab.imap, user)
    c.ok("SELECT INBOX")
    for row in c.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT])")[1]:
        if b"BODY[TEXT] {7}\r\n.text\r\n" not in row and b"BODY[TEXT] {2}\r\nxx" not in row and b"FETCH" in row:
            raise Failed(f"half a message: {row!r}")
    c.close()
    return f"{n} sessions, {there[0]} and {there[1]} messages, all whole"


def imap_at_every_byte(lab):
    user = "imapcut@peers.example"
    deliver(lab, user)
    script = (f"a LOGIN {user} pw\r\nb SELECT INBOX\r\nc APPEND INBOX (\\Seen) {{22+}}\r\nSubject: appended\r\n\r\n\r\nd FETCH 1:* (FLAGS BODY[])\r\n"
              "e STORE 1 +FLAGS (\\Flagged one two)\r\nf SEARCH TEXT {4+}\r\ntext\r\ng COPY 1 Archive\r\nh CREATE Box\r\ni DELETE Box\r\n"
              "j IDLE\r\nDONE\r\nk LOGOUT\r\n").encode()
    n = session_ends(lab, lab.imap, script)
    alive(lab)
    c = Imap(lab.imap, user)
    c.ok("SELECT INBOX")
    for row in c.ok("FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
        if b"FETCH" in row and b"Subject: " not in row:
            raise Failed(f"half a message: {row!r}")
    c.close()
    return f"{n} sessions"


def tls_at_every_byte(lab):
    """Behind STARTTLS too: the handshake of a real client, cut at every byte of what it sends first."""
    import ssl
    context = ssl.create_default_context(cafile=lab.ca)
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = out.read()
    n = session_ends(lab, lab.imaps, hello)
    for cut in range(0, len(hello), 3):
        s = socket.create_connection(lab.smtp, timeout=30)
        f = s.makefile("rb")
        f.readline()
        s.sendall(b"STARTTLS\r\n")
        if not f.readline().startswith(b"220 "):
            raise Failed("STARTTLS was refused")
        s.sendall(hello[:cut])
        s.close()
    alive(lab)
    return f"{n} sessions"


# --- no descriptors left ---

def ticks(lab):
    with open(f"/proc/{lab.process.pid}/stat", encoding="ascii") as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))


def descriptors(_):
    """80 of them, and clients that take them all: who is there is served, the server does not turn in circles, others get in when
    there is room. The store goes on to its next log file meanwhile, which wants a descriptor."""
    doors = sum((["--" + d, "127.0.0.1:0"] for d in ("smtp", "submission", "imap", "imaps")), [])
    lab = Lab(start=False)
    lab.command = ["prlimit", "--nofile=80:80", BINARY, "lab", "--dir", lab.dir, *doors, "--print=env"]
    with lab:
        lab.start()
        user = "fds@peers.example"
        c = Imap(lab.imap, user)
        c.ok("SELECT INBOX")
        with smtplib.SMTP(*lab.smtp, timeout=60) as s:
            s.ehlo("client.example")
            crowd = []
            for _ in range(200):
                crowd.append(socket.create_connection(lab.smtp, timeout=60))
            kept = 0
            for i in range(150):
                try:
                    s.sendmail("a@elsewhere.example", user, f"Subject: m{i}\r\n\r\n" + os.urandom(100000).hex() + "\r\n")
                    kept += 1
                except smtplib.SMTPDataError as e:
                    if e.smtp_code // 100 != 4:
                        raise
            c.ok("NOOP")
            before = ticks(lab)
            select.select([], [], [], 1.0)
            if ticks(lab) - before > 30:  # of 100 in a second and for each core
                raise Failed(f"it turns in circles: {ticks(lab) - before} ticks in a second")
            for sock in crowd:
                sock.close()
            deliver(lab, user)
        if count(lab, user) != kept + 1:
            raise Failed(f"{count(lab, user)} messages, {kept + 1} were acknowledged")
        c.close()
        alive(lab)
        return f"{kept} of 150 messages meanwhile"


# --- what others take for the end of a message ---

SMUGGLERS = [b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
             b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\n\n.\r\n", b"\r\r\n.\r\n", b"\r\n\r.\r\n", b"\r\n\n.\r\n"]


def smuggling_split(lab):
    """Each sequence, divided between two packets at every byte: nothing is delivered."""
    user = "smuggled@peers.example"
    n = 0
    deliver(lab, user)
    for end in SMUGGLERS:
        text = b"Subject: x\r\n\r\ntext" + end
        rest = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{user}>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\n".encode()
        for cut in range(len(text) - len(end) - 1, len(text) + 1):
            with smtplib.SMTP(*lab.smtp, timeout=60) as s:
                s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.ehlo("client.example")
                s.mail("a@elsewhere.example")
                s.rcpt(user)
                s.docmd("DATA")
                s.sock.sendall(text[:cut])
                s.sock.sendall(text[cut:] + rest)
                code, told = s.getreply()
                if code != 550:
                    raise Failed(f"{end!r} cut at {cut}: {code} {told!r}")
                n += 1
    if count(lab, user) != 1:
        raise Failed(f"{count(lab, user) - 1} messages were smuggled")
    return f"{n} sessions"


# --- large things ---

def fifty_megabytes(lab):
    user = "big@peers.example"
    deliver(lab, user)
    c = Imap(lab.imap, user)
    line = bytes(range(33, 33 + 74)) + b"\r\n"
    body = b"Subject: 50 MB\r\n\r\n" + b"".join(line[i % 70:-2] + line[:i % 70] + b"\r\n" for i in range(70)) * ((50 * MB - 4096) // (76 * 70))
    if len(body) > 50 * MB:
        raise Failed(f"the test itself: {len(body)}")
    alive(lab)
    reset_peak(lab)
    before = memory(lab, "VmRSS")
    with smtplib.SMTP(*lab.smtp, timeout=120) as s:
        s.ehlo()
        s.mail("sender@elsewhere.example", [f"size={len(body)}"])
        s.rcpt(user)
        s.putcmd("data")
        s.getreply()
        s.sock.sendall(re.sub(rb"(?m)^\.", b"..", body) + b".\r\n")
        code, text = s.getreply()
        if code != 250:
            raise Failed(f"{code} {text!r}")
    told = "in: " + grown(lab, before, 16 * MB, "a message of 50 MB in by SMTP")
    reset_peak(lab)
    before = memory(lab, "VmRSS")
    c.ok("SELECT INBOX")
    rows = c.ok("FETCH 2 BODY.PEEK[]")[1]
    if body not in b"".join(rows):
        raise Failed("it is not what was sent")
    rows = c.ok("FETCH 2 BODY.PEEK[TEXT]<40000000.100>")[1]
    if body[40000000 + 18:40000100 + 18] not in b"".join(rows):
        raise Failed("a part is not what was sent")
    told += ", out: " + grown(lab, before, 16 * MB, "a message of 50 MB out by FETCH")
    reset_peak(lab)
    before = memory(lab, "VmRSS")
    c.ok("APPEND INBOX", body)
    told += ", APPEND: " + grown(lab, before, 16 * MB, "a message of 50 MB in by APPEND")
    c.close()
    return told


MANY = int(os.environ.get("FAULT_MANY", "20000" if ASAN else "100000"))


def many_messages(_):
    """Made by SMTP: many copies in one session, pipelined. Cache of the lab: 64 MiB."""
    with Lab() as lab:
        user = "many@peers.example"
        part = b"MAIL FROM:<a@elsewhere.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % user.encode()
        began = time.monotonic()
        socks = []
        for k in range(20):
            s = socket.create_connection(lab.smtp, timeout=120)
            s.sendall(b"EHLO client.example\r\n")
            socks.append([s, s.makefile("rb"), 0])
            while not socks[-1][1].readline().startswith(b"250 "):
                pass
        each, window = MANY // 20, 50
        for at in range(0, each, window):
            for k, (s, _, _) in enumerate(socks):
                s.sendall(b"".join(part + b"Subject: m%d-%d\r\nFrom: <a@b.example>\r\n\r\ntext\r\n.\r\n" % (k, i) for i in range(at, min(at + window, each))))
            for s, f, _ in socks:
                for _ in range(4 * min(window, each - at)):
                    if not (line := f.readline()).startswith((b"250", b"354")):
                        raise Failed(line)
        for s, _, _ in socks:
            s.close()
        made = time.monotonic() - began
        lab.stop()
        lab.start()  # an empty cache
        c = Imap(lab.imap, user)
        reset_peak(lab)
        before = memory(lab, "VmRSS")
        rows = c.ok("SELECT INBOX")[1]
        if b"* %d EXISTS" % MANY not in rows:
            raise Failed(f"SELECT: {rows}")
        rows = c.ok("FETCH 1:* FLAGS")[1]
        if sum(b"FETCH" in r for r in rows) != MANY:
            raise Failed(f"FETCH 1:* FLAGS: {len(rows)} rows")
        rows = c.ok("UID SEARCH SUBJECT m7-77")[1]
        if len(b"".join(rows).split()) != 2 + len([i for i in range(MANY // 20) if str(i).startswith("77")]):
            raise Failed(f"SEARCH: {len(b''.join(rows).split())} words")
        c.ok("STORE 1:* +FLAGS.SILENT (\\Seen $Label1)")
        rows = c.ok("SEARCH RETURN (COUNT) SEEN KEYWORD $Label1")[1]
        if b"COUNT %d" % MANY not in b"".join(rows):
            raise Failed(f"after STORE: {rows}")
        rows = c.ok("FETCH 1:* (UID RFC822.SIZE ENVELOPE)")[1]
        if sum(b"m19-" in r for r in rows) != MANY // 20:
            raise Failed("FETCH 1:* ENVELOPE")
        told = grown(lab, before, (64 + 64) * MB, f"a mailbox of {MANY} messages")
        c.close()
        return f"{MANY} in {made:.0f} s, {told}"


def dear_commands(lab):
    """Commands that a client makes as dear as it can: they are refused or answered, in flat memory."""
    c = Imap(lab.imap, "dear@peers.example", timeout=120)
    c.ok("APPEND INBOX", b"Subject: " + b"\r\n ".join([b"abcdefgh " * 90] * 300) + b"\r\n\r\ntext\r\n")
    c.ok("APPEND INBOX", b"a:\r\n" * 200000 + b"\r\ntext\r\n")
    c.ok("SELECT INBOX")
    reset_peak(lab)
    before = memory(lab, "VmRSS")
    keys = " ".join(f"kw{i}" for i in range(999))
    fields = " ".join(f"field{i}" for i in range(100))
    for want, command in (("OK", "SEARCH " + "ALL " * 16000 + "ALL"),
                          ("OK", "SEARCH (" + "ALL " * 8000 + "ALL) " + "OR ALL ALL " * 2500 + "ALL"),
                          ("OK", "SEARCH " + "NOT SUBJECT zz " * 300 + "ALL"),
                          ("BAD", "SEARCH " + "NOT SUBJECT zz " * 2000 + "ALL"),
                          ("OK", "SEARCH " + "NOT " * 150 + "ALL"),
                          ("BAD", "SEARCH " + "(" * 5000 + "ALL" + ")" * 5000),
                          ("OK", "UID FETCH " + ",".join(str(i) for i in range(20001, 1, -2)) + " FLAGS"),
                          ("OK", "FETCH 1 (" + " ".join([f"BODY.PEEK[HEADER.FIELDS ({fields})]"] * 50) + ")"),
                          ("OK", "FETCH 2 (" + " ".join([f"BODY.PEEK[HEADER.FIELDS.NOT ({fields})]"] * 50) + ")"),
                          ("OK", "FETCH 1 (" + " ".join(["BODY.PEEK[]"] * 60) + ")"),
                          ("OK", 'LIST "" (' + " ".join(["*%*%" + "a*" * 400] * 32) + ")"),
                          ("OK", f"STORE 1 +FLAGS ({keys})"), ("OK", "FETCH 1 FLAGS")):
        status, text, _ = c.command(command)
        if status != want:
            raise Failed(f"{command[:40]}...: {status} {text}, {want} was expected")
    told = grown(lab, before, 48 * MB, "dear commands")
    c.close()
    alive(lab)
    return told


def held_up_at_the_end(_lab):
    """SIGTERM while clients are in the middle of everything and do not go on: the server ends in order all the same."""
    with Lab() as lab:
        user, held = "held@peers.example", []
        c = Imap(lab.imap, user)
        for _ in range(4):
            c.ok("APPEND INBOX", b"Subject: x\r\n\r\n" + b"x" * MB)
        c.ok("SELECT INBOX")
        c.send(b"f FETCH 1:* BODY.PEEK[]\r\n" * 20)  # and never reads
        held.append(c)
        for half in (b"a APPEND INBOX {500000+}\r\nabc\r\n", b"b SELECT INBOX\r\nc IDLE\r\n", b"d SELECT INBOX\r\ne UID", b"g LOGIN x {3}\r\n"):
            c = Imap(lab.imap, user)
            c.send(half)
            held.append(c)
        for half in (b"MAIL FROM:<a@b.example>\r\n", b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\nhalf of it" % user.encode()):
            s = socket.create_connection(lab.smtp)
            s.sendall(b"EHLO client.example\r\n" + half)
            held.append(s)
        held.append(socket.create_connection(lab.imaps))
        alive(lab)
        code = lab.stop()
        if code != 0:
            raise Failed(f"the server ended with code {code}: {lab.log_text()[-1000:]}")
        done = lab.run("check")
        if done.returncode != 0:
            raise Failed(done.stdout)
    return None


TESTS = {f.__name__.replace("_", "-"): f for f in (imap_never_reads, smtp_never_reads, imap_reads_at_last, half_a_command, imap_strangers, smtp_at_every_byte,
                                                   imap_at_every_byte, tls_at_every_byte, smuggling_split, descriptors, dear_commands, held_up_at_the_end, fifty_megabytes,
                                                   many_messages)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default=os.environ.get("LABEL", "fault"))
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    failed, lab = 0, Lab()
    for name in args.tests or TESTS:
        try:
            told = TESTS[name](lab)
            if lab.process.poll() is not None:
                raise Failed(f"the server has ended with code {lab.process.returncode}")
            print(f"ok {args.label} {name}" + (f" ({told})" if told else ""), flush=True)
        except (Failed, Gone, RuntimeError, OSError, smtplib.SMTPException, subprocess.SubprocessError) as e:
            failed += 1
            print(f"not ok {args.label} {name}\n    {type(e).__name__}: {e}\n    log:", lab.log_text()[-3000:].replace("\n", "\n    "), flush=True)
            if lab.process.poll() is not None:
                lab.start()
    if (code := lab.close()) != 0:
        failed += 1
        print(f"not ok {args.label} peers: the server ended with code {code}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
