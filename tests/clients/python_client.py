"""imaplib and smtplib against the lab: each command once, and what it must answer."""
import email.message
import email.policy
import imaplib
import os
import smtplib
import ssl
import time

USER, OTHER = "python@clients.example", "python2@clients.example"
context = ssl.create_default_context(cafile=os.environ["MAILSTEAD_CA"])
smtp_port, imap_port, imaps_port = (int(os.environ[k]) for k in ("SMTP_PORT", "IMAP_PORT", "IMAPS_PORT"))


def message(subject, body):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = "sender@x.example", USER, subject
    m.set_content(body)
    m.add_attachment(b"\x00\x01\x02" * 1000, maintype="application", subtype="octet-stream", filename="né.bin")
    return m


with smtplib.SMTP("localhost", smtp_port, timeout=30) as s:
    s.ehlo()
    assert {"size", "pipelining", "8bitmime", "smtputf8", "enhancedstatuscodes", "chunking", "starttls"} <= set(s.esmtp_features), s.esmtp_features
    s.starttls(context=context)
    assert s.send_message(message("Grüße", "first"), from_addr="sender@x.example", to_addrs=[USER, OTHER]) == {}
    assert s.send_message(message("second", "söme text"), from_addr="sender@x.example", to_addrs=[USER]) == {}
    assert s.verify(USER)[0] == 252
    assert s.noop()[0] == 250

m = imaplib.IMAP4("localhost", imap_port)
assert "IMAP4REV1" in m.capabilities, m.capabilities
m.starttls(context)
m.login(USER, "pw")
assert m.select("INBOX") == ("OK", [b"2"])
assert m.search(None, "SUBJECT", "second")[1] == [b"2"]
m.literal = "Grüße".encode()
assert m.search("UTF-8", "SUBJECT")[1] == [b"1"]
m.literal = "söme".encode()
assert m.search("UTF-8", "BODY")[1] == [b"2"]
status, data = m.fetch("1:2", "(UID FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE)")
assert status == "OK" and len(data) == 2 and b'"second"' in data[1], data
status, data = m.fetch("1", "(RFC822)")
got = email.message_from_bytes(data[0][1], policy=email.policy.default)
assert got["subject"] == "Grüße" and got.get_body().get_content().strip() == "first"
assert next(got.iter_attachments()).get_content() == b"\x00\x01\x02" * 1000
assert len(data[0][1]) == int(data[0][0].split(b"{")[1].rstrip(b"}"))
assert m.store("1", "+FLAGS", r"(\Flagged $Forwarded)")[0] == "OK"
assert b"$Forwarded" in m.fetch("1", "(FLAGS)")[1][0]
assert m.create("Work/2026")[0] == "OK"
assert m.subscribe("Work/2026")[0] == "OK"
assert m.copy("1:2", "Work/2026")[0] == "OK"
assert m.uid("MOVE", "2", "Archive")[0] == "OK"
assert m.append("Drafts", r"(\Draft \Seen)", imaplib.Time2Internaldate(time.time()), message("draft", "x").as_bytes())[0] == "OK"
assert m.status("Drafts", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)")[1][0].endswith(b")")
assert any(b"Work/2026" in x for x in m.list()[1]) and any(b"Work/2026" in x for x in m.lsub()[1])
assert m.rename("Work/2026", "Work/Älter".encode("utf-7").decode().replace("+", "&")) [0] == "OK"
assert m.select("Work")[0] == "OK"
assert m.select("INBOX", readonly=True)[1] == [b"1"]
assert m.store("1", "+FLAGS", r"(\Seen)")[0] == "NO"
assert m.select("INBOX")[0] == "OK"
assert m.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
assert m.expunge() == ("OK", [b"1"])
assert m.noop()[0] == "OK" and m.check()[0] == "OK" and m.namespace()[0] == "OK"
assert m.close()[0] == "OK" and m.delete("Work")[0] == "OK"
assert m.enable("CONDSTORE")[0] == "OK"
assert m.logout()[0] == "BYE"

m = imaplib.IMAP4_SSL("localhost", imaps_port, ssl_context=context)
m.authenticate("PLAIN", lambda _: b"\0" + OTHER.encode() + b"\0pw")
assert m.select()[1] == [b"1"]
m.logout()
