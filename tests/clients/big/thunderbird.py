#!/usr/bin/env python3
"""Thunderbird under Xvfb, driven through Marionette: an account is set up, its folders are found with their roles, mail is read,
flagged, moved, deleted, searched on the server, written and kept in Sent; and new mail shows up by itself (IDLE)."""
import imaplib
import json
import os
import smtplib
import socket
import subprocess
import sys
import threading

USER = "thunderbird@clients.example"
IMAP, SMTP = int(os.environ["IMAP_PORT"]), int(os.environ["SMTP_PORT"])


class Marionette:
    """The protocol of Firefox and Thunderbird for being driven: length, colon, JSON."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.data, self.id = b"", 0
        self.read()
        self("WebDriver:NewSession", capabilities={})
        self("Marionette:SetContext", value="chrome")
        self("WebDriver:SetTimeouts", script=90000)

    def read(self):
        while b":" not in self.data:
            self.more()
        n, _, self.data = self.data.partition(b":")
        while len(self.data) < int(n):
            self.more()
        out, self.data = self.data[:int(n)], self.data[int(n):]
        return json.loads(out)

    def more(self):
        got = self.sock.recv(1 << 16)
        if not got:
            raise EOFError("Thunderbird has gone")
        self.data += got

    def __call__(self, name, **params):
        self.id += 1
        message = json.dumps([0, self.id, name, params]).encode()
        self.sock.sendall(b"%d:" % len(message) + message)
        _, _, error, value = self.read()
        if error:
            raise RuntimeError(f"{name}: {error.get('message')}")
        return value

    def run(self, script, *args):
        """Runs an async function's body in Thunderbird; a is the list of args."""
        wrapped = ("let a = [...arguments], done = a.pop(); (async () => {" + LIBRARY + script + "})()"
                   ".then(v => done({v: v === undefined ? null : v}), e => done({e: String(e) + ' ' + (e && e.stack || '')}));")
        got = self("WebDriver:ExecuteAsyncScript", script=wrapped, args=list(args), sandbox="system", newSandbox=True)["value"]
        if "e" in got:
            raise RuntimeError(got["e"])
        return got["v"]


LIBRARY = r"""
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const {setTimeout} = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
const F = Ci.nsMsgFolderFlags;
const server = () => MailServices.accounts.allServers.find(s => s.type == "imap");
const folder = name => server().rootFolder.descendants.find(f => f.URI.endsWith("/" + name));
const until = async (what, test) => {
    for (let i = 0; i < 600; i++) { const v = await test(); if (v) return v; await new Promise(r => setTimeout(r, 50)); }
    throw new Error("waited in vain for " + what);
};
const seen = (name, subject) => { let n = 0; return until(subject + " in " + name, () => {
    if (n++ % 40 == 0) folder(name).updateFolder(null);
    return header(folder(name), subject); }); };
const header = (f, subject) => [...f.messages].find(h => h.mime2DecodedSubject == subject);
const copied = act => new Promise((resolve, reject) => act({onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() {},
    onStopCopy(code) { code ? reject(new Error("copy " + code)) : resolve(); }, QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"])}));
"""

SET_UP = r"""
const [user, imap, smtp] = a;
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init("imap://127.0.0.1", null, "imap://127.0.0.1", user, "pw", "", "");
await Services.logins.addLoginAsync(login);
const s = MailServices.accounts.createIncomingServer(user, "127.0.0.1", "imap");
s.port = imap; s.socketType = Ci.nsMsgSocketType.plain; s.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
s.QueryInterface(Ci.nsIImapIncomingServer).useCondStore = true;
s.loginAtStartUp = false; s.password = "pw";
const o = MailServices.outgoingServer.createServer("smtp").QueryInterface(Ci.nsISmtpServer);
o.hostname = "127.0.0.1"; o.port = smtp; o.authMethod = Ci.nsMsgAuthMethod.none; o.socketType = Ci.nsMsgSocketType.plain;
const i = MailServices.accounts.createIdentity();
i.email = user; i.fullName = "Thunder Bird"; i.smtpServerKey = o.key; i.composeHtml = false;
const account = MailServices.accounts.createAccount();
account.addIdentity(i); account.incomingServer = s; s.valid = true;
MailServices.accounts.defaultAccount = account;
s.performExpand(null);
await until("the folders", () => folder("Sent") && folder("Trash") && folder("INBOX"));
"""

ROLES = r"""
const is = (name, flag) => folder(name).getFlag(flag);
return {Inbox: is("INBOX", F.Inbox), Sent: is("Sent", F.SentMail), Drafts: is("Drafts", F.Drafts), Trash: is("Trash", F.Trash), Junk: is("Junk", F.Junk), Archive: is("Archive", F.Archive)};
"""

READ = r"""
const [subject] = a, f = folder("INBOX");
const h = await until("the message", () => header(f, subject));
const uri = f.getUriForMsg(h), service = MailServices.messageServiceFromURI(uri);
const text = await new Promise((resolve, reject) => {
    const pipe = []; let reader;
    service.streamMessage(uri, {onStartRequest() {}, onDataAvailable(r, stream, at, n) {
        reader = reader || Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream); reader.init(stream); pipe.push(reader.read(n)); },
        onStopRequest(r, code) { code ? reject(new Error("stream " + code)) : resolve(pipe.join("")); }, QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"])}, null, null, false, "", false);
});
f.markMessagesRead([h], true);
return text;
"""

