#include "common/arena.h"
#include "common/b64.h"
#include "common/mem.h"
#include "message/outline.h"
#include "store/acl.h"
#include "store/blob.h"
#include "store/blob_chunk.h"
#include "store/credential.h"
#include "store/dump.h"
#include "store/dump_state.h"
#include "store/metadata.h"
#include "store/outline_row.h"
#include "store/quota.h"
#include "store/schema.h"

#include <inttypes.h>
#include <jansson.h>

#define LOAD_BATCH_BYTES (4u << 20)
#define LOAD_BATCH_COUNT 2000
#define LOAD_READ_BYTES (64u << 10)
/* The dump does not tell which body ids were given to bodies that are gone, and none may be given
 * twice: new ones begin so far behind the largest. */
#define LOAD_BODY_GAP (UINT64_C(1) << 32)

/* A row to be added, in the order in which the dump has it. */
struct load_row {
    enum table table;
    struct span key, value;
};

struct load {
    struct store_op op; /* adds rows[] */
    struct store *store;
    long (*read)(void *arg, char *into, size_t n);
    void *arg;
    struct fault *f;
    enum err e;         /* sticky */
    unsigned long line; /* number, from 1 */
    bool ended;
    /* until the rows are in the store */
    struct arena *a;
    struct load_row rows[LOAD_BATCH_COUNT];
    size_t row_count;
    /* one line */
    struct arena *line_a;
    json_t *json;
    const char *bad; /* the first field that is not as it should be */
    /* the body whose data come */
    uint64_t body, body_bytes, body_got, body_max;
    uint32_t body_refs, body_chunks;
    struct outline_parser *parser;
    struct buf chunk, row;
    uint64_t modseq, id, uidvalidity; /* from the first line */
    bool last;
};

static void fail(struct load *l, const char *why)
{
    if (l->e == ERR_OK)
        l->e = fault_set(l->f, ERR_INVALID, "line %lu: %s", l->line, why);
}

/* --- rows into the store --- */

static enum err load_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct load *l = (struct load *)(void *)op;
    enum err e = ERR_OK;
    for (size_t i = 0; i < l->row_count && e == ERR_OK; i++) {
        const struct load_row *r = &l->rows[i];
        e = table_add(t, r->table, r->key, r->value, f);
        if (e == ERR_EXISTS)
            (void)fault_set(f, e, "what should be there once is there twice");
    }
    if (e == ERR_OK && l->last)
        e = blob_raise(t, l->body_max ? l->body_max + LOAD_BODY_GAP : 0, f);
    if (e == ERR_OK && l->last)
        txn_set_counters(t, l->modseq, l->id, (uint32_t)l->uidvalidity);
    return e;
}

static void flush(struct load *l)
{
    struct fault why = FAULT_NONE;
    if (l->e == ERR_OK)
        l->e = committer_run(l->store, &l->op, &why);
    if (l->e == ERR_EXISTS)
        l->e = fault_set(l->f, ERR_INVALID, "before line %lu: %s", l->line, why.text);
    else if (why.kind != ERR_OK)
        *l->f = why;
    l->row_count = 0;
    arena_reset(l->a);
}

static void add_row(struct load *l, enum table table, struct span key, struct span value)
{
    if (l->e != ERR_OK || l->bad)
        return;
    l->rows[l->row_count++] =
        (struct load_row){table, arena_keep(l->a, key), arena_keep(l->a, value)};
    if (l->row_count == LOAD_BATCH_COUNT || arena_used(l->a) >= LOAD_BATCH_BYTES)
        flush(l);
}

static void add_number(struct load *l, enum table table, struct span key, uint64_t v)
{
    char bytes[8];
    add_row(l, table, key, schema_number_value(bytes, v));
}

/* --- fields of a line --- */

static int64_t get_signed(struct load *l, const char *name)
{
    const json_t *v = json_object_get(l->json, name);
    if (!json_is_integer(v) && !l->bad)
        l->bad = name;
    return json_integer_value(v);
}

