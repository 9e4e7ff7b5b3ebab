#!/usr/bin/env python3
"""tests/serve/auth.py [TEST]...: every way to log in to the production server, over IMAP and submission, by clients of our own and those of
Debian. Each test has a server of its own."""
import argparse
import base64
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from lab import Lab  # noqa: E402
from sasl import (ImapSasl, Once, Refused, Scram, SmtpSasl, bearer, context_of, end_point, google, jwt, login, openssl, plain,  # noqa: E402
                  url64)
from serve import Server  # noqa: E402

SECTIONS = {"limits": "smtp_ip_count = 0\nimap_ip_count = 0\nauth_fail_ms = 0ms\nsmtp_error_count = 1000\nsmtp_auth_count = 100\nimap_bad_count = 100\n"
                      "auth_minute_count = 0\nauth_day_count = 0",
            "store": "cache_bytes = 8M\nlow_water_bytes = 40M\nballast_bytes = 0", "logging": "level = info"}
SCRAMS = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
ANN, BOB = "ann@one.example", "bob@one.example"
STRONG = [s + "-PLUS" for s in reversed(SCRAMS)] + list(reversed(SCRAMS))


class Failed(Exception):
    pass


def equal(what, got, want):
    if got != want:
        raise Failed(f"{what}: got {got!r}, not {want!r}")


def begins(what, got, want):
    if not got.startswith(want):
        raise Failed(f"{what}: got {got!r}, not {want!r}")


def doors(server, version=None, cert=None):
    """A function for each protocol that makes a connection under TLS, and what success and refusal look like there."""
    context = context_of(server.ca, version, cert)
    return [("imap", lambda: ImapSasl(server.imap, context), "OK "), ("imaps", lambda: ImapSasl(server.imaps, context, at_once=True), "OK "),
            ("smtp", lambda: SmtpSasl(server.submission, context), "235 "),
            ("smtps", lambda: SmtpSasl(server.submissions, context, at_once=True), "235 ")]


def attempt(connect, name, client, initial=True):
    c = connect()
    if isinstance(c, SmtpSasl):
        c.mechanisms()
    try:
        return c.auth(name, client, initial)
    finally:
        c.close()


def why(reply, proto, code):
    """Refused, for the reason that RFC 5530 has a code for."""
    begins(f"{proto} {code}", reply, {"imap": f"NO [{code}]"}.get(proto[:4], "535 5.7.8"))


# --- SCRAM ---

def scram(server):
    for proto, connect, good in doors(server):
        c = connect()
        equal(f"{proto} offers", c.mechanisms(), STRONG + ["PLAIN", "LOGIN"])
        for name in SCRAMS:
            for initial in (True, False):
                begins(f"{proto} {name}", attempt(connect, name, Scram(name, ANN, "secret"), initial), good)
            why(attempt(connect, name, Scram(name, ANN, "Secret")), proto, "AUTHENTICATIONFAILED")
            why(attempt(connect, name, Scram(name, ANN, "secret", break_it="nonce")), proto, "AUTHENTICATIONFAILED")
            why(attempt(connect, name, Scram(name, ANN, "secret", authzid=BOB)), proto, "AUTHORIZATIONFAILED")
            begins(f"{proto} authzid", attempt(connect, name, Scram(name, ANN, "secret", authzid=ANN)), good)
            begins(f"{proto} case", attempt(connect, name, Scram(name, "Ann@ONE.example", "secret")), good)
            # the client says that it could bind and saw no -PLUS: somebody took it out
            reply = attempt(connect, name, Scram(name, ANN, "secret", binding="y"))
            begins("downgrade", reply, "NO " if good == "OK " else "501 ")
    # a user who is not there has always the same salt, and cannot be told from one who is
    salts = []
    for _ in range(2):
        for _ in range(2):
            client = Scram("SCRAM-SHA-256", "nobody@one.example", "x")
            why(attempt(doors(server)[0][1], "SCRAM-SHA-256", client), "imap", "AUTHENTICATIONFAILED")
            salts.append((client.salt, client.iterations))
        server.stop()
        server.start()
    equal("salts of nobody", len(set(salts)), 1)
    known = Scram("SCRAM-SHA-256", ANN, "x")
    why(attempt(doors(server)[0][1], "SCRAM-SHA-256", known), "imap", "AUTHENTICATIONFAILED")
    equal("iterations of nobody", known.iterations, salts[0][1])
    equal("length of the salt", len(known.salt), len(salts[0][0]))


