// What programs that use imapflow do, one after the other; the first surprise ends it.
import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { ImapFlow } from 'imapflow';

const user = 'imapflow@clients.example';
const lines = [];
const logger = { debug: (o) => lines.push(o), info: (o) => lines.push(o), warn: (o) => lines.push(o), error: (o) => lines.push(o) };
const open = () => new ImapFlow({ host: '127.0.0.1', port: +process.env.IMAP_PORT, secure: false, doSTARTTLS: false, qresync: true, auth: { user, pass: 'pw' }, logger });

// the least SMTP that delivers a message
async function send(subject) {
    const s = net.connect(+process.env.SMTP_PORT, '127.0.0.1');
    let text = '', wake = () => {};
    s.on('data', (d) => { text += d; wake(); });
    const say = async (line) => {
        if (line) s.write(line + '\r\n');
        while (!/^\d{3} .*\r\n/m.test(text)) await new Promise((r) => { wake = r; });
        const got = text;
        text = '';
        return got;
    };
    for (const line of ['', 'HELO x', 'MAIL FROM:<a@x.example>', `RCPT TO:<${user}>`, 'DATA']) await say(line);
    assert.match(await say(`From: a@x.example\r\nTo: ${user}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@x>\r\n\r\nbody of ${subject}\r\n.`), /^250/);
    s.end('QUIT\r\n');
}

for (const subject of ['one', 'two', 'three']) await send(subject);
let c = open();
await c.connect();
for (const name of ['COMPRESS=DEFLATE', 'CONDSTORE', 'QRESYNC', 'OBJECTID', 'IDLE', 'MOVE', 'UIDPLUS', 'SPECIAL-USE']) assert(c.capabilities.has(name), name);
assert(c.enabled.has('QRESYNC') && c.enabled.has('CONDSTORE'));
assert(lines.some((l) => /COMPRESS/.test(JSON.stringify(l))), 'COMPRESS was not used');
const list = await c.list();
assert.equal(list.find((b) => b.specialUse === '\\Sent')?.path, 'Sent');
let box = await c.mailboxOpen('INBOX');
assert.equal(box.exists, 3);
assert(box.mailboxId && box.highestModseq > 0n);
const { uidValidity, highestModseq } = box;
const ids = {};
for await (const m of c.fetch('1:*', { uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, threadId: true })) {
    assert(m.emailId && m.threadId, 'OBJECTID');
    ids[m.envelope.subject] = m;
}
assert.equal(ids.two.bodyStructure.type, 'text/plain');
const { content } = await c.download(String(ids.two.uid), undefined, { uid: true });
let body = '';
for await (const d of content) body += d;
assert.match(body, /body of two/);
assert.deepEqual(await c.search({ subject: 'three' }, { uid: true }), [ids.three.uid]);
assert.deepEqual(await c.search({ body: 'body of on', unseen: true }, { uid: true }), [ids.one.uid]);
await c.messageFlagsAdd(String(ids.one.uid), ['\\Seen', '$Forwarded'], { uid: true });
const appended = await c.append('Sent', 'From: me@x.example\r\nSubject: sent\r\n\r\nsent\r\n', ['\\Seen'], new Date('2020-02-01T10:11:12Z'));
assert(appended.uid && appended.uidValidity);
await c.mailboxCreate(['Projekt', 'Überblick']);
const moved = await c.messageMove(String(ids.two.uid), 'Projekt/Überblick', { uid: true });
assert(moved.uidMap.has(ids.two.uid));
assert.equal((await c.status('Projekt/Überblick', { messages: true })).messages, 1);

// IDLE: a message comes while we wait
const came = once(c, 'exists');
c.idle();
await send('four');
assert.equal((await came)[0].count, 3);
await c.logout();

// QRESYNC: what changed since the first look
c = open();
const flags = [], gone = [];
c.on('flags', (e) => flags.push(e));
c.on('expunge', (e) => gone.push(e));
await c.connect();
await c.mailboxOpen('INBOX', { uidValidity, changedSince: highestModseq });
await c.noop();
assert.deepEqual(gone.map((e) => e.uid), [ids.two.uid]);
assert(gone[0].vanished && gone[0].earlier);
assert(flags.some((e) => e.uid === ids.one.uid && e.flags.has('\\Seen') && e.flags.has('$Forwarded')));
box = await c.mailboxOpen('Projekt/Überblick');
for await (const m of c.fetch('1:*', { uid: true, threadId: true })) {
    assert.equal(m.emailId, ids.two.emailId);
    assert.equal(m.threadId, ids.two.threadId);
}
const id = box.mailboxId;
await c.mailboxClose();
await c.mailboxRename('Projekt/Überblick', 'Projekt/alt');
assert.equal((await c.mailboxOpen('Projekt/alt')).mailboxId, id);
await c.mailboxDelete('Projekt/alt');
const quota = await c.getQuota('INBOX');
assert(quota === false || quota.path === 'INBOX');
await c.logout();