static uint64_t get_number(struct load *l, const char *name, uint64_t max)
{
    int64_t v = get_signed(l, name);
    if ((v < 0 || (uint64_t)v > max) && !l->bad)
        l->bad = name;
    return (uint64_t)v;
}

static uint64_t get_u64(struct load *l, const char *name)
{
    return get_number(l, name, INT64_MAX);
}

static uint32_t get_u32(struct load *l, const char *name)
{
    return (uint32_t)get_number(l, name, UINT32_MAX);
}

static struct span text_of(struct load *l, const json_t *v, const char *name, size_t max)
{
    struct span s = span_of(json_string_value(v), json_is_string(v) ? json_string_length(v) : 0);
    if ((!json_is_string(v) || s.n > max) && !l->bad)
        l->bad = name;
    return s.n > max ? SPAN("") : s;
}

static struct span get_text(struct load *l, const char *name, size_t max)
{
    return text_of(l, json_object_get(l->json, name), name, max);
}

/* A key of the directory or a name: not empty. */
static struct span get_key(struct load *l, const char *name, size_t max)
{
    struct span s = get_text(l, name, max);
    if (s.n == 0 && !l->bad)
        l->bad = name;
    return s;
}

static struct span *get_texts(struct load *l, const char *name, size_t max_count, size_t max_bytes,
                              size_t *n_out)
{
    const json_t *list = json_object_get(l->json, name);
    size_t n = json_array_size(list);
    *n_out = 0;
    if ((!json_is_array(list) || n > max_count) && !l->bad)
        l->bad = name;
    if (l->bad)
        return NULL;
    struct span *s = arena_alloc(l->line_a, n * sizeof *s);
    for (size_t i = 0; i < n; i++)
        s[i] = text_of(l, json_array_get(list, i), name, max_bytes);
    *n_out = n;
    return s;
}

/* The index of a word in a list. */
static unsigned get_word(struct load *l, const char *name, const char *const *words, unsigned n)
{
    struct span s = get_text(l, name, 64);
    for (unsigned i = 0; i < n; i++) {
        if (words[i] && span_eq(s, span_cstr(words[i])))
            return i;
    }
    if (!l->bad)
        l->bad = name;
    return 0;
}

/* --- one kind of line each --- */

static void head_line(struct load *l)
{
    if (get_number(l, "version", INT64_MAX) != DUMP_VERSION && !l->bad)
        l->bad = "version";
    l->modseq = get_u64(l, "modseq");
    l->id = get_u64(l, "id");
    l->uidvalidity = get_u32(l, "uidvalidity");
}

static void domain_line(struct load *l)
{
    add_number(l, TABLE_DOMAIN, get_key(l, "domain", SCHEMA_ADDRESS_BYTES),
               (uint64_t)get_signed(l, "created"));
}

static void account_line(struct load *l)
{
    struct schema_key k;
    struct account a = {
        .id = get_u64(l, "account"),
        .address = get_key(l, "address", SCHEMA_ADDRESS_BYTES),
        .verifier = get_text(l, "verifier", DUMP_LINE_BYTES),
        .created = get_signed(l, "created"),
    };
    uint64_t floor = get_u64(l, "floor");
    if (l->bad)
        return;
    schema_account(&a, &l->row);
    add_number(l, TABLE_ACCOUNT, schema_address_key(&k, a.address), a.id);
    add_row(l, TABLE_ACCOUNT, schema_account_key(&k, a.id), buf_span(&l->row));
    if (floor)
        add_number(l, TABLE_META, schema_floor_key(&k, a.id), floor);
    if (json_object_get(l->json, "shared"))
        add_row(l, TABLE_ACCOUNT, schema_shared_key(&k, a.id), SPAN(""));
}

/* Of just so many bytes, or none where none is allowed. False: none. */
static bool get_bytes(struct load *l, const char *name, char *out, size_t n, bool may_miss)
{
    struct span bytes = SPAN("");
    if ((!b64_decode(l->line_a, get_text(l, name, DUMP_LINE_BYTES), &bytes) ||
         (bytes.n != n && !(may_miss && bytes.n == 0))) &&
        !l->bad)
        l->bad = name;
    if (!l->bad && bytes.n)
        memcpy(out, bytes.p, n);
    return bytes.n > 0;
}

