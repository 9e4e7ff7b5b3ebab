/* WHAT THE STORE KEEPS
 *
 * Each table below has keys and values of bytes: offset, size, meaning. Numbers in keys are
 * big-endian, so that keys sort as they should; numbers in values are little-endian. "uN" is an
 * unsigned number of N bits, "iN" a signed one; "text" goes on to the end unless its length stands
 * before it. Times are seconds since 1970 UTC. Addresses and domains stand in the form of
 * address_key and address_domain_key.
 *
 * META            one row for each number of the store
 *   key             "format"        version of this page: 2
 *                   "modseq"        the last MODSEQ given: one counter for the whole store, which
 *                                   goes one step on for each operation
 *                   "id"            the last id given to an account or a mailbox
 *                   "uidvalidity"   the last UIDVALIDITY given
 *                   "blob_high"     body ids from here on have not been given
 *                   "floor" u64     of that account: changes up to this MODSEQ have been forgotten
 *                   "bin_next"      the account with which the next round for what is too old in
 *                                   the bin begins; absent: the first
 *                   "changes_next"  likewise for the change log
 *                   "auth_secret"   a random number: salts for users who are not there come from it
 *   value   0   8   u64
 *
 * DOMAIN          the domains whose mail is ours
 *   key             text: the domain
 *   value   0   8   i64 when it was made
 *
 * ACCOUNT         two rows each
 *   key     0   1   "a"
 *           1       text: the address
 *   value   0   8   u64 its id
 *   key     0   1   "i"
 *           1   8   u64 id
 *   value   0   8   i64 when it was made
 *           8   2   u16 length of the address
 *          10       text: the address
 *                   text: the verifier, empty where nobody can log in
 *                 and, of one that several share (RFC 2342), a third one
 *   key     0   1   "s"
 *           1   8   u64 id
 *   value           empty
 *
 * ALIAS           where mail for an address goes instead
 *   key             text: the address, or "@" and the domain for all that is not there
 *   value   0   2   u16 number of targets; then each:
 *           0   2     u16 length
 *           2         text: the address
 *
 * NAME            the mailboxes of an account in order of their names
 *   key     0   8   u64 account
 *           8       text: the name in UTF-8, levels divided by "/"; INBOX as the first level
 *                   always in upper case
 *   value   0   8   u64 mailbox
 *
 * SUBSCRIPTION    the names to which an account is subscribed; the mailbox need not be there
 *   key             as in NAME
 *   value           empty
 *
 * MAILBOX
 *   key     0   8   u64 mailbox
 *   value   0   8   u64 account
 *           8   4   u32 UIDVALIDITY
 *          12   4   u32 UIDNEXT
 *          16   8   u64 HIGHESTMODSEQ
 *          24   4   u32 messages
 *          28   4   u32 of them without \Seen
 *          32   4   u32 of them with \Deleted
 *          36   4   u32 messages from this UID on are recent
 *          40   8   u64 bytes of all messages
 *          48   4   u32 special uses, enum mailbox_use
 *          52   2   u16 number of keywords
 *          54   8   i64 when it was made
 *          62   8   u64 bytes of the messages with \Deleted
 *          70       text: the name
 *
 * KEYWORD         the names of a mailbox's keywords
 *   key     0   8   u64 mailbox
 *           8   2   u16 number of the bit, from 0
 *   value           text: the name in the case first used
 *
 * MSG             the messages of a mailbox in UID order
 *   key     0   8   u64 mailbox
 *           8   4   u32 UID
 *   value   0   8   u64 MODSEQ
 *           8   8   i64 INTERNALDATE
 *          16   8   i64 when it came into this mailbox
 *          24   8   u64 body
 *          32   8   u64 bytes of the message
 *          40   2   i16 zone of INTERNALDATE in minutes, east positive
 *          42   1   u8 flags, enum flags_system
 *          43   8   u64 its thread in this account, 0: none
 *          51       keywords: bit i is (byte i / 8 >> i % 8) & 1; no zero byte at the end; at
 *                   most 512 bytes
 *
 * BODY            the bytes of messages: written once, counted
 *   key     0   8   u64 body
 *   value   0   8   u64 bytes
 *           8   4   u32 references: the rows of MSG and BIN that name it
 *          12   4   u32 chunks
 *
 * OUTLINE         what message/outline.c found in a body
 *   key     0   8   u64 body
 *   value           the record; or, where that is shorter:
 *           0   1   u8 1
 *           1   4   u32 length of the record
 *           5       one frame of Zstandard, with the words of store/outline_row.c as its dictionary
 *
 * CHUNK           pieces of 64 KiB, the last one shorter
 *   key     0   8   u64 body
 *           8   4   u32 number from 0
 *   value   0   1   u8 encoding; 0: the bytes follow
 *                   1: 1 4 u32 length of the piece
 *                      5   one frame of Zstandard
 *
 * PENDING         bodies some of whose chunks have been written ahead, without a message so far
 *   key     0   8   u64 body
 *   value           empty
 *
 * CHANGES         what changed, by whom: one row for each operation, mailbox and kind
 *   key     0   8   u64 account
 *           8   8   u64 MODSEQ of the operation
 *          16   8   u64 mailbox
 *          24   1   u8 enum change_kind
 *   value   0   8   i64 when
 *           8   1   u8 enum actor_kind
 *           9   8   u64 account as whom, 0 for nobody
 *          17  16   text of the session, filled with NULs
 *          33       the UIDs as pairs of u32: first and last of each range
 *
 * BIN             expunged messages until their time is up
 *   key     0   8   u64 account
 *           8   8   i64 when it was expunged, with the sign bit turned round
 *          16   8   u64 mailbox, which may be gone
 *          24   4   u32 UID that it had
 *   value   0  51   as in MSG, without the keywords
 *          51   2   u16 length of the mailbox's name
 *          53       text: the name
 *               2   u16 number of keywords; then each as the targets of an ALIAS
 *
 * GLANCE          what SELECT found in a large mailbox: a hint that is brought up to date from CHANGES; not in a dump
 *   key     0   8   u64 mailbox
 *   value   0   8   u64 HIGHESTMODSEQ at that time
 *           8   4   u32 UID of the first message without \Seen, 0: none
 *          12       the UIDs as pairs of u32: first and last of each range
 *
 * DIGEST          what sorting and threading want to know of a body: also in its outline, here to be read for many; not in a dump
 *   key     0   8   u64 body
 *   value           the record of message/digest.c
 *
 * THREAD          to which conversation of an account a Message-ID belongs: those of its messages and what they refer to
 *   key     0   8   u64 account
 *           8   8   u64 hash of the Message-ID, digest_hash_id
 *   value   0   8   u64 thread: the body with which it began
 *
 * ACL             the rights on mailboxes, RFC 4314: two rows for each entry that somebody made
 *   key     0   1   "m"
 *           1   8   u64 mailbox
 *           9   1   "+" for rights given, "-" for rights taken away
 *          10   8   u64 account, 0: anyone
 *   value   0   2   u16 bits of enum acl_right, not 0; of the owner's own "+" always l and a
 *   key     0   1   "w"
 *           1   8   u64 account, 0: anyone
 *           9   8   u64 mailbox
 *          17   1   "+" or "-"
 *   value           empty
 *
 * PASSWORD        what an account can log in with besides its verifier
 *   key     0   8   u64 account
 *           8   1   "s"
 *   value   0   1   u8 1: keys of the account's own password stand at the end, 0: they do not
 *           1  16   salt of SCRAM, of the password and of all app passwords
 *          17  12   u32 iterations with SHA-1, SHA-256, SHA-512
 *          29 232   StoredKey and ServerKey of each of them: 2 of 20, 2 of 32, 2 of 64 bytes
 *   key     0   8   u64 account
 *           8   1   "a"
 *           9       text: the name of an app password
 *   value   0  32   SHA-256 of the account's id and the password
 *          32 232   keys as above
 *         264   8   i64 when it was made
 *         272   8   i64 when it expires, 0: never
 *         280   8   i64 when it was last used, 0: never
 *         288   1   u8 protocols: 1 IMAP, 2 submission, 4 POP3
 *         289   2   u16 length of the networks
 *         291       text: networks from which it may be used, with commas; empty: from everywhere
 *                   text: the address of the last use
 *
 * QUOTA           what an account may keep and keeps
 *   key     0   8   u64 account
 *   value   0   8   u64 limit: bytes of messages; 0: the default, 2^64-1: none
 *           8   8   u64 likewise messages
 *          16   8   u64 likewise mailboxes
 *          24   8   u64 bytes kept; the bin does not count
 *          32   8   u64 messages
 *          40   8   u64 mailboxes
 *
 * METADATA        annotations, RFC 5464
 *   key     0   8   u64 mailbox; 0: of the server
 *           8   8   u64 0 for /shared; else the account whose /private it is
 *          16       text: the name, in lower case
 *   value           bytes
 *
 * INDEX           which bodies have which three bytes of folded text (docs/search-index.md): segments of up to 4,096
 *                 bodies, each a table of bits with a column for a body and a line for a gram; not in a dump
 *   key     0   1   "h"
 *           1   8   u64 segment
 *   value   0   4   u32 columns
 *           4   8   u64 bytes of its posting rows
 *          12       for each column, by ascending body: LEB128 of (the body less the one before) << 1 | wide;
 *                   wide: the body has no bits and is never ruled out
 *                 and posting rows, which mean nothing without it
 *   key     0   1   "p"
 *           1   8   u64 segment
 *           9   4   u32 gram of the first line: its three bytes, before them 0: in a header, 1: in the body
 *   value           for each line LEB128 of the gram less the one before; LEB128 of (its bytes << 2 | kind); bytes:
 *                   kind 0: the columns that have it, in Rice code, kind 1: those that have not, 2: a bit for each
 *                   (store/index_row.c)
 *
 * INVARIANTS of every commit; store/check.c proves them by these numbers
 *   (I1)  Every key and value has the form given here.
 *   (I2)  The UIDNEXT of a mailbox is larger than every UID it ever gave, and not smaller than the
 *         UID from which its messages are recent.
 *   (I3)  The messages, unseen, deleted, bytes and deleted bytes of a mailbox are those of its rows.
 *   (I4)  The MODSEQ of a message is not larger than its mailbox's HIGHESTMODSEQ; that and the MODSEQ
 *         of every change are not larger than the store's "modseq"; none is 0.
 *   (I5)  One name leads to each mailbox, and it is the one in the mailbox's row.
 *   (I6)  The account of every mailbox, subscription, credential, change, thread and row of the bin is there; so is
 *         the mailbox of every message and keyword.
 *   (I7)  A body counts as many references as there are messages and rows of the bin that name it, at
 *         least one; these name no body that is not there.
 *   (I8)  The chunks of a body are there, numbered from 0, and hold as many bytes as the body has.
 *   (I9)  A body has an outline that can be read and is of as many bytes, and a digest that can be read.
 *   (I10) A chunk, an outline or a digest belongs to a body; a chunk may belong to a pending one instead.
 *   (I11) The keywords of a mailbox are numbered from 0 without a gap, as many as it counts, no two of
 *         them the same but for case; a message has no others.
 *   (I12) No id, UIDVALIDITY or body id is beyond the counter that gave it, and no two mailboxes have
 *         the same UIDVALIDITY.
 *   (I13) The two rows of an account agree, and every account has its INBOX.
 *   (I14) The change log of an account does not reach back behind its floor.
 *   (I15) A glance belongs to a mailbox, and is not newer than its HIGHESTMODSEQ.
 *   (I16) The two rows of an entry of ACL agree, and its mailbox and account are there.
 *   (I17) The quota of an account counts what its mailboxes hold, and how many they are.
 *   (I18) No segment of INDEX rules out a text that one of its bodies has: each gram of the body has a line there, and in it
 *         the bit of the body's column. */
