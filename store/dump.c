#include "store/dump.h"
#include "common/arena.h"
#include "common/b64.h"
#include "common/utf8.h"
#include "store/acl.h"
#include "store/blob.h"
#include "store/credential.h"
#include "store/dump_state.h"
#include "store/metadata.h"
#include "store/quota.h"
#include "store/schema.h"

#include <inttypes.h>

/* clang-format off */
const char *const dump_kinds[DUMP_KINDS] = {NULL, "added", "flags", "removed",
                                   "box-new", "box-gone", "box-named", "box-rights", "box-metadata", "subscription"};
const char *const dump_limits[3] = {"limit_bytes", "limit_messages", "limit_mailboxes"};
const char *const dump_used[3] = {"used_bytes", "used_messages", "used_mailboxes"};
const char *const dump_actors[4] = {"system", "smtp", "imap", "admin"};
/* clang-format on */

struct dump {
    struct txn *t;
    bool (*write)(void *arg, struct span bytes);
    void *arg;
    struct buf line;
    struct arena *a; /* for one row */
    unsigned long lines;
    enum err e; /* sticky */
    struct fault *f;
};

/* --- one line: the first field opens it --- */

static void put_name(struct dump *d, const char *name)
{
    (void)buf_addf(&d->line, "%s\"%s\":", d->line.n ? "," : "{", name);
}

static void put_quoted(struct dump *d, struct span s)
{
    if (!utf8_valid(s) && d->e == ERR_OK)
        d->e = fault_set(d->f, ERR_CORRUPT, "not UTF-8 where text should be: see mailstead check");
    (void)buf_byte(&d->line, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            (void)buf_byte(&d->line, '\\');
        if (c < 0x20)
            (void)buf_addf(&d->line, "\\u%04x", c);
        else
            (void)buf_byte(&d->line, (char)c);
    }
    (void)buf_byte(&d->line, '"');
}

static void put_text(struct dump *d, const char *name, struct span s)
{
    put_name(d, name);
    put_quoted(d, s);
}

static void put_number(struct dump *d, const char *name, uint64_t v)
{
    put_name(d, name);
    (void)buf_u64(&d->line, v);
}

static void put_signed(struct dump *d, const char *name, int64_t v)
{
    put_name(d, name);
    (void)buf_addf(&d->line, "%" PRId64, v);
}

static void put_texts(struct dump *d, const char *name, const struct span *s, size_t n)
{
    put_name(d, name);
    (void)buf_byte(&d->line, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            (void)buf_byte(&d->line, ',');
        put_quoted(d, s[i]);
    }
    (void)buf_byte(&d->line, ']');
}

static void end_line(struct dump *d)
{
    (void)buf_addz(&d->line, "}\n");
    if (d->e == ERR_OK && d->line.full)
        d->e = fault_set(d->f, ERR_LIMIT, "a line of more than %u bytes", DUMP_LINE_BYTES);
    if (d->e == ERR_OK && !d->write(d->arg, buf_span(&d->line)))
        d->e = fault_set(d->f, ERR_IO, "dump: cannot write");
    buf_reset(&d->line);
    d->lines++;
}

static void row_damaged(struct dump *d, const char *what)
{
    d->e = fault_set(d->f, ERR_CORRUPT, "%s: damaged row: see mailstead check", what);
}

/* Calls row for every row of the table, while all is well. */
static void each_row(struct dump *d, enum table table,
                     void (*row)(struct dump *d, struct span key, struct span value))
{
    struct span key, value;
    struct table_walk w;
    if (d->e != ERR_OK)
        return;
    table_walk(&w, d->t, table, SPAN(""), false);
    while (d->e == ERR_OK && table_walk_next(&w, &key, &value)) {
        arena_reset(d->a);
        row(d, key, value);
    }
    enum err end = table_walk_end(&w, d->e == ERR_OK ? d->f : NULL);
    d->e = d->e == ERR_OK ? end : d->e;
}

/* --- rows, in the order of docs/dump.md --- */

static uint64_t meta(struct dump *d, struct span key)
{
    uint64_t v = 0;
    enum err e = table_get_u64(d->t, TABLE_META, key, &v, d->f);
    if (e != ERR_OK && e != ERR_NOTFOUND && d->e == ERR_OK)
        d->e = e;
    return v;
}

static void put_head(struct dump *d)
{
    put_text(d, "mailstead", SPAN("dump"));
    put_number(d, "version", DUMP_VERSION);
    put_number(d, "modseq", meta(d, SPAN("modseq")));
    put_number(d, "id", meta(d, SPAN("id")));
    put_number(d, "uidvalidity", meta(d, SPAN("uidvalidity")));
    end_line(d);
}