static void credential_line(struct load *l, const struct credential_scram *scram,
                            const struct credential_app *app)
{
    struct buf key;
    uint64_t account = get_u64(l, "account");
    if (l->bad)
        return;
    buf_init(&key, SIZE_MAX);
    credential_row(account, scram, app, &key, &l->row);
    add_row(l, TABLE_PASSWORD, buf_span(&key), buf_span(&l->row));
    buf_fini(&key);
}

static void scram_line(struct load *l)
{
    struct credential_scram s = {
        .iterations = {get_u32(l, "sha1"), get_u32(l, "sha256"), get_u32(l, "sha512")}};
    (void)get_bytes(l, "scram", s.salt, CREDENTIAL_SALT_BYTES, false);
    s.own = get_bytes(l, "keys", s.keys.bytes, CREDENTIAL_KEYS_BYTES, true);
    credential_line(l, &s, NULL);
}

static void app_password_line(struct load *l)
{
    struct credential_app app = {
        .name = get_key(l, "app_password", CREDENTIAL_NAME_BYTES),
        .created = get_signed(l, "created"),
        .expires = get_signed(l, "expires"),
        .used = get_signed(l, "used"),
        .protocols = (unsigned)get_number(l, "protocols", UINT8_MAX),
        .from = get_text(l, "from", CREDENTIAL_FROM_BYTES),
        .used_from = get_text(l, "used_from", 64),
    };
    (void)get_bytes(l, "digest", app.digest, CREDENTIAL_DIGEST_BYTES, false);
    (void)get_bytes(l, "keys", app.keys.bytes, CREDENTIAL_KEYS_BYTES, false);
    credential_line(l, NULL, &app);
}

/* -1 is QUOTA_NONE. */
static uint64_t get_limit(struct load *l, const char *name)
{
    int64_t v = get_signed(l, name);
    if (v < -1 && !l->bad)
        l->bad = name;
    return v == -1 ? QUOTA_NONE : (uint64_t)v;
}

static struct quota_amount get_limits(struct load *l, const char *const names[3])
{
    return (struct quota_amount){get_limit(l, names[0]), get_limit(l, names[1]),
                                 get_limit(l, names[2])};
}

static struct quota_amount get_used(struct load *l, const char *const names[3])
{
    return (struct quota_amount){get_u64(l, names[0]), get_u64(l, names[1]), get_u64(l, names[2])};
}

static void quota_line(struct load *l)
{
    char row[QUOTA_ROW_BYTES];
    struct schema_key k;
    uint64_t account = get_u64(l, "quota");
    const struct quota q = {get_limits(l, dump_limits), get_used(l, dump_used)};
    if (!l->bad)
        add_row(l, TABLE_QUOTA, schema_id_key(&k, account), quota_row(row, &q));
}

static void metadata_line(struct load *l)
{
    char key[METADATA_KEY_BYTES];
    struct span value = SPAN(""), name = get_key(l, "metadata", METADATA_NAME_BYTES);
    uint64_t mailbox = get_u64(l, "mailbox"), owner = get_u64(l, "account");
    if (!b64_decode(l->line_a, get_text(l, "value", DUMP_LINE_BYTES), &value) && !l->bad)
        l->bad = "value";
    if (!l->bad)
        add_row(l, TABLE_METADATA, metadata_key(key, mailbox, owner, name), value);
}

static void alias_line(struct load *l)
{
    size_t n;
    struct span key = get_key(l, "alias", SCHEMA_ADDRESS_BYTES);
    struct span *targets = get_texts(l, "targets", UINT16_MAX, SCHEMA_ADDRESS_BYTES, &n);
    if (l->bad)
        return;
    buf_reset(&l->row);
    schema_spans(targets, n, &l->row);
    add_row(l, TABLE_ALIAS, key, buf_span(&l->row));
}