#include "store/schema.h"
#include "common/le.h"
#include "common/must.h"
#include "store/glance.h"

/* --- keys --- */

struct span schema_id_key(struct schema_key *k, uint64_t id)
{
    be_put(k->bytes, id, 8);
    return span_of(k->bytes, 8);
}

struct span schema_name_key(struct schema_key *k, uint64_t account, struct span name)
{
    must(name.n <= MAILBOX_NAME_BYTES);
    struct span inbox = SPAN("INBOX");
    be_put(k->bytes, account, 8);
    if (name.n)
        memcpy(k->bytes + 8, name.p, name.n);
    if (span_starts_ci(name, inbox) && (name.n == inbox.n || name.p[inbox.n] == '/'))
        memcpy(k->bytes + 8, inbox.p, inbox.n);
    return span_of(k->bytes, 8 + name.n);
}

struct span schema_address_key(struct schema_key *k, struct span address)
{
    must(address.n <= SCHEMA_ADDRESS_BYTES);
    k->bytes[0] = 'a';
    if (address.n)
        memcpy(k->bytes + 1, address.p, address.n);
    return span_of(k->bytes, 1 + address.n);
}

struct span schema_account_key(struct schema_key *k, uint64_t id)
{
    k->bytes[0] = 'i';
    be_put(k->bytes + 1, id, 8);
    return span_of(k->bytes, 9);
}