SEARCH = r"""
const [what, text, name] = a, f = folder(name);
const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, f);
const term = session.createTerm(); term.attrib = Ci.nsMsgSearchAttrib[what]; term.op = Ci.nsMsgSearchOp.Contains;
const value = term.value; value.attrib = term.attrib; value.str = text; term.value = value; term.booleanAnd = true;
session.appendTerm(term);
return await new Promise(resolve => {
    const hits = [];
    session.registerListener({onSearchHit(h) { hits.push(h.mime2DecodedSubject); }, onSearchDone() { resolve(hits.sort()); }, onNewSearch() {},
        QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"])});
    session.search(null);
});
"""

COMPOSE = r"""
const [to, subject, body] = a;
const params = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
fields.to = to; fields.subject = subject; fields.body = body + "\n";
params.composeFields = fields; params.format = Ci.nsIMsgCompFormat.PlainText; params.type = Ci.nsIMsgCompType.New;
params.identity = MailServices.accounts.defaultAccount.defaultIdentity;
MailServices.compose.OpenComposeWindowWithParams(null, params);
const w = await until("the window", () => [...Services.wm.getEnumerator("msgcompose")].find(x => x.document.readyState == "complete" && x.gMsgCompose && x.gMsgCompose.editor && x.composeEditorReady));
w.goDoCommand("cmd_sendNow");
await until("the end of sending", () => ![...Services.wm.getEnumerator("msgcompose")].length);
"""


def deliver(subject, body):
    with smtplib.SMTP("127.0.0.1", SMTP) as s:
        s.sendmail("ann@x.example", [USER], f"From: Ann <ann@x.example>\r\nTo: {USER}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\n{body}\r\n")


def look(mailbox):
    """What another client sees: flags and subject of each message."""
    with imaplib.IMAP4("127.0.0.1", IMAP) as m:
        m.login(USER, "pw")
        m.select(f'"{mailbox}"', readonly=True)
        return [b" ".join(x) for x in m.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if isinstance(x, tuple)]


def play(m):
    for subject in ("alpha", "beta", "gamma", "delta"):
        deliver(subject, f"the text of {subject}")
    m.run(SET_UP, USER, IMAP, SMTP)
    roles = m.run(ROLES)
    assert all(roles.values()), roles
    for subject in ("alpha", "beta", "gamma", "delta"):
        m.run('await seen("INBOX", a[0]);', subject)
    text = m.run(READ, "alpha")
    assert "the text of alpha" in text, text
    m.run('const f = folder("INBOX"); f.markMessagesFlagged([header(f, "beta")], true);')
    m.run('const f = folder("INBOX"); await copied(l => MailServices.copy.copyMessages(f, [header(f, "gamma")], folder("Archive"), true, l, null, false));')
    m.run('const f = folder("INBOX"); await copied(l => f.deleteMessages([header(f, "delta")], null, false, false, l, false));')
    m.run('await seen("Archive", "gamma"); await seen("Trash", "delta");')
    # IDLE: Thunderbird hears of it by itself
    deliver("epsilon", "the text of epsilon")
    m.run('await until("the new one", () => header(folder("INBOX"), "epsilon"));')
    assert m.run(SEARCH, "Subject", "alph", "INBOX") == ["alpha"]
    assert m.run(SEARCH, "Body", "text of", "INBOX") == ["alpha", "beta", "epsilon"]
    m.run(COMPOSE, USER, "written in Thunderbird", "with a body")
    m.run('await seen("Sent", "written in Thunderbird"); await seen("INBOX", "written in Thunderbird");')
    m.run('await new Promise(r => server().rootFolder.createSubfolder("Größe", null) || r()); await until("a folder", () => server().rootFolder.subFolders.find(f => f.localizedName == "Größe" || f.name == "Größe"));')
    inbox = look("INBOX")
    assert any(b"alpha" in x and b"\\Seen" in x for x in inbox) and any(b"beta" in x and b"\\Flagged" in x for x in inbox), inbox
    assert not any((b"gamma" in x or b"delta" in x) and b"\\Deleted" not in x for x in inbox), inbox
    for mailbox, subject in (("Archive", b"gamma"), ("Trash", b"delta"), ("Sent", b"written in Thunderbird")):
        assert any(subject in x for x in look(mailbox)), mailbox


def main():
    profile = os.path.join(os.getcwd(), "profile")
    os.mkdir(profile)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(os.path.join(profile, "user.js"), "w", encoding="ascii") as f:
        for name, value in {"marionette.port": port, "app.update.enabled": False, "datareporting.policy.dataSubmissionEnabled": False,
                            "mail.shell.checkDefaultClient": False, "mailnews.start_page.enabled": False, "mail.provider.enabled": False,
                            "toolkit.telemetry.enabled": False, "network.dns.disabled": False, "mail.warn_on_send_accel_key": False,
                            "mail.imap.use_envelope_cmd": False, "mailnews.downloadToTempFile": False, "network.proxy.type": 0,
                            "services.settings.server": "http://127.0.0.1:1/", "mail.server.default.check_new_mail": False}.items():
            f.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
    read, write = os.pipe()
    xvfb = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24"], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    display = os.read(read, 16).decode().strip()
    with open("thunderbird.log", "wb") as log:
        bird = subprocess.Popen(["thunderbird", "--marionette", "--remote-allow-system-access", "--profile", profile, "--no-remote"],
                                stdout=subprocess.PIPE, stderr=log, env={**os.environ, "DISPLAY": ":" + display, "MOZ_CRASHREPORTER_DISABLE": "1"})
    timer = threading.Timer(400, bird.kill)
    timer.start()
    try:
        active = os.path.join(profile, "MarionetteActivePort")
        while not os.path.exists(active) and bird.poll() is None:
            threading.Event().wait(0.1)  # it writes the file when it listens
        play(Marionette(port))
    finally:
        timer.cancel()
        bird.kill()
        bird.wait()
        xvfb.terminate()
        xvfb.wait()


if __name__ == "__main__":
    sys.exit(main())
