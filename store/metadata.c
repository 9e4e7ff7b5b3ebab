#include "store/metadata.h"
#include "common/le.h"
#include "common/must.h"
#include "store/changes.h"
#include "store/schema.h"
#include "store/table.h"

struct span metadata_key(char key[METADATA_KEY_BYTES], uint64_t mailbox, uint64_t owner,
                         struct span name)
{
    must(name.n <= METADATA_NAME_BYTES);
    be_put(key, mailbox, 8);
    be_put(key + 8, owner, 8);
    if (name.n)
        memcpy(key + 16, name.p, name.n);
    return span_of(key, 16 + name.n);
}

bool metadata_key_of(struct span key, uint64_t *mailbox, uint64_t *owner, struct span *name)
{
    if (key.n <= 16 || key.n > METADATA_KEY_BYTES || key.p[16] != '/')
        return false;
    *mailbox = be_get(key.p, 8);
    *owner = be_get(key.p + 8, 8);
    *name = span_from(key, 16);
    return true;
}

enum err metadata_get(struct txn *t, struct arena *a, uint64_t mailbox, uint64_t owner,
                      struct span name, struct span *value_out, struct fault *f)
{
    char key[METADATA_KEY_BYTES];
    struct buf value;
    if (name.n > METADATA_NAME_BYTES)
        return ERR_NOTFOUND;
    buf_init(&value, METADATA_VALUE_BYTES);
    enum err e = table_get(t, TABLE_METADATA, metadata_key(key, mailbox, owner, name), &value, f);
    if (e == ERR_OK)
        *value_out = arena_keep(a, buf_span(&value));
    buf_fini(&value);
    return e;
}

enum err metadata_each(struct txn *t, uint64_t mailbox, uint64_t owner, struct span prefix,
                       bool (*fn)(void *arg, struct span name, struct span value), void *arg,
                       struct fault *f)
{
    char from[METADATA_KEY_BYTES];
    struct span key, value, first;
    struct table_walk w;
    if (prefix.n > METADATA_NAME_BYTES)
        return ERR_OK;
    first = metadata_key(from, mailbox, owner, prefix);
    table_walk(&w, t, TABLE_METADATA, first, true);
    while (table_walk_next(&w, &key, &value) && schema_has_prefix(key, first)) {
        if (!fn(arg, span_from(key, 16), value))
            break;
    }
    return table_walk_end(&w, f);
}

struct others {
    struct span name; /* all but this one */
    unsigned count;
    size_t bytes;
};

static bool count_one(void *arg, struct span name, struct span value)
{
    struct others *o = arg;
    if (!span_eq(name, o->name)) {
        o->count++;
        o->bytes += name.n + value.n;
    }
    return true; /* they are not many */
}

/* There is room for it beside the others. */
static enum err room(struct txn *t, uint64_t mailbox, uint64_t owner, struct span name,
                     struct span value, struct fault *f)
{
    struct others o = {.name = name};
    enum err e = metadata_each(t, mailbox, owner, SPAN(""), count_one, &o, f);
    if (e == ERR_OK && o.count >= METADATA_ENTRY_COUNT)
        e = fault_set(f, ERR_LIMIT, "%u metadata entries", METADATA_ENTRY_COUNT);
    else if (e == ERR_OK && o.bytes + name.n + value.n > METADATA_TOTAL_BYTES)
        e = fault_set(f, ERR_LIMIT, "%u bytes of metadata entries", METADATA_TOTAL_BYTES);
    return e;
}

enum err metadata_put(struct txn *t, uint64_t account, uint64_t mailbox, uint64_t owner,
                      struct span name, struct span value, struct fault *f)
{
    char bytes[METADATA_KEY_BYTES];
    if (name.n > METADATA_NAME_BYTES || value.n > METADATA_VALUE_BYTES)
        return fault_set(f, ERR_LIMIT, "a metadata entry that long");
    struct span key = metadata_key(bytes, mailbox, owner, name);
    enum err e;
    if (!value.p) {
        e = table_drop(t, TABLE_METADATA, key, f);
        if (e == ERR_NOTFOUND)
            return ERR_OK;
    } else {
        e = room(t, mailbox, owner, name, value, f);
        if (e == ERR_OK)
            e = table_put(t, TABLE_METADATA, key, value, f);
    }
    return e == ERR_OK ? changes_record_about(t, account, mailbox, CHANGE_BOX_METADATA, name, f)
                       : e;
}

enum err metadata_copy(struct txn *t, uint64_t from, uint64_t to, struct fault *f)
{
    struct schema_key k;
    struct span key, value, prefix = schema_id_key(&k, from);
    struct table_walk w;
    enum err e = ERR_OK;
    table_walk(&w, t, TABLE_METADATA, prefix, true);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && schema_has_prefix(key, prefix)) {
        char bytes[METADATA_KEY_BYTES];
        uint64_t mailbox, owner;
        struct span name;
        if (metadata_key_of(key, &mailbox, &owner, &name)) /* what is damaged stays behind */
            e = table_put(t, TABLE_METADATA, metadata_key(bytes, to, owner, name), value, f);
    }
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

static enum err drop_all(struct txn *t, struct span prefix, struct fault *f)
{
    struct span key, value;
    struct table_walk w;
    enum err e = ERR_OK;
    table_walk(&w, t, TABLE_METADATA, prefix, true);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && schema_has_prefix(key, prefix))
        e = table_drop(t, TABLE_METADATA, key, f);
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

enum err metadata_drop(struct txn *t, uint64_t mailbox, struct fault *f)
{
    struct schema_key k;
    return drop_all(t, schema_id_key(&k, mailbox), f);
}

enum err metadata_forget(struct txn *t, uint64_t account, struct fault *f)
{
    char key[METADATA_KEY_BYTES];
    return drop_all(t, metadata_key(key, METADATA_SERVER, account, SPAN("")), f);
}