struct span schema_shared_key(struct schema_key *k, uint64_t id)
{
    k->bytes[0] = 's';
    be_put(k->bytes + 1, id, 8);
    return span_of(k->bytes, 9);
}

struct span schema_keyword_key(struct schema_key *k, uint64_t mailbox, uint16_t index)
{
    be_put(k->bytes, mailbox, 8);
    be_put(k->bytes + 8, index, 2);
    return span_of(k->bytes, 10);
}

static struct span pair_key(struct schema_key *k, uint64_t id, uint32_t n)
{
    be_put(k->bytes, id, 8);
    be_put(k->bytes + 8, n, 4);
    return span_of(k->bytes, 12);
}

struct span schema_msg_key(struct schema_key *k, uint64_t mailbox, uint32_t uid)
{
    return pair_key(k, mailbox, uid);
}

struct span schema_chunk_key(struct schema_key *k, uint64_t body, uint32_t n)
{
    return pair_key(k, body, n);
}

struct span schema_change_key(struct schema_key *k, uint64_t account, uint64_t modseq,
                              uint64_t mailbox, unsigned kind)
{
    be_put(k->bytes, account, 8);
    be_put(k->bytes + 8, modseq, 8);
    be_put(k->bytes + 16, mailbox, 8);
    k->bytes[24] = (char)kind;
    return span_of(k->bytes, 25);
}