static void domain_row(struct dump *d, struct span key, struct span value)
{
    uint64_t created;
    if (!schema_number(value, &created)) {
        row_damaged(d, "domain");
        return;
    }
    put_text(d, "domain", key);
    put_signed(d, "created", (int64_t)created);
    end_line(d);
}

static void account_row(struct dump *d, struct span key, struct span value)
{
    struct account account;
    struct schema_key k;
    if (key.n > 0 && key.p[0] != 'i')
        return; /* the row by id tells */
    uint64_t id;
    if (key.n == 0 || !schema_id_of(span_from(key, 1), &id) ||
        !schema_account_of(value, &account)) {
        row_damaged(d, "account");
        return;
    }
    put_number(d, "account", id);
    put_text(d, "address", account.address);
    put_text(d, "verifier", account.verifier);
    put_signed(d, "created", account.created);
    put_number(d, "floor", meta(d, schema_floor_key(&k, id)));
    bool shared;
    d->e = directory_account_shared(d->t, id, &shared, d->f);
    if (shared)
        put_number(d, "shared", 1);
    end_line(d);
}

static void put_base64(struct dump *d, const char *name, const char *bytes, size_t n)
{
    put_name(d, name);
    (void)buf_byte(&d->line, '"');
    (void)b64_encode(span_of(bytes, n), &d->line);
    (void)buf_byte(&d->line, '"');
}

static void put_app(struct dump *d, uint64_t account, const struct credential_app *app)
{
    put_text(d, "app_password", app->name);
    put_number(d, "account", account);
    put_base64(d, "digest", app->digest, CREDENTIAL_DIGEST_BYTES);
    put_base64(d, "keys", app->keys.bytes, CREDENTIAL_KEYS_BYTES);
    put_signed(d, "created", app->created);
    put_signed(d, "expires", app->expires);
    put_signed(d, "used", app->used);
    put_number(d, "protocols", app->protocols);
    put_text(d, "from", app->from);
    put_text(d, "used_from", app->used_from);
}

static void password_row(struct dump *d, struct span key, struct span value)
{
    struct credential_scram scram;
    struct credential_app app;
    uint64_t account;
    if (!credential_row_of(key, value, &account, &scram, &app)) {
        row_damaged(d, "credential");
        return;
    }
    if (app.name.n > 0) {
        put_app(d, account, &app);
    } else {
        put_base64(d, "scram", scram.salt, CREDENTIAL_SALT_BYTES);
        put_number(d, "account", account);
        put_base64(d, "keys", scram.keys.bytes, scram.own ? CREDENTIAL_KEYS_BYTES : 0);
        put_number(d, "sha1", scram.iterations[0]);
        put_number(d, "sha256", scram.iterations[1]);
        put_number(d, "sha512", scram.iterations[2]);
    }
    end_line(d);
}

/* -1 is QUOTA_NONE: readers of JSON have no larger numbers than 2^63-1. */
static void put_amount(struct dump *d, const char *const names[3], const struct quota_amount *q)
{
    put_signed(d, names[0], (int64_t)q->bytes);
    put_signed(d, names[1], (int64_t)q->messages);
    put_signed(d, names[2], (int64_t)q->mailboxes);
}

static void quota_line(struct dump *d, struct span key, struct span value)
{
    struct quota q;
    uint64_t account;
    if (!schema_id_of(key, &account) || !quota_row_of(value, &q)) {
        row_damaged(d, "quota");
        return;
    }
    put_number(d, "quota", account);
    put_amount(d, dump_limits, &q.limit);
    put_amount(d, dump_used, &q.used);
    end_line(d);
}

static void metadata_row(struct dump *d, struct span key, struct span value)
{
    uint64_t mailbox, owner;
    struct span name;
    if (!metadata_key_of(key, &mailbox, &owner, &name)) {
        row_damaged(d, "metadata");
        return;
    }
    put_text(d, "metadata", name);
    put_number(d, "mailbox", mailbox);
    put_number(d, "account", owner);
    put_base64(d, "value", value.p, value.n);
    end_line(d);
}

static void alias_row(struct dump *d, struct span key, struct span value)
{
    struct span *targets;
    size_t n;
    if (!schema_spans_of(d->a, value, &targets, &n)) {
        row_damaged(d, "alias");
        return;
    }
    put_text(d, "alias", key);
    put_texts(d, "targets", targets, n);
    end_line(d);
}