/* "+17 lrs": one of the optional field rights. */
static void rights_entry(struct load *l, uint64_t mailbox, struct span text)
{
    struct acl_entry entry = {.negative = text.n > 0 && text.p[0] == '-'};
    struct acl_rows rows;
    size_t space = span_find(text, ' ');
    if (space == text.n || (text.p[0] != '-' && text.p[0] != '+') ||
        !span_u64(span_of(text.p + 1, space - 1), &entry.account) ||
        !acl_parse(span_from(text, space + 1), &entry.rights) || entry.rights == 0) {
        l->bad = "rights";
        return;
    }
    acl_rows(mailbox, &entry, &rows);
    add_row(l, TABLE_ACL, span_of(rows.by_mailbox, ACL_KEY_BYTES), span_of(rows.rights, 2));
    add_row(l, TABLE_ACL, span_of(rows.by_account, ACL_KEY_BYTES), SPAN(""));
}

static void mailbox_line(struct load *l)
{
    char value[SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES];
    struct schema_key k;
    size_t n;
    struct mailbox m = {
        .id = get_u64(l, "mailbox"),
        .account = get_u64(l, "account"),
        .name = get_key(l, "name", MAILBOX_NAME_BYTES),
        .uidvalidity = get_u32(l, "uidvalidity"),
        .uidnext = get_u32(l, "uidnext"),
        .highestmodseq = get_u64(l, "highestmodseq"),
        .messages = get_u32(l, "messages"),
        .unseen = get_u32(l, "unseen"),
        .deleted = get_u32(l, "deleted"),
        .bytes = get_u64(l, "bytes"),
        .deleted_bytes = get_u64(l, "deleted_bytes"),
        .recent_from = get_u32(l, "recent_from"),
        .uses = get_u32(l, "uses"),
        .created = get_signed(l, "created"),
    };
    struct span *keywords =
        get_texts(l, "keywords", MAILBOX_KEYWORD_COUNT, MAILBOX_KEYWORD_BYTES, &n);
    size_t rights_n = 0;
    const struct span *rights = json_object_get(l->json, "rights")
                                    ? get_texts(l, "rights", ACL_ENTRY_COUNT + 1, 64, &rights_n)
                                    : NULL;
    if (l->bad)
        return;
    m.keyword_count = (uint32_t)n;
    add_row(l, TABLE_MAILBOX, schema_id_key(&k, m.id), schema_mailbox(value, &m));
    add_number(l, TABLE_NAME, schema_name_key(&k, m.account, m.name), m.id);
    for (size_t i = 0; i < n; i++)
        add_row(l, TABLE_KEYWORD, schema_keyword_key(&k, m.id, (uint16_t)i), keywords[i]);
    for (size_t i = 0; i < rights_n && !l->bad; i++)
        rights_entry(l, m.id, rights[i]);
}

static void subscription_line(struct load *l)
{
    struct schema_key k;
    struct span name = get_key(l, "subscription", MAILBOX_NAME_BYTES);
    uint64_t account = get_u64(l, "account");
    if (!l->bad)
        add_row(l, TABLE_SUBSCRIPTION, schema_name_key(&k, account, name), SPAN(""));
}

/* What rows of messages and of the bin have in common. */
static void get_msg(struct load *l, struct msg *m)
{
    *m = (struct msg){
        .modseq = get_u64(l, "modseq"),
        .internal = {get_signed(l, "date"), (int16_t)get_signed(l, "zone")},
        .saved = get_signed(l, "saved"),
        .blob = get_u64(l, "body"),
        .bytes = get_u64(l, "bytes"),
    };
    m->thread = json_object_get(l->json, "thread") ? get_u64(l, "thread") : m->blob;
    size_t n;
    const struct span *flags = get_texts(l, "flags", 5, 64, &n);
    for (size_t i = 0; i < n; i++) {
        unsigned bit = 0;
        while (bit < FLAGS_SYSTEM_COUNT && !span_eq(flags[i], span_cstr(flags_system_names[bit])))
            bit++;
        if (bit == FLAGS_SYSTEM_COUNT) {
            l->bad = l->bad ? l->bad : "flags";
            return;
        }
        m->flags |= 1u << bit;
    }
}