/* So that times before 1970 sort before those after it. */
#define SIGN_BIT (UINT64_C(1) << 63)

struct span schema_bin_key(struct schema_key *k, uint64_t account, int64_t when, uint64_t mailbox,
                           uint32_t uid)
{
    be_put(k->bytes, account, 8);
    be_put(k->bytes + 8, (uint64_t)when ^ SIGN_BIT, 8);
    be_put(k->bytes + 16, mailbox, 8);
    be_put(k->bytes + 24, uid, 4);
    return span_of(k->bytes, 28);
}

struct span schema_thread_key(struct schema_key *k, uint64_t account, uint64_t message_id)
{
    be_put(k->bytes, account, 8);
    be_put(k->bytes + 8, message_id, 8);
    return span_of(k->bytes, 16);
}

#define FLOOR SPAN("floor")

struct span schema_floor_key(struct schema_key *k, uint64_t account)
{
    memcpy(k->bytes, FLOOR.p, FLOOR.n);
    be_put(k->bytes + FLOOR.n, account, 8);
    return span_of(k->bytes, FLOOR.n + 8);
}

bool schema_has_prefix(struct span key, struct span prefix)
{
    return span_eq(span_to(key, prefix.n), prefix);
}

bool schema_id_of(struct span key, uint64_t *id)
{
    if (key.n != 8)
        return false;
    *id = be_get(key.p, 8);
    return true;
}