struct rights {
    struct dump *d;
    uint64_t owner;
    bool any;
};

static bool right_entry(void *arg, const struct acl_entry *e)
{
    struct rights *r = arg;
    char text[ACL_TEXT_BYTES];
    if (e->account == r->owner && !e->negative && e->rights == ACL_ALL)
        return true; /* as it is without an entry */
    if (!r->any)
        put_name(r->d, "rights");
    (void)buf_addf(&r->d->line, "%s\"%c%" PRIu64 " %s\"", r->any ? "," : "[",
                   e->negative ? '-' : '+', e->account, acl_letters(e->rights, text));
    r->any = true;
    return true;
}

/* "+17 lrs", "-0 w": account and rights; 0 is anyone. */
static void put_rights(struct dump *d, const struct mailbox *m)
{
    struct rights r = {.d = d, .owner = m->account};
    d->e = acl_each(d->t, m, right_entry, &r, d->f);
    if (r.any)
        (void)buf_byte(&d->line, ']');
}

static void mailbox_row(struct dump *d, struct span key, struct span value)
{
    struct mailbox m;
    struct span *keywords;
    uint64_t id;
    size_t n;
    if (!schema_id_of(key, &id) || !schema_mailbox_of(value, &m)) {
        row_damaged(d, "mailbox");
        return;
    }
    d->e = flags_keywords(d->t, d->a, id, &keywords, &n, d->f);
    if (d->e != ERR_OK)
        return;
    put_number(d, "mailbox", id);
    put_number(d, "account", m.account);
    put_text(d, "name", m.name);
    put_number(d, "uidvalidity", m.uidvalidity);
    put_number(d, "uidnext", m.uidnext);
    put_number(d, "highestmodseq", m.highestmodseq);
    put_number(d, "messages", m.messages);
    put_number(d, "unseen", m.unseen);
    put_number(d, "deleted", m.deleted);
    put_number(d, "bytes", m.bytes);
    put_number(d, "deleted_bytes", m.deleted_bytes);
    put_number(d, "recent_from", m.recent_from);
    put_number(d, "uses", m.uses);
    put_signed(d, "created", m.created);
    put_texts(d, "keywords", keywords, n);
    m.id = id;
    put_rights(d, &m);
    end_line(d);
}

static void subscription_row(struct dump *d, struct span key, struct span value)
{
    uint64_t account;
    struct span name;
    (void)value;
    if (!schema_name_of(key, &account, &name)) {
        row_damaged(d, "subscription");
        return;
    }
    put_text(d, "subscription", name);
    put_number(d, "account", account);
    end_line(d);
}

/* What rows of messages and of the bin have in common. */
static void put_msg(struct dump *d, const struct msg *m)
{
    struct span flags[FLAGS_SYSTEM_COUNT];
    size_t n = 0;
    for (unsigned i = 0; i < FLAGS_SYSTEM_COUNT; i++) {
        if (m->flags >> i & 1)
            flags[n++] = span_cstr(flags_system_names[i]);
    }
    put_number(d, "modseq", m->modseq);
    put_signed(d, "date", m->internal.utc);
    put_signed(d, "zone", m->internal.zone_minutes);
    put_signed(d, "saved", m->saved);
    put_number(d, "body", m->blob);
    put_number(d, "bytes", m->bytes);
    put_number(d, "thread", m->thread);
    put_texts(d, "flags", flags, n);
}

static void msg_row(struct dump *d, struct span key, struct span value)
{
    struct msg m;
    uint64_t mailbox;
    uint32_t uid;
    if (!schema_pair_of(key, &mailbox, &uid) || !schema_msg_of(value, &m)) {
        row_damaged(d, "message");
        return;
    }
    put_number(d, "message", uid);
    put_number(d, "mailbox", mailbox);
    put_msg(d, &m);
    put_name(d, "keywords");
    const char *between = "[";
    for (size_t i = 0; i < m.keywords.n * 8; i++) {
        if (!flags_bit(m.keywords, i))
            continue;
        (void)buf_addf(&d->line, "%s%zu", between, i);
        between = ",";
    }
    (void)buf_addz(&d->line, *between == '[' ? "[]" : "]");
    end_line(d);
}

static void bin_row(struct dump *d, struct span key, struct span value)
{
    struct bin_item item;
    if (!schema_bin_of(d->a, key, value, &item)) {
        row_damaged(d, "bin");
        return;
    }
    put_number(d, "bin", item.msg.uid);
    put_number(d, "account", item.account);
    put_signed(d, "when", item.when);
    put_number(d, "mailbox", item.mailbox);
    put_text(d, "name", item.name);
    put_msg(d, &item.msg);
    put_texts(d, "keywords", item.keywords, item.keyword_count);
    end_line(d);
}