static void get_bits(struct load *l, char bits[SCHEMA_KEYWORDS_BYTES], struct span *bitmap)
{
    const json_t *list = json_object_get(l->json, "keywords");
    size_t used = 0;
    memset(bits, 0, SCHEMA_KEYWORDS_BYTES);
    if (!json_is_array(list) && !l->bad)
        l->bad = "keywords";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        int64_t bit = json_integer_value(v);
        if (!json_is_integer(v) || bit < 0 || bit >= MAILBOX_KEYWORD_COUNT) {
            l->bad = l->bad ? l->bad : "keywords";
            return;
        }
        bits[bit / 8] = (char)(bits[bit / 8] | 1 << bit % 8);
        used = (size_t)bit / 8 + 1 > used ? (size_t)bit / 8 + 1 : used;
    }
    *bitmap = span_of(bits, used);
}

static void message_line(struct load *l)
{
    char bits[SCHEMA_KEYWORDS_BYTES];
    struct schema_msg value;
    struct schema_key k;
    struct msg m;
    get_msg(l, &m);
    m.uid = get_u32(l, "message");
    uint64_t mailbox = get_u64(l, "mailbox");
    get_bits(l, bits, &m.keywords);
    if (!l->bad)
        add_row(l, TABLE_MSG, schema_msg_key(&k, mailbox, m.uid), schema_msg(&value, &m));
}

static void bin_line(struct load *l)
{
    struct schema_key k;
    struct bin_item item = {
        .account = get_u64(l, "account"),
        .when = get_signed(l, "when"),
        .mailbox = get_u64(l, "mailbox"),
        .name = get_key(l, "name", MAILBOX_NAME_BYTES),
    };
    get_msg(l, &item.msg);
    item.msg.uid = get_u32(l, "bin");
    item.keywords =
        get_texts(l, "keywords", MAILBOX_KEYWORD_COUNT, MAILBOX_KEYWORD_BYTES, &item.keyword_count);
    if (l->bad)
        return;
    schema_bin(&item, &l->row);
    add_row(l, TABLE_BIN, schema_bin_key(&k, item.account, item.when, item.mailbox, item.msg.uid),
            buf_span(&l->row));
}

/* "1:5,7" as uidset_text writes it; ascending. */
static bool get_uids(struct span text, struct uidset *out)
{
    struct scan s = scan_of(text);
    while (!scan_done(&s)) {
        uint32_t first = scan_u32(&s, "a UID"),
                 last = scan_try(&s, ':') ? scan_u32(&s, "a UID") : first;
        if (!scan_ok(&s) || first <= uidset_last(out) || last < first)
            return false;
        uidset_add(out, first, last);
        if (!scan_done(&s))
            scan_byte(&s, ',', "a comma");
    }
    return scan_ok(&s);
}

static void change_line(struct load *l)
{
    struct schema_key k;
    struct schema_change c = {.when = get_signed(l, "when")};
    c.change = (struct change){
        .account = get_u64(l, "account"),
        .mailbox = get_u64(l, "mailbox"),
        .modseq = get_u64(l, "change"),
        .kind = (enum change_kind)get_word(l, "kind", dump_kinds, DUMP_KINDS),
        .by = {.kind = (enum actor_kind)get_word(l, "by", dump_actors, 4),
               .account = get_u64(l, "as")},
    };
    struct span session = get_text(l, "session", ID_BYTES - 1),
                uids = get_text(l, "uids", DUMP_LINE_BYTES);
    if (l->bad)
        return;
    if (session.n)
        memcpy(c.change.by.session.text, session.p, session.n);
    struct uidset set = {0};
    if (!get_uids(uids, &set))
        l->bad = "uids";
    schema_change(&c, &l->row);
    (void)uidset_pack(&set, &l->row);
    uidset_fini(&set);
    add_row(
        l, TABLE_CHANGES,
        schema_change_key(&k, c.change.account, c.change.modseq, c.change.mailbox, c.change.kind),
        buf_span(&l->row));
}