bool schema_name_of(struct span key, uint64_t *account, struct span *name)
{
    if (key.n <= 8 || key.n > 8 + MAILBOX_NAME_BYTES)
        return false;
    *account = be_get(key.p, 8);
    *name = span_from(key, 8);
    return true;
}

bool schema_pair_of(struct span key, uint64_t *id, uint32_t *n)
{
    if (key.n != 12)
        return false;
    *id = be_get(key.p, 8);
    *n = (uint32_t)be_get(key.p + 8, 4);
    return true;
}

bool schema_keyword_of(struct span key, uint64_t *mailbox, uint16_t *index)
{
    if (key.n != 10)
        return false;
    *mailbox = be_get(key.p, 8);
    *index = (uint16_t)be_get(key.p + 8, 2);
    return true;
}

bool schema_thread_of(struct span key, uint64_t *account, uint64_t *message_id)
{
    if (key.n != 16)
        return false;
    *account = be_get(key.p, 8);
    *message_id = be_get(key.p + 8, 8);
    return *message_id != 0;
}

bool schema_floor_of(struct span key, uint64_t *account)
{
    if (key.n != FLOOR.n + 8 || !schema_has_prefix(key, FLOOR))
        return false;
    *account = be_get(key.p + FLOOR.n, 8);
    return true;
}

/* --- values --- */

bool schema_number(struct span value, uint64_t *out)
{
    if (value.n != 8)
        return false;
    *out = le_get(value.p, 8);
    return true;
}

struct span schema_number_value(char bytes[8], uint64_t v)
{
    le_put(bytes, v, 8);
    return span_of(bytes, 8);
}

struct span schema_mailbox(char row[SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES],
                           const struct mailbox *m)
{
    must(m->name.n > 0 && m->name.n <= MAILBOX_NAME_BYTES);
    le_put(row, m->account, 8);
    le_put(row + 8, m->uidvalidity, 4);
    le_put(row + 12, m->uidnext, 4);
    le_put(row + 16, m->highestmodseq, 8);
    le_put(row + 24, m->messages, 4);
    le_put(row + 28, m->unseen, 4);
    le_put(row + 32, m->deleted, 4);
    le_put(row + 36, m->recent_from, 4);
    le_put(row + 40, m->bytes, 8);
    le_put(row + 48, m->uses, 4);
    le_put(row + 52, m->keyword_count, 2);
    le_put(row + 54, (uint64_t)m->created, 8);
    le_put(row + 62, m->deleted_bytes, 8);
    memcpy(row + SCHEMA_MAILBOX_BYTES, m->name.p, m->name.n);
    return span_of(row, SCHEMA_MAILBOX_BYTES + m->name.n);
}

bool schema_mailbox_of(struct span value, struct mailbox *out)
{
    const char *p = value.p;
    if (value.n <= SCHEMA_MAILBOX_BYTES || value.n > SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES)
        return false;
    *out = (struct mailbox){
        .account = le_get(p, 8),
        .uidvalidity = le_get32(p + 8),
        .uidnext = le_get32(p + 12),
        .highestmodseq = le_get(p + 16, 8),
        .messages = le_get32(p + 24),
        .unseen = le_get32(p + 28),
        .deleted = le_get32(p + 32),
        .recent_from = le_get32(p + 36),
        .bytes = le_get(p + 40, 8),
        .uses = le_get32(p + 48),
        .keyword_count = (uint32_t)le_get(p + 52, 2),
        .created = (int64_t)le_get(p + 54, 8),
        .deleted_bytes = le_get(p + 62, 8),
        .name = span_from(value, SCHEMA_MAILBOX_BYTES),
    };
    return out->uidnext > 0 && out->uidvalidity > 0 && out->keyword_count <= MAILBOX_KEYWORD_COUNT;
}

