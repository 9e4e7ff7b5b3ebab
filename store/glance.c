#include "store/glance.h"
#include "store/mailbox.h"
#include "store/schema.h"

enum err glance_get(struct txn *t, uint64_t mailbox, struct glance *out, struct fault *f)
{
    struct schema_key k;
    struct buf value;
    buf_init(&value, SCHEMA_GLANCE_BYTES + GLANCE_RANGES_MAX * sizeof(struct uidset_range));
    enum err e = table_get(t, TABLE_GLANCE, schema_id_key(&k, mailbox), &value, f);
    if (e == ERR_OK && !schema_glance_of(buf_span(&value), out))
        e = ERR_NOTFOUND; /* the rows are there: nothing is lost */
    buf_fini(&value);
    return e;
}

enum err glance_put(struct txn *t, uint64_t mailbox, const struct glance *g, struct fault *f)
{
    struct schema_key k;
    struct mailbox box;
    if (g->uids.n > GLANCE_RANGES_MAX)
        return ERR_OK;
    enum err e = mailbox_get(t, NULL, mailbox, &box, f);
    if (e != ERR_OK)
        return e;
    struct buf value;
    buf_init(&value, SCHEMA_GLANCE_BYTES + GLANCE_RANGES_MAX * sizeof(struct uidset_range));
    schema_glance(g, &value);
    e = table_put(t, TABLE_GLANCE, schema_id_key(&k, mailbox), buf_span(&value), f);
    buf_fini(&value);
    return e;
}

enum err glance_drop(struct txn *t, uint64_t mailbox, struct fault *f)
{
    struct schema_key k;
    enum err e = table_drop(t, TABLE_GLANCE, schema_id_key(&k, mailbox), f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}