/* The hash is 16 hexadecimal digits: JSON has no numbers that large. */
static void thread_line(struct load *l)
{
    struct schema_key k;
    struct span text = get_text(l, "message_id", 16);
    uint64_t account = get_u64(l, "account"), thread = get_u64(l, "thread"), id = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = encode_hex_digit((unsigned char)text.p[i]);
        if (digit < 0 && !l->bad)
            l->bad = "message_id";
        id = id << 4 | (unsigned)digit;
    }
    if (!l->bad)
        add_number(l, TABLE_THREAD, schema_thread_key(&k, account, id), thread);
}

/* --- bodies --- */

static void put_chunk(struct load *l)
{
    struct schema_key k;
    blob_chunk_row(buf_span(&l->chunk), &l->row);
    add_row(l, TABLE_CHUNK, schema_chunk_key(&k, l->body, l->body_chunks++), buf_span(&l->row));
    buf_reset(&l->chunk);
}

/* All its data are here. */
static void end_body(struct load *l)
{
    struct schema_key k;
    struct outline o;
    char bytes[16], eight[8];
    if (l->chunk.n > 0)
        put_chunk(l);
    buf_reset(&l->row);
    outline_end(l->parser, &l->row);
    outline_free(&l->parser);
    add_row(l, TABLE_OUTLINE, schema_id_key(&k, l->body), outline_row(buf_span(&l->row)));
    if (outline_open(buf_span(&l->row), &o))
        add_row(l, TABLE_DIGEST, schema_id_key(&k, l->body), o.digest);
    memcpy(bytes, schema_number_value(eight, l->body_bytes).p, 8);
    memcpy(bytes + 8, schema_number_value(eight, (uint64_t)l->body_chunks << 32 | l->body_refs).p,
           8);
    add_row(l, TABLE_BODY, schema_id_key(&k, l->body), span_of(bytes, sizeof bytes));
}

static void body_line(struct load *l)
{
    l->body = get_u64(l, "body");
    l->body_bytes = get_u64(l, "bytes");
    l->body_refs = get_u32(l, "refs");
    l->body_chunks = 0;
    l->body_got = 0;
    if (l->bad)
        return;
    l->body_max = l->body > l->body_max ? l->body : l->body_max;
    l->parser = outline_new(&outline_limits_default);
    if (l->body_bytes == 0)
        end_body(l);
}

static void data_line(struct load *l)
{
    struct span text = get_text(l, "data", DUMP_LINE_BYTES), bytes;
    if (l->bad)
        return;
    if (!l->parser || !b64_decode(l->line_a, text, &bytes) ||
        bytes.n > l->body_bytes - l->body_got) {
        fail(l, "data that belongs to no body, or is not base64, or too much of it");
        return;
    }
    outline_feed(l->parser, bytes);
    l->body_got += bytes.n;
    while (bytes.n > 0 && l->e == ERR_OK) {
        struct span part = span_to(bytes, BLOB_CHUNK_BYTES - l->chunk.n);
        (void)buf_add(&l->chunk, part);
        bytes = span_from(bytes, part.n);
        if (l->chunk.n == BLOB_CHUNK_BYTES)
            put_chunk(l);
    }
    if (l->body_got == l->body_bytes)
        end_body(l);
}

static void end_of_dump(struct load *l)
{
    if (get_u64(l, "end") != l->line - 1 && !l->bad)
        l->bad = "end";
    l->ended = true;
}

/* --- lines --- */