static void put_msg(char *row, const struct msg *m)
{
    le_put(row, m->modseq, 8);
    le_put(row + 8, (uint64_t)m->internal.utc, 8);
    le_put(row + 16, (uint64_t)m->saved, 8);
    le_put(row + 24, m->blob, 8);
    le_put(row + 32, m->bytes, 8);
    le_put(row + 40, (uint16_t)(int16_t)m->internal.zone_minutes, 2);
    row[42] = (char)m->flags;
    le_put(row + 43, m->thread, 8);
}

static void get_msg(const char *row, struct msg *out)
{
    *out = (struct msg){
        .modseq = le_get(row, 8),
        .internal = {(int64_t)le_get(row + 8, 8), (int16_t)le_get(row + 40, 2)},
        .saved = (int64_t)le_get(row + 16, 8),
        .blob = le_get(row + 24, 8),
        .bytes = le_get(row + 32, 8),
        .flags = (unsigned char)row[42],
        .thread = le_get(row + 43, 8),
    };
}

struct span schema_msg(struct schema_msg *row, const struct msg *m)
{
    must(m->keywords.n <= SCHEMA_KEYWORDS_BYTES);
    put_msg(row->bytes, m);
    if (m->keywords.n)
        memcpy(row->bytes + SCHEMA_MSG_BYTES, m->keywords.p, m->keywords.n);
    return span_of(row->bytes, SCHEMA_MSG_BYTES + m->keywords.n);
}

bool schema_msg_of(struct span value, struct msg *out)
{
    if (value.n < SCHEMA_MSG_BYTES || value.n > SCHEMA_MSG_BYTES + SCHEMA_KEYWORDS_BYTES)
        return false;
    get_msg(value.p, out);
    out->keywords = span_from(value, SCHEMA_MSG_BYTES);
    return true;
}

void schema_account(const struct account *a, struct buf *out)
{
    char row[10];
    must(a->address.n <= SCHEMA_ADDRESS_BYTES);
    le_put(row, (uint64_t)a->created, 8);
    le_put(row + 8, a->address.n, 2);
    buf_reset(out);
    (void)buf_add(out, span_of(row, sizeof row));
    (void)buf_add(out, a->address);
    (void)buf_add(out, a->verifier);
}

bool schema_account_of(struct span value, struct account *out)
{
    if (value.n < 10)
        return false;
    size_t n = (size_t)le_get(value.p + 8, 2);
    if (n == 0 || n > SCHEMA_ADDRESS_BYTES || n > value.n - 10)
        return false;
    *out = (struct account){
        .created = (int64_t)le_get(value.p, 8),
        .address = span_of(value.p + 10, n),
        .verifier = span_from(value, 10 + n),
    };
    return true;
}

static void add_counted(struct span s, struct buf *out)
{
    char length[2];
    must(s.n <= UINT16_MAX);
    le_put(length, s.n, 2);
    (void)buf_add(out, span_of(length, 2));
    (void)buf_add(out, s);
}

static bool take_counted(struct span *rest, struct span *out)
{
    if (rest->n < 2)
        return false;
    size_t n = (size_t)le_get(rest->p, 2);
    if (n > rest->n - 2)
        return false;
    *out = span_of(rest->p + 2, n);
    *rest = span_from(*rest, 2 + n);
    return true;
}

void schema_spans(const struct span *spans, size_t n, struct buf *out)
{
    char count[2];
    must(n <= UINT16_MAX);
    le_put(count, n, 2);
    (void)buf_add(out, span_of(count, 2));
    for (size_t i = 0; i < n; i++)
        add_counted(spans[i], out);
}

bool schema_spans_of(struct arena *a, struct span value, struct span **out, size_t *n_out)
{
    if (value.n < 2)
        return false;
    size_t n = (size_t)le_get(value.p, 2);
    struct span rest = span_from(value, 2);
    if (n > rest.n / 2)
        return false;
    struct span *spans = arena_alloc(a, n * sizeof *spans);
    for (size_t i = 0; i < n; i++) {
        if (!take_counted(&rest, &spans[i]))
            return false;
    }
    *out = spans;
    *n_out = n;
    return rest.n == 0;
}

