"""tests/lib/sasl.py: the client's side of SASL, written from the RFCs, over IMAP and SMTP."""
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import subprocess


def b64(data):
    return base64.b64encode(data)


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Refused(Exception):
    pass


class Scram:
    """RFC 5802 §5. binding: None ("n"), "y", or (type, data); after says what the server's signature should have been."""

    def __init__(self, name, user, password, binding=None, authzid="", break_it=None):
        self.hash = name.replace("SCRAM-SHA-", "sha").replace("-PLUS", "")
        self.password, self.break_it = password.encode(), break_it
        flag, self.data = ("p=" + binding[0], binding[1]) if isinstance(binding, tuple) else (binding or "n", b"")
        self.gs2 = f"{flag},{'a=' + authzid if authzid else ''},".encode()
        user = user.replace("=", "=3D").replace(",", "=2C")
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.first_bare = f"n={user},r={self.nonce}".encode()
        self.steps = [self.final, self.verify]

    def first(self):
        return self.gs2 + self.first_bare

    def answer(self, challenge):
        return self.steps.pop(0)(challenge)

    def mac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def final(self, server_first):
        self.server_first = server_first.decode()
        fields = dict(f.split("=", 1) for f in self.server_first.split(","))
        assert fields["r"].startswith(self.nonce) and len(fields["r"]) > len(self.nonce) + 15, "the server's nonce"
        self.salt, self.iterations = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac(self.hash, self.password, self.salt, self.iterations)
        client_key = self.mac(salted, b"Client Key")
        stored = hashlib.new(self.hash, client_key).digest()
        without = b"c=" + b64(self.gs2 + self.data) + b",r=" + fields["r"].encode()
        if self.break_it == "nonce":
            without += b"x"
        message = self.first_bare + b"," + server_first + b"," + without
        proof = bytes(a ^ b for a, b in zip(client_key, self.mac(stored, message)))
        self.expect = b"v=" + b64(self.mac(self.mac(salted, b"Server Key"), message))
        return without + b",p=" + b64(proof)

    def verify(self, server_final):
        assert server_final == self.expect, "the server's signature is wrong"
        return b""


class Once:
    """Mechanisms of fixed responses."""

    def __init__(self, first, *rest):
        self.message, self.rest, self.challenges = first, list(rest), []

    def first(self):
        return self.message

    def answer(self, challenge):
        self.challenges.append(challenge)
        return self.rest.pop(0)


def plain(user, password, authzid=""):
    return Once(f"{authzid}\0{user}\0{password}".encode())


def login(user, password):
    return Once(None, user.encode(), password.encode())


def bearer(user, token):
    return Once(f"n,{'a=' + user if user else ''},\1host=mail.example\1port=143\1auth=Bearer {token}\1\1".encode(), b"\1")


def google(user, token):
    return Once(f"user={user}\1auth=Bearer {token}\1\1".encode(), b"")


class ImapSasl:
    def __init__(self, address, context=None, cert=None, at_once=False):
        self.sock = socket.create_connection(address, timeout=30)
        self.lines = self.sock.makefile("rb")
        if context and at_once:
            self.wrap(context)
        self.greeting = self.read()
        if context and not at_once:
            self.sock.sendall(b"t STARTTLS\r\n")
            while not self.read().startswith(b"t OK"):
                pass
            self.wrap(context)

    def wrap(self, context):
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.lines = self.sock.makefile("rb")

    def read(self):
        line = self.lines.readline()
        if not line:
            raise Refused("closed")
        return line.rstrip(b"\r\n")

    def mechanisms(self):
        self.sock.sendall(b"c CAPABILITY\r\n")
        told = self.read().decode()
        self.read()
        return re.findall(r"AUTH=(\S+)", told)

    def auth(self, name, client, initial=True):
        """The tagged reply."""
        first = client.first()
        line = f"a AUTHENTICATE {name}"
        if initial and first is not None:
            line += " " + (b64(first).decode() or "=")
            first = None
        self.sock.sendall(line.encode() + b"\r\n")
        while (got := self.read()).startswith(b"+ "):
            challenge = base64.b64decode(got[2:])
            if first is not None:
                answer, first = first, None
            else:
                answer = client.answer(challenge)
            self.sock.sendall(b64(answer) + b"\r\n")
        return got.decode()[2:]

    def close(self):
        self.sock.close()


class SmtpSasl(ImapSasl):
    def __init__(self, address, context=None, at_once=False):
        self.sock = socket.create_connection(address, timeout=30)
        self.lines = self.sock.makefile("rb")
        if context and at_once:
            self.wrap(context)
        self.reply()
        if context and not at_once:
            self.say(b"EHLO client.example")
            self.say(b"STARTTLS")
            self.wrap(context)

    def reply(self):
        lines = [self.read()]
        while lines[-1][3:4] == b"-":
            lines.append(self.read())
        return lines

    def say(self, line):
        self.sock.sendall(line + b"\r\n")
        return self.reply()

    def mechanisms(self):
        for line in self.say(b"EHLO client.example"):
            if line[4:].startswith(b"AUTH "):
                return line[9:].decode().split()
        return []

    def auth(self, name, client, initial=True):
        first = client.first()
        line = f"AUTH {name}"
        if initial and first is not None:
            line += " " + (b64(first).decode() or "=")
            first = None
        got = self.say(line.encode())[-1]
        while got.startswith(b"334 "):
            challenge = base64.b64decode(got[4:])
            if first is not None:
                answer, first = first, None
            else:
                answer = client.answer(challenge)
            got = self.say(b64(answer))[-1]
        return got.decode()


def end_point(sock):
    """RFC 5929 §4.1, of a certificate signed with SHA-256."""
    return ("tls-server-end-point", hashlib.sha256(sock.getpeercert(True)).digest())


def openssl(*argv, **kw):
    done = subprocess.run(["openssl", *argv], capture_output=True, timeout=60, check=False, **kw)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(argv)}: {done.stderr.decode()}")
    return done.stdout


def jwt(claims, alg, key, kid=None):
    """key: a PEM file, or the bytes of HS256. Signed by openssl."""
    head = {"typ": "JWT", "alg": alg, **({"kid": kid} if kid else {})}
    text = (url64(json.dumps(head).encode()) + "." + url64(json.dumps(claims).encode())).encode()
    digest = "-sha" + (alg[2:] if alg[2:].isdigit() else "256")
    if alg == "none":
        sig = b""
    elif alg.startswith("HS"):
        sig = hmac.new(key, text, "sha256").digest()
    elif alg == "EdDSA":
        path = key + ".text"
        with open(path, "wb") as f:
            f.write(text)
        sig = openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", path)
    else:
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if alg.startswith("PS") else []
        sig = openssl("dgst", digest, "-sign", key, *pss, input=text)
        if alg.startswith("ES"):
            sig = raw_ecdsa(sig, {"ES256": 32, "ES384": 48}[alg])
    return text.decode() + "." + url64(sig)


def raw_ecdsa(der, half):
    """SEQUENCE of two INTEGERs to two numbers of one length."""
    at, out = 2, b""
    for _ in range(2):
        n = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + n], "big").to_bytes(half, "big")
        at += 2 + n
    return out


def context_of(ca, version=None, cert=None):
    context = ssl.create_default_context(cafile=ca)
    if version:
        context.minimum_version = context.maximum_version = version
    if cert:
        context.load_cert_chain(*cert)
    return context