static void parse_line(struct load *l)
{
    /* clang-format off */
    static const struct {
        const char *name;
        void (*run)(struct load *l);
    } kinds[] = {
        {"metadata", metadata_line}, {"quota", quota_line},
        {"message", message_line}, {"data", data_line},     {"change", change_line},
        {"bin", bin_line},         {"mailbox", mailbox_line}, {"alias", alias_line},
        {"subscription", subscription_line}, {"domain", domain_line}, {"address", account_line},
        {"mailstead", head_line},  {"end", end_of_dump},    {"body", body_line},
        {"message_id", thread_line},
        {"scram", scram_line},     {"app_password", app_password_line},
    };
    /* clang-format on */
    size_t i = 0;
    while (i < sizeof kinds / sizeof *kinds && !json_object_get(l->json, kinds[i].name))
        i++;
    if (i == sizeof kinds / sizeof *kinds)
        fail(l, "unknown");
    else if (l->ended)
        fail(l, "behind the end");
    else if ((l->line == 1) != (kinds[i].run == head_line))
        fail(l, "a dump begins with its one line \"mailstead\"");
    else if (l->parser && kinds[i].run != data_line)
        fail(l, "the body before it is not complete");
    else
        kinds[i].run(l);
    if (l->bad && l->e == ERR_OK)
        l->e =
            fault_set(l->f, ERR_INVALID, "line %lu: \"%s\" is missing or wrong", l->line, l->bad);
}

static void load_line(struct load *l, struct span text)
{
    json_error_t why;
    l->line++;
    l->bad = NULL;
    arena_reset(l->line_a);
    l->json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    if (!l->json || !json_is_object(l->json))
        fail(l, "not a JSON object");
    else
        parse_line(l);
    json_decref(l->json);
    l->json = NULL;
}

/* Takes whole lines off the front of in. */
static void load_lines(struct load *l, struct buf *in)
{
    size_t at = 0;
    while (l->e == ERR_OK) {
        struct span rest = span_from(buf_span(in), at);
        size_t n = span_find(rest, '\n');
        if (n == rest.n)
            break;
        load_line(l, span_to(rest, n));
        at += n + 1;
    }
    buf_eat(in, at);
}

static void load_all(struct load *l)
{
    struct buf in;
    long n = 1;
    buf_init(&in, DUMP_LINE_BYTES);
    while (l->e == ERR_OK && n > 0) {
        char *room = buf_room(&in, LOAD_READ_BYTES);
        n = room ? l->read(l->arg, room, LOAD_READ_BYTES) : 0;
        if (!room || (n == 0 && in.n > 0))
            fail(l, room ? "no end of line" : "too long");
        else if (n < 0)
            l->e = fault_set(l->f, ERR_IO, "cannot read the dump");
        if (l->e != ERR_OK)
            break;
        buf_grew(&in, (size_t)n);
        load_lines(l, &in);
    }
    if (l->e == ERR_OK && !l->ended)
        fail(l, "the dump is cut off");
    buf_fini(&in);
    l->last = true;
    flush(l);
}

/* META has rows from the start. */
static enum err check_empty(struct store *st, struct fault *f)
{
    struct txn *t;
    struct buf key;
    bool empty = true;
    enum err e = txn_read(st, &t, f);
    if (e != ERR_OK)
        return e;
    buf_init(&key, SIZE_MAX);
    for (unsigned i = TABLE_META + 1; i < TABLE_COUNT && e == ERR_OK; i++) {
        e = table_last(t, (enum table)i, &key, f);
        empty = empty && e == ERR_NOTFOUND;
        e = e == ERR_NOTFOUND ? ERR_OK : e;
    }
    buf_fini(&key);
    txn_read_end(&t);
    return e == ERR_OK && !empty ? fault_set(f, ERR_EXISTS, "the store is not empty") : e;
}

enum err dump_load(struct store *st, long (*read)(void *arg, char *into, size_t n), void *arg,
                   struct fault *f)
{
    struct fault none = FAULT_NONE;
    f = f ? f : &none;
    enum err e = check_empty(st, f);
    if (e != ERR_OK)
        return e;
    struct load *l = mem_new(struct load);
    l->op = (struct store_op){.apply = load_apply, .actor = {.kind = ACTOR_ADMIN}};
    l->store = st;
    l->read = read;
    l->arg = arg;
    l->f = f;
    l->a = arena_new();
    l->line_a = arena_new();
    buf_init(&l->chunk, BLOB_CHUNK_BYTES);
    buf_init(&l->row, SIZE_MAX);
    load_all(l);
    e = l->e;
    outline_free(&l->parser);
    buf_fini(&l->chunk);
    buf_fini(&l->row);
    arena_free(&l->a);
    arena_free(&l->line_a);
    mem_free(l);
    return e;
}