void schema_change(const struct schema_change *c, struct buf *out)
{
    char row[SCHEMA_CHANGE_BYTES];
    const struct actor *by = &c->change.by;
    le_put(row, (uint64_t)c->when, 8);
    row[8] = (char)by->kind;
    le_put(row + 9, by->account, 8);
    memset(row + 17, 0, ID_BYTES);
    memcpy(row + 17, by->session.text, strnlen(by->session.text, ID_BYTES - 1));
    buf_reset(out);
    (void)buf_add(out, span_of(row, sizeof row));
    (void)buf_add(out, c->packed);
}

bool schema_change_of(struct span key, struct span value, struct schema_change *out)
{
    if (key.n != 25 || value.n < SCHEMA_CHANGE_BYTES)
        return false;
    unsigned kind = (unsigned char)key.p[24], by = (unsigned char)value.p[8];
    if (kind < CHANGE_ADDED || kind > CHANGE_SUBSCRIPTION || by > ACTOR_ADMIN || value.p[32])
        return false;
    *out = (struct schema_change){
        .change = {.account = be_get(key.p, 8),
                   .modseq = be_get(key.p + 8, 8),
                   .mailbox = be_get(key.p + 16, 8),
                   .kind = (enum change_kind)kind,
                   .by = {.kind = (enum actor_kind)by, .account = le_get(value.p + 9, 8)}},
        .when = (int64_t)le_get(value.p, 8),
        .packed = span_from(value, SCHEMA_CHANGE_BYTES),
    };
    memcpy(out->change.by.session.text, value.p + 17, ID_BYTES);
    return true;
}

void schema_bin(const struct bin_item *item, struct buf *out)
{
    char row[SCHEMA_MSG_BYTES];
    put_msg(row, &item->msg);
    buf_reset(out);
    (void)buf_add(out, span_of(row, sizeof row));
    add_counted(item->name, out);
    schema_spans(item->keywords, item->keyword_count, out);
}

bool schema_bin_of(struct arena *a, struct span key, struct span value, struct bin_item *out)
{
    struct span *keywords;
    if (key.n != 28 || value.n < SCHEMA_MSG_BYTES)
        return false;
    *out = (struct bin_item){
        .account = be_get(key.p, 8),
        .when = (int64_t)(be_get(key.p + 8, 8) ^ SIGN_BIT),
        .mailbox = be_get(key.p + 16, 8),
    };
    get_msg(value.p, &out->msg);
    out->msg.uid = (uint32_t)be_get(key.p + 24, 4);
    struct span rest = span_from(value, SCHEMA_MSG_BYTES);
    if (!take_counted(&rest, &out->name) || out->name.n == 0 || out->name.n > MAILBOX_NAME_BYTES ||
        !schema_spans_of(a, rest, &keywords, &out->keyword_count))
        return false;
    out->keywords = keywords;
    return out->keyword_count <= MAILBOX_KEYWORD_COUNT;
}

/* --- glances --- */

void schema_glance(const struct glance *g, struct buf *out)
{
    char head[SCHEMA_GLANCE_BYTES];
    le_put(head, g->modseq, 8);
    le_put(head + 8, g->first_unseen, 4);
    buf_reset(out);
    buf_add(out, span_of(head, sizeof head));
    (void)uidset_pack(&g->uids, out); /* out has room: GLANCE_RANGES_MAX */
}

bool schema_glance_of(struct span value, struct glance *out)
{
    *out = (struct glance){0};
    if (value.n < SCHEMA_GLANCE_BYTES)
        return false;
    out->modseq = le_get(value.p, 8);
    out->first_unseen = le_get32(value.p + 8);
    if (uidset_unpack(&out->uids, span_from(value, SCHEMA_GLANCE_BYTES)))
        return true;
    uidset_fini(&out->uids);
    return false;
}