def binding(server):
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        for proto, connect, good in doors(server, version):
            for name in SCRAMS:
                c = connect()
                c.mechanisms()
                begins(f"{proto} {name}-PLUS", c.auth(name + "-PLUS", Scram(name, ANN, "secret", end_point(c.sock))), good)
                c = connect()
                c.mechanisms()
                kind, data = end_point(c.sock)
                why(c.auth(name + "-PLUS", Scram(name, ANN, "secret", (kind, b"x" + data[1:]))), proto, "AUTHENTICATIONFAILED")
                c = connect()
                c.mechanisms()
                unique = ("tls-unique", c.sock.get_channel_binding("tls-unique"))
                reply = c.auth(name + "-PLUS", Scram(name, ANN, "secret", unique))
                begins("tls-unique", reply, good if version == ssl.TLSVersion.TLSv1_2 else "NO " if good == "OK " else "501 ")
                # -PLUS without a binding, and a binding without -PLUS
                begins("no binding", attempt(connect, name + "-PLUS", Scram(name, ANN, "secret")), "NO " if good == "OK " else "501 ")
                c = connect()
                c.mechanisms()
                begins("no plus", c.auth(name, Scram(name, ANN, "secret", end_point(c.sock))), "NO " if good == "OK " else "501 ")


def malformed(server):
    _, connect, _ = doors(server)[0]
    first = "n,,n=ann@one.example,r=abc"
    for text in ("", "n", "n,,", "n,,n=ann", "x,,n=a,r=b", "n,a==,n=a,r=b", "n,,m=x,n=a,r=b", "n,,n=a=2c,r=b", "n,,n=,r=b", "n,,n=a,r=", "n,,n=a,r=b c",
                 "n,,r=b,n=a", "n,,n=a,r=" + "x" * 129):
        begins(repr(text), attempt(connect, "SCRAM-SHA-256", Once(text.encode())), "NO ")
    for text in ("", "c=biws", "c=biws,r=abc", "c=biws,r=abc,p=", "c=biws,r=abc,p=!", "c=biws,r=abc,p=YWJj", "r=abc,c=biws,p=YWJj", "c=biws,r=abc,p=YWJj,x=y"):
        begins(repr(text), attempt(connect, "SCRAM-SHA-256", Once(first.encode(), text.encode())), "NO ")
    # a response behind the server's last word, and "*" at every place
    class Chatty(Scram):
        def verify(self, server_final):
            return super().verify(server_final) + b"x"
    begins("chatty", attempt(connect, "SCRAM-SHA-256", Chatty("SCRAM-SHA-256", ANN, "secret")), "NO ")
    for at in range(3):
        c = connect()
        client = Scram("SCRAM-SHA-256", ANN, "secret")
        c.sock.sendall(b"a AUTHENTICATE SCRAM-SHA-256\r\n")
        answer = client.first()
        for _ in range(at):
            challenge = c.read()[2:]
            c.sock.sendall(base64.b64encode(answer) + b"\r\n")
            answer = client.answer(base64.b64decode(c.lines.peek()[2:].split(b"\r\n")[0])) if _ + 1 < 3 and c.lines.peek() else b""
            del challenge
        c.read()
        c.sock.sendall(b"*\r\n")
        begins(f"cancelled at {at}", c.read().decode(), "a BAD ")
        begins("and then", c.auth("PLAIN", plain(ANN, "secret")), "OK ")


def in_the_clear(server):
    """Nothing that could be guessed from or replayed goes without TLS."""
    c = ImapSasl(server.imap)
    equal("imap offers", c.mechanisms(), [])
    for name, client in (("PLAIN", plain(ANN, "secret")), ("LOGIN", login(ANN, "secret")), ("SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret"))):
        begins(name, c.auth(name, client), "NO [PRIVACYREQUIRED]")
    begins("EXTERNAL", c.auth("EXTERNAL", Once(b"")), "NO [CANNOT]")
    begins("CRAM-MD5", c.auth("CRAM-MD5", Once(b"")), "NO [CANNOT]")
    equal("smtp offers", SmtpSasl(server.submission).mechanisms(), [])