static void change_row(struct dump *d, struct span key, struct span value)
{
    struct schema_change c;
    struct uidset uids = {0};
    if (!schema_change_of(key, value, &c) || !uidset_unpack(&uids, c.packed)) {
        row_damaged(d, "change");
    } else {
        put_number(d, "change", c.change.modseq);
        put_number(d, "account", c.change.account);
        put_number(d, "mailbox", c.change.mailbox);
        put_text(d, "kind", span_cstr(dump_kinds[c.change.kind]));
        put_signed(d, "when", c.when);
        put_text(d, "by", span_cstr(dump_actors[c.change.by.kind]));
        put_number(d, "as", c.change.by.account);
        put_text(d, "session", span_cstr(c.change.by.session.text));
        put_name(d, "uids");
        (void)buf_byte(&d->line, '"');
        (void)uidset_text(&uids, &d->line);
        (void)buf_byte(&d->line, '"');
        end_line(d);
    }
    uidset_fini(&uids);
}

static void thread_row(struct dump *d, struct span key, struct span value)
{
    uint64_t account, message_id, thread;
    if (!schema_thread_of(key, &account, &message_id) || !schema_number(value, &thread)) {
        row_damaged(d, "thread");
        return;
    }
    put_name(d, "message_id");
    (void)buf_addf(&d->line, "\"%016" PRIx64 "\"", message_id);
    put_number(d, "account", account);
    put_number(d, "thread", thread);
    end_line(d);
}

static void put_data(struct dump *d, struct span bytes)
{
    for (size_t at = 0; at < bytes.n && d->e == ERR_OK; at += DUMP_PIECE_BYTES) {
        put_name(d, "data");
        (void)buf_byte(&d->line, '"');
        (void)b64_encode(span_to(span_from(bytes, at), DUMP_PIECE_BYTES), &d->line);
        (void)buf_byte(&d->line, '"');
        end_line(d);
    }
}

static void body_row(struct dump *d, struct span key, struct span value)
{
    struct blob_info info;
    uint64_t id;
    (void)value;
    if (!schema_id_of(key, &id)) {
        row_damaged(d, "body");
        return;
    }
    d->e = blob_info(d->t, id, &info, d->f);
    if (d->e != ERR_OK)
        return;
    put_number(d, "body", id);
    put_number(d, "bytes", info.bytes);
    put_number(d, "refs", info.refs);
    end_line(d);
    struct buf chunk;
    buf_init(&chunk, BLOB_CHUNK_BYTES);
    for (uint64_t at = 0; at < info.bytes && d->e == ERR_OK; at += BLOB_CHUNK_BYTES) {
        buf_reset(&chunk);
        d->e = blob_read(d->t, id, at, BLOB_CHUNK_BYTES, &chunk, d->f);
        put_data(d, buf_span(&chunk));
    }
    buf_fini(&chunk);
}

static void put_all(struct dump *d)
{
    /* clang-format off */
    static const struct {
        enum table table;
        void (*row)(struct dump *d, struct span key, struct span value);
    } tables[] = {
        {TABLE_DOMAIN, domain_row},   {TABLE_ACCOUNT, account_row},
        {TABLE_PASSWORD, password_row}, {TABLE_QUOTA, quota_line},
        {TABLE_ALIAS, alias_row},     {TABLE_MAILBOX, mailbox_row},
        {TABLE_SUBSCRIPTION, subscription_row}, {TABLE_METADATA, metadata_row},
        {TABLE_MSG, msg_row},         {TABLE_BIN, bin_row},
        {TABLE_CHANGES, change_row},  {TABLE_THREAD, thread_row},
        {TABLE_BODY, body_row},
    };
    /* clang-format on */
    put_head(d);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        each_row(d, tables[i].table, tables[i].row);
    if (d->e != ERR_OK)
        return;
    put_number(d, "end", d->lines);
    end_line(d);
}

enum err dump_write(struct store *st, bool (*write)(void *arg, struct span bytes), void *arg,
                    struct fault *f)
{
    struct dump d = {.write = write, .arg = arg, .f = f};
    enum err e = txn_read(st, &d.t, f);
    if (e != ERR_OK)
        return e;
    d.a = arena_new();
    buf_init(&d.line, DUMP_LINE_BYTES);
    put_all(&d);
    buf_fini(&d.line);
    arena_free(&d.a);
    txn_read_end(&d.t);
    return d.e;
}