def imported(server):
    """SCRAM is offered when everybody can use it: those whose verifier was imported have to log in once."""
    def dump_of(st):
        return [json.loads(line) for line in st.must("dump").splitlines()]
    lines = [line for line in dump_of(server) if "scram" not in line]
    lines[-1]["end"] = len(lines) - 1
    with Server(SECTIONS, start=False) as other:
        other.write_config()
        other.must("load", input="".join(json.dumps(line) + "\n" for line in lines).encode())
        other.start()
        _, connect, _ = doors(other)[0]
        equal("before", connect().mechanisms(), ["PLAIN", "LOGIN"])
        begins("not offered", attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret")), "NO ")
        begins("ann", attempt(connect, "PLAIN", plain(ANN, "secret")), "OK ")
        equal("bob is missing", connect().mechanisms(), ["PLAIN", "LOGIN"])
        begins("bob, wrong", attempt(connect, "PLAIN", plain(BOB, "wrong")), "NO ")
        equal("bob is still missing", connect().mechanisms(), ["PLAIN", "LOGIN"])
        begins("bob", attempt(doors(other)[2][1], "LOGIN", login(BOB, "secret")), "235 ")
        equal("all are there", connect().mechanisms(), STRONG + ["PLAIN", "LOGIN"])
        for user in (ANN, BOB):
            begins(user, attempt(connect, "SCRAM-SHA-512", Scram("SCRAM-SHA-512", user, "secret")), "OK ")
        begins("check", other.must("check"), "ok")
        equal("clean end", other.stop(), 0)


def password_change(server):
    _, connect, _ = doors(server)[0]
    begins("before", attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret")), "OK ")
    server.must("user", "passwd", ANN, "--password-stdin", password="pässwörd ﬁne")
    why(attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret")), "imap", "AUTHENTICATIONFAILED")
    # SASLprep: a ligature and its letters are the same password
    begins("after", attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "pässwörd fine")), "OK ")
    begins("plain", attempt(connect, "PLAIN", plain(ANN, "pässwörd ﬁne")), "OK ")
    server.must("user", "remove", BOB)
    why(attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", BOB, "secret")), "imap", "AUTHENTICATIONFAILED")
    begins("check", server.must("check"), "ok")


# --- app passwords ---

def app_passwords(server):
    _, imap, _ = doors(server)[0]
    _, smtp, _ = doors(server)[2]
    def made(*options):
        return server.must("user", "app-password", "add", ANN, *options).strip()
    phone, mutt = made("my phone"), made("mutt", "--protocol", "imap")
    if not re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}", phone):
        raise Failed(f"an app password {phone!r}")
    far, old = made("far", "--from", "192.0.2.0/24", "--from", "2001:db8::/32"), made("old", "--expires", "1s")
    near = made("near", "--from", "10.0.0.0/8,127.0.0.0/8")
    for client in (plain(ANN, phone), plain(ANN, phone.replace("-", "").upper()), plain(ANN, phone.replace("-", " "))):
        begins("phone", attempt(imap, "PLAIN", client), "OK ")
    for name in SCRAMS:
        begins("phone by SCRAM", attempt(imap, name, Scram(name, ANN, phone)), "OK ")
        begins("the account's own", attempt(imap, name, Scram(name, ANN, "secret")), "OK ")
        begins("mutt", attempt(imap, name, Scram(name, ANN, mutt)), "OK ")
        why(attempt(smtp, name, Scram(name, ANN, mutt)), "smtp", "")
        why(attempt(imap, name, Scram(name, ANN, far)), "imap", "AUTHORIZATIONFAILED")
    begins("mutt by LOGIN", attempt(smtp, "LOGIN", login(ANN, mutt)), "535 5.7.8 not allowed")
    begins("phone by LOGIN", attempt(smtp, "LOGIN", login(ANN, phone)), "235 ")
    begins("near", attempt(smtp, "PLAIN", plain(ANN, near)), "235 ")
    why(attempt(imap, "PLAIN", plain(ANN, far)), "imap", "AUTHORIZATIONFAILED")
    why(attempt(imap, "PLAIN", plain(BOB, phone)), "imap", "AUTHENTICATIONFAILED")
    while (reply := attempt(imap, "PLAIN", plain(ANN, old))).startswith("OK "):
        pass  # until it expires
    why(reply, "imap", "EXPIRED")
    rows = {r.split("\t")[0]: r.split("\t")[1:] for r in server.must("user", "app-password", "list", ANN).splitlines()}
    equal("names", sorted(rows), ["far", "mutt", "my phone", "near", "old"])
    equal("mutt", rows["mutt"][:2], ["imap", "everywhere"])
    equal("far", (rows["far"][1], rows["far"][4]), ("192.0.2.0/24,2001:db8::/32", "never"))
    equal("used from", rows["my phone"][5], "127.0.0.1")
    for words in (["add", ANN, "mutt"], ["add", ANN, "x", "--protocol", "nntp"], ["add", ANN, "x", "--from", "300.0.0.0/8"],
                  ["add", ANN, "x", "--expires", "2001-01-01"], ["add", "nobody@one.example", "x"], ["remove", ANN, "nothing"], ["add", ANN, ""]):
        if server.run("user", "app-password", *words).returncode == 0:
            raise Failed(f"taken: {words}")
    log = server.log_text()
    if f'mechanism=SCRAM-SHA-256 credential="my phone"' not in log or 'credential="mutt"' not in log:
        raise Failed("the log does not name the app password")
    # a new password of the account does not touch them; revoking does, at once
    server.must("user", "passwd", ANN, "--password-stdin", password="other")
    begins("after passwd", attempt(imap, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, phone)), "OK ")
    begins("after passwd", attempt(imap, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "other")), "OK ")
    server.must("user", "app-password", "remove", ANN, "my phone")
    why(attempt(imap, "PLAIN", plain(ANN, phone)), "imap", "AUTHENTICATIONFAILED")
    why(attempt(imap, "SCRAM-SHA-1", Scram("SCRAM-SHA-1", ANN, phone)), "imap", "AUTHENTICATIONFAILED")
    # a stopped store, and a dump
    server.stop()
    late = made("late")
    dump = server.must("dump")
    server.start()
    _, imap, _ = doors(server)[0]
    begins("late", attempt(imap, "SCRAM-SHA-512", Scram("SCRAM-SHA-512", ANN, late)), "OK ")
    begins("check", server.must("check"), "ok")
    with Server(SECTIONS, start=False) as other:
        other.write_config()
        other.must("load", input=dump.encode())
        equal("dump of the loaded store", other.must("dump"), dump)
        begins("check", other.must("check"), "ok")
        other.start()
        begins("loaded", attempt(doors(other)[0][1], "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, mutt)), "OK ")
        equal("clean end", other.stop(), 0)


def only_app_passwords(_):
    with Server({**SECTIONS, "auth": "only_app_passwords = yes"}, start=False) as server:
        people(server)
        phone = server.must("user", "app-password", "add", ANN, "phone").strip()
        server.start()
        for proto, connect, good in doors(server):
            equal(f"{proto} offers", connect().mechanisms(), STRONG + ["PLAIN", "LOGIN"])
            why(attempt(connect, "PLAIN", plain(ANN, "secret")), proto, "AUTHENTICATIONFAILED")
            why(attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret")), proto, "AUTHENTICATIONFAILED")
            begins(proto, attempt(connect, "PLAIN", plain(ANN, phone)), good)
            begins(proto, attempt(connect, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, phone)), good)
        equal("clean end", server.stop(), 0)


def guesses(_):
    """All mechanisms count together; after ten wrong ones a minute the next is not looked at, whatever it is."""
    with Server({**SECTIONS, "limits": SECTIONS["limits"].partition("auth_minute_count")[0]}, start=False) as server:
        people(server)
        server.start()
        _, imap, _ = doors(server)[0]
        for i in range(10):
            client = [("PLAIN", plain(ANN, "wrong")), ("SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "wrong")),
                      ("SCRAM-SHA-1", Scram("SCRAM-SHA-1", "nobody@one.example", "x"))][i % 3]
            why(attempt(imap, *client), "imap", "AUTHENTICATIONFAILED")
        begins("the next", attempt(imap, "PLAIN", plain(BOB, "secret")), "NO [UNAVAILABLE]")
        begins("the next", attempt(imap, "SCRAM-SHA-256", Scram("SCRAM-SHA-256", BOB, "secret")), "NO [UNAVAILABLE]")
        equal("clean end", server.stop(), 0)


# --- certificates ---

def certificate(where, ca, name, email):
    key, crt = os.path.join(where, name + ".key"), os.path.join(where, name + ".crt")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt + ".csr",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=email:{email}")
    openssl("x509", "-req", "-in", crt + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial", "-days", "2", "-out", crt,
            "-copy_extensions", "copy")
    return crt, key


def authority(where, name):
    base = os.path.join(where, name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out", base + ".crt",
            "-subj", f"/CN={name}", "-days", "2")
    return base


def external(_):
    with Server(SECTIONS, start=False) as server:
        ca, strange = authority(server.home, "ca"), authority(server.home, "strange")
        ann = certificate(server.home, ca, "ann", ANN)
        carol = certificate(server.home, ca, "carol", "carol@elsewhere.example")
        foreign = certificate(server.home, strange, "foreign", ANN)
        server.sections["auth"] = f'client_ca = "{ca}.crt"'
        people(server)
        server.start()
        for proto, connect, good in doors(server, cert=ann):
            equal(f"{proto} offers", connect().mechanisms(), ["EXTERNAL"] + STRONG + ["PLAIN", "LOGIN"])
            for initial in (True, False):
                begins(proto, attempt(connect, "EXTERNAL", Once(b""), initial), good)
            begins(proto, attempt(connect, "EXTERNAL", Once(ANN.encode())), good)
            why(attempt(connect, "EXTERNAL", Once(BOB.encode())), proto, "AUTHORIZATIONFAILED")
            begins(proto, attempt(connect, "PLAIN", plain(BOB, "secret")), good)
        for proto, connect, good in doors(server, cert=carol):
            why(attempt(connect, "EXTERNAL", Once(b"")), proto, "CONTACTADMIN")
        for cert in (None, foreign):
            for proto, connect, good in doors(server, cert=cert):
                equal(f"{proto} offers", connect().mechanisms(), STRONG + ["PLAIN", "LOGIN"])
                begins("not offered", attempt(connect, "EXTERNAL", Once(b"")), "NO [CANNOT]" if good == "OK " else "504 ")
        equal("clean end", server.stop(), 0)
        # a map: carol's certificate by its address, ann's by its digest to bob
        digest = openssl("x509", "-in", ann[0], "-noout", "-fingerprint", "-sha256").decode().strip().split("=")[1].replace(":", "")
        with open(os.path.join(server.home, "map"), "w", encoding="utf-8") as f:
            f.write(f"# who is who\ncarol@elsewhere.example {ANN}\n\nSHA256:{digest}\t{BOB} # bob\n")
        server.sections["auth"] += f'\nclient_map = "{server.home}/map"'
        server.start()
        for cert, user in ((carol, ANN), (ann, BOB)):
            begins(user, attempt(doors(server, cert=cert)[0][1], "EXTERNAL", Once(user.encode())), "OK ")
        why(attempt(doors(server, cert=ann)[0][1], "EXTERNAL", Once(ANN.encode())), "imap", "AUTHORIZATIONFAILED")
        equal("clean end", server.stop(), 0)


# --- tokens ---

def rsa_jwk(key, **more):
    text = openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().split("=")[1]
    return {"kty": "RSA", "n": url64(bytes.fromhex(text)), "e": "AQAB", **more}


def ec_jwk(key, curve, half, **more):
    der = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    return {"kty": "EC", "crv": curve, "x": url64(der[-2 * half:-half]), "y": url64(der[-half:]), **more}


def tokens(_):
    with Server(SECTIONS, start=False) as server:
        def key(name, *how):
            path = os.path.join(server.home, name + ".pem")
            openssl("genpkey", "-out", path, *how)
            return path
        rsa, other = key("rsa", "-algorithm", "RSA"), key("other", "-algorithm", "RSA")
        p256 = key("p256", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        p384 = key("p384", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
        ed = key("ed", "-algorithm", "ED25519")
        secret = os.urandom(32)
        raw = openssl("pkey", "-in", ed, "-pubout", "-outform", "DER")[-32:]
        jwks = {"keys": [rsa_jwk(rsa, kid="r"), ec_jwk(p256, "P-256", 32, kid="e"), ec_jwk(p384, "P-384", 48), rsa_jwk(other, use="enc"),
                         {"kty": "OKP", "crv": "Ed25519", "x": url64(raw)}, {"kty": "oct", "k": url64(secret), "alg": "HS256"}]}
        path = os.path.join(server.home, "keys")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(jwks, f)
        server.sections["auth"] = f'oauth_keys = "{path}"\noauth_issuer = "https://id.example"\noauth_audience = "mail"\noauth_scope = "openid mail"'
        people(server)
        server.start()
        now = int(time.time())
        claims = {"iss": "https://id.example", "aud": ["web", "mail"], "exp": now + 600, "nbf": now - 5, "email": ANN}
        algs = [("RS256", rsa), ("RS384", rsa), ("RS512", rsa), ("PS256", rsa), ("ES256", p256), ("ES384", p384), ("EdDSA", ed), ("HS256", secret)]
        pem = openssl("pkey", "-in", rsa, "-pubout")
        good_tokens = [jwt(claims, alg, k) for alg, k in algs] + [jwt({**claims, "aud": "mail"}, "RS256", rsa, kid="r")]
        bad = {"another key": jwt(claims, "RS256", other), "none": jwt(claims, "none", None), "public key as secret": jwt(claims, "HS256", pem),
               "another kid": jwt(claims, "RS256", rsa, kid="e"), "iss": jwt({**claims, "iss": "https://evil.example"}, "RS256", rsa),
               "aud": jwt({**claims, "aud": "web"}, "RS256", rsa), "no exp": jwt({k: v for k, v in claims.items() if k != "exp"}, "RS256", rsa),
               "nbf": jwt({**claims, "nbf": now + 500}, "RS256", rsa), "no email": jwt({**claims, "email": ""}, "RS256", rsa), "junk": "abc",
               "not verified": jwt({**claims, "email_verified": False}, "RS256", rsa),
               "no signature": good_tokens[0].rsplit(".", 1)[0] + ".", "altered": good_tokens[0].replace(".", ".e", 1)}
        for proto, connect, good in doors(server):
            equal(f"{proto} offers", connect().mechanisms(), STRONG + ["OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"])
            for i, token in enumerate(good_tokens):
                begins(f"{proto} OAUTHBEARER {i}", attempt(connect, "OAUTHBEARER", bearer(ANN, token)), good)
                begins(f"{proto} XOAUTH2 {i}", attempt(connect, "XOAUTH2", google(ANN, token), initial=bool(i % 2)), good)
            begins("no user", attempt(connect, "OAUTHBEARER", bearer("", good_tokens[0])), good)
        _, connect, _ = doors(server)[0]
        for what, token in bad.items():
            client = bearer(ANN, token)
            why(attempt(connect, "OAUTHBEARER", client), "imap", "AUTHENTICATIONFAILED")
            equal(what, json.loads(client.challenges[0]), {"status": "invalid_token", "scope": "openid mail"})
        for what, token in bad.items():
            client = google(ANN, token)
            why(attempt(connect, "XOAUTH2", client), "imap", "AUTHENTICATIONFAILED")
            equal(what, json.loads(client.challenges[0]), {"status": "401", "schemes": "bearer", "scope": "openid mail"})
        why(attempt(connect, "OAUTHBEARER", bearer(ANN, jwt({**claims, "exp": now - 300}, "RS256", rsa))), "imap", "EXPIRED")
        why(attempt(connect, "OAUTHBEARER", bearer(BOB, good_tokens[0])), "imap", "AUTHORIZATIONFAILED")
        why(attempt(connect, "XOAUTH2", google(BOB, good_tokens[0])), "imap", "AUTHORIZATIONFAILED")
        why(attempt(connect, "OAUTHBEARER", bearer("", jwt({**claims, "email": "carol@else.example"}, "RS256", rsa))), "imap", "CONTACTADMIN")
        for text in (b"", b"\1", b"n,,", b"n,,\1", b"p=x,,\1auth=Bearer x\1\1", b"n,,\1auth=Bearer x"):
            begins(repr(text), attempt(connect, "OAUTHBEARER", Once(text)), "NO ")
        begins("no token is asked for", attempt(connect, "OAUTHBEARER", Once(b"n,,\1auth=\1\1", b"\1")), "NO ")
        # curl does both
        for name, option in (("OAUTHBEARER", "AUTH=OAUTHBEARER"), ("XOAUTH2", "AUTH=XOAUTH2")):
            curl(server, "--login-options", option, "--oauth2-bearer", good_tokens[0], "-u", ANN + ":")
            logged(server, "OAUTHBEARER")
        # a token longer than a command line of SMTP
        long = jwt({**claims, "more": "x" * 3000}, "RS256", rsa)
        for proto, connect, good in doors(server):
            begins(f"{proto} long", attempt(connect, "XOAUTH2", google(ANN, long)), good)
        # keys of PEM, after a SIGHUP; a file that is no good changes nothing
        _, connect, _ = doors(server)[0]
        for text in (b"nonsense", pem + openssl("pkey", "-in", ed, "-pubout")):
            with open(path + ".new", "wb") as f:
                f.write(text)
            os.rename(path + ".new", path)
            server.process.send_signal(signal.SIGHUP)
            while text == b"nonsense" and "server.auth_reload_failed" not in server.log_text():
                pass
            begins("RS256", attempt(connect, "OAUTHBEARER", bearer(ANN, good_tokens[0])), "OK ")
        while attempt(connect, "OAUTHBEARER", bearer(ANN, good_tokens[4])).startswith("OK "):
            pass  # until the new keys are in force
        for i, want in ((0, "OK "), (3, "OK "), (6, "OK "), (4, "NO "), (7, "NO ")):
            begins(f"PEM {algs[i][0]}", attempt(connect, "OAUTHBEARER", bearer(ANN, good_tokens[i])), want)
        equal("clean end", server.stop(), 0)


# --- clients of Debian ---

def curl(server, *how):
    done = subprocess.run(["curl", "-sS", "--cacert", server.ca, "--url", f"imaps://localhost:{server.imaps[1]}/", *how], capture_output=True,
                          timeout=60, check=False)
    if done.returncode != 0 or b"INBOX" not in done.stdout:
        raise Failed(f"curl {how}: {done}")


def logged(server, mechanism):
    """The last login was by that mechanism."""
    rows = [r for r in server.log_text().splitlines() if "mechanism=" in r]
    if f"mechanism={mechanism} " not in rows[-1] or "failed" in rows[-1]:
        raise Failed(f"{mechanism} is not in {rows[-1]}")


def clients(server):
    for name in ("PLAIN", "LOGIN"):
        curl(server, "--login-options", "AUTH=" + name, "-u", ANN + ":secret")
        logged(server, name)
    curl(server, "-u", ANN + ":secret")
    for name in ("LOGIN", "PLAIN"):
        done = subprocess.run(["swaks", "--server", f"localhost:{server.submission[1]}", "-tls", "--auth", name, "--auth-user", ANN, "--auth-password",
                               "secret", "--from", ANN, "--to", BOB], capture_output=True, timeout=60, check=False)
        equal("swaks " + name, done.returncode, 0)
        logged(server, name)
    for name in ("plain", "login", "scram-sha-1", "scram-sha-256", "on"):
        rc = os.path.join(server.home, "msmtprc")
        with open(os.open(rc, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(f"defaults\ntls on\ntls_starttls on\ntls_trust_file {server.ca}\nauth {name}\naccount default\nhost localhost\n"
                    f"port {server.submission[1]}\nfrom {ANN}\nuser {ANN}\npassword secret\n")
        done = subprocess.run(["msmtp", "-C", rc, "--", BOB], input=b"Subject: by msmtp\n\nhello\n", capture_output=True, timeout=60, check=False)
        equal(f"msmtp {name}: {done.stderr}", done.returncode, 0)
        if name != "on":
            logged(server, name.upper())
    told = []
    for name in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS") if shutil.which("gsasl") else ():  # with tls-exporter
        for proto, port in (("--imap", server.imap[1]), ("--smtp", server.submission[1])):
            done = subprocess.run(["gsasl", proto, f"--connect=localhost:{port}", "--starttls", "--x509-ca-file=" + server.ca, "-m", name, "-a", ANN,
                                   "-p", "secret"], input=b"", capture_output=True, timeout=60, check=False)
            equal(f"gsasl {name}: {done.stderr}", done.returncode, 0)
            logged(server, name)
        told.append("gsasl " + name)
    told += [mutt(server, "mutt", name) for name in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN")]
    told += [mutt(server, "neomutt", name) for name in ("PLAIN", "LOGIN")]  # it takes no other names
    # GNU SASL in both chooses -PLUS and then has no channel binding: that is what the setting is for
    server.stop()
    server.sections["auth"] = "channel_binding = no"
    server.start()
    equal("offers", doors(server)[0][1]().mechanisms(), list(reversed(SCRAMS)) + ["PLAIN", "LOGIN"])
    begins("y", attempt(doors(server)[0][1], "SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret", binding="y")), "OK ")
    told += [mutt(server, program, "") for program in ("mutt", "neomutt")]
    return ", ".join(told)


def mutt(server, program, name):
    """In batch mode: saves a copy of what it sends in Sent, over IMAP."""
    rc = os.path.join(server.home, "muttrc")
    with open(rc, "w", encoding="utf-8") as f:
        f.write(f'set folder="imaps://localhost:{server.imaps[1]}/"\nset imap_user="{ANN}"\nset imap_pass="secret"\nset ssl_starttls=yes\n'
                f'set certificate_file="{server.ca}"\nset ssl_ca_certificates_file="{server.ca}"\nset from="{ANN}"\nset use_from=yes\n'
                f'set smtp_url="smtp://{ANN.replace("@", "%40")}:secret@localhost:{server.submission[1]}/"\nset ssl_force_tls=yes\n'
                f'set record="+Sent"\nset copy=yes\n' + (f'set imap_authenticators="{name.lower()}"\nset smtp_authenticators="{name.lower()}"\n' if name else ""))
    done = subprocess.run([program, "-F", rc, "-s", "by mutt", BOB], input=b"hello\n", capture_output=True, timeout=60, check=False,
                          env={**os.environ, "HOME": server.home, "TERM": "dumb"})
    rows = [r for r in server.log_text().splitlines() if "mechanism=" in r][-2:]
    if done.returncode != 0 or any("failed" in r for r in rows):
        raise Failed(f"{program} {name}: {done.stdout + done.stderr!r} {rows}")
    return f"{program} " + "/".join(sorted({re.search("mechanism=(\\S+)", r).group(1) for r in rows}))


# --- the lab ---

def lab(_):
    """Any password is right there, so SCRAM is not offered, and clients that would choose it do not fail; with --only-users it is."""
    with Lab("--user", ANN + ":secret") as server:
        context = context_of(server.ca)
        equal("offers", ImapSasl(server.imaps, context, at_once=True).mechanisms(), ["PLAIN", "LOGIN"])
        equal("in the clear", ImapSasl(server.imap).mechanisms(), ["PLAIN", "LOGIN"])
        begins("anybody", ImapSasl(server.imap).auth("LOGIN", login("x@y.example", "z")), "OK ")
        equal("clean end", server.stop(), 0)
    with Lab("--user", ANN + ":secret", "--only-users") as server:
        context = context_of(server.ca)
        equal("offers", ImapSasl(server.imaps, context, at_once=True).mechanisms(), STRONG + ["PLAIN", "LOGIN"])
        equal("in the clear", ImapSasl(server.imap).mechanisms(), list(reversed(SCRAMS)) + ["PLAIN", "LOGIN"])
        begins("ann", ImapSasl(server.imap).auth("SCRAM-SHA-256", Scram("SCRAM-SHA-256", ANN, "secret", binding="y")), "OK ")
        begins("anybody", ImapSasl(server.imap).auth("LOGIN", login("x@y.example", "z")), "NO [AUTHENTICATIONFAILED]")
        equal("clean end", server.stop(), 0)


def people(server):
    if not os.path.exists(server.config):
        server.write_config()
    server.must("domain", "add", "one.example")
    for name in (ANN, BOB):
        server.must("user", "add", name, "--password-stdin", password="secret")


TESTS = {f.__name__.replace("_", "-"): f for f in (scram, binding, malformed, in_the_clear, imported, password_change, app_passwords, only_app_passwords,
                                                   guesses, external, tokens, clients, lab)}
NO_SERVER = ("only-app-passwords", "guesses", "external", "tokens", "lab")


def run(name):
    if name in NO_SERVER:
        return TESTS[name](None)
    with Server(SECTIONS, start=False) as server:
        server.write_config()
        people(server)
        server.start()
        try:
            told = TESTS[name](server)
            if (code := server.stop()) != 0:
                raise Failed(f"the server ended with code {code}")
        except Exception as e:
            raise Failed(f"{type(e).__name__}: {e}\nlog:\n{server.log_text()[-2000:]}") from e
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
            print(f"ok {args.label} auth {name}" + (f" ({told})" if told else ""), flush=True)
        except (Failed, Refused, RuntimeError, OSError, AssertionError, subprocess.SubprocessError) as e:
            failed += 1
            print(f"not ok {args.label} auth {name}\n    {type(e).__name__}:", str(e).replace("\n", "\n    "), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
