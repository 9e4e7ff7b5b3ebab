#include "common/mem.h"
#include "store/check_state.h"
#include "store/glance.h"
#include "store/metadata.h"
#include "store/schema.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- mailboxes --- */

static void mailbox_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct mailbox box;
    uint64_t id;
    (void)f;
    if (!schema_id_of(key, &id) || !schema_mailbox_of(value, &box)) {
        check_broken(c, 1, "mailbox: damaged row");
        return;
    }
    c->mailboxes =
        check_room(c->mailboxes, c->mailbox_count, &c->mailbox_cap, sizeof *c->mailboxes);
    struct check_mailbox *m = &c->mailboxes[c->mailbox_count++];
    *m = (struct check_mailbox){.id = id, .row = box};
    m->row.name = SPAN("");
    c->mailbox = NULL; /* the array may have moved */
    if (box.recent_from > box.uidnext)
        check_broken(c, 2, "mailbox %" PRIu64 ": recent from UID %" PRIu32 ", UIDNEXT is %" PRIu32,
                     id, box.recent_from, box.uidnext);
    if (box.highestmodseq == 0 || box.highestmodseq > c->modseq)
        check_broken(c, 4,
                     "mailbox %" PRIu64 ": HIGHESTMODSEQ %" PRIu64 ", the store is at %" PRIu64, id,
                     box.highestmodseq, c->modseq);
    if (!check_find_account(c, box.account))
        check_broken(c, 6, "mailbox %" PRIu64 ": no account %" PRIu64, id, box.account);
    if (id == 0 || id > c->id)
        check_broken(c, 12, "mailbox %" PRIu64 ": the last id given is %" PRIu64, id, c->id);
    if (box.uidvalidity > c->uidvalidity)
        check_broken(c, 12,
                     "mailbox %" PRIu64 ": UIDVALIDITY %" PRIu32 ", the last given is %" PRIu64, id,
                     box.uidvalidity, c->uidvalidity);
}

static int compare_uidvalidity(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void check_uidvalidities(struct check *c)
{
    uint32_t *all = mem_alloc(c->mailbox_count * sizeof *all + 1);
    for (size_t i = 0; i < c->mailbox_count; i++)
        all[i] = c->mailboxes[i].row.uidvalidity;
    qsort(all, c->mailbox_count, sizeof *all, compare_uidvalidity);
    for (size_t i = 1; i < c->mailbox_count; i++) {
        if (all[i] == all[i - 1])
            check_broken(c, 12, "UIDVALIDITY %" PRIu32 ": of more than one mailbox", all[i]);
    }
    mem_free(all);
}

/* --- keywords --- */

static void keyword_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t mailbox;
    uint16_t index;
    (void)f;
    if (!schema_keyword_of(key, &mailbox, &index) || value.n == 0 ||
        value.n > MAILBOX_KEYWORD_BYTES) {
        check_broken(c, 1, "keyword: damaged row");
        return;
    }
    struct check_mailbox *m = check_find_mailbox(c, mailbox);
    if (!m) {
        check_broken(c, 6, "keyword %.*s: no mailbox %" PRIu64, SPAN_ARG(value), mailbox);
        return;
    }
    if (index != m->keywords)
        check_broken(c, 11, "mailbox %" PRIu64 ": keyword %u where %" PRIu32 " is next", mailbox,
                     index, m->keywords);
    m->keywords++;
}

/* No two names the same; the case of ASCII letters does not count. */
static enum err check_keywords(struct check *c, const struct check_mailbox *m, struct fault *f)
{
    struct span *names;
    size_t n;
    arena_reset(c->a);
    enum err e = m->keywords > 1 ? flags_keywords(c->t, c->a, m->id, &names, &n, f) : ERR_NOTFOUND;
    if (e != ERR_OK)
        return e == ERR_NOTFOUND || e == ERR_CORRUPT ? ERR_OK : e; /* a gap has been told of */
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (span_eq_ci(names[i], names[j]))
                check_broken(c, 11, "mailbox %" PRIu64 ": keyword %.*s twice", m->id,
                             SPAN_ARG(names[i]));
        }
    }
    return ERR_OK;
}

/* --- messages --- */

static void count_reference(struct check *c, uint64_t id, const char *what, uint64_t in,
                            uint32_t uid)
{
    struct check_body *b = check_find_body(c, id);
    if (b)
        b->found_refs++;
    else
        check_broken(c, 7, "%s %" PRIu32 " of mailbox %" PRIu64 ": no body %" PRIu64, what, uid, in,
                     id);
}

static void count_message(struct check_mailbox *m, const struct msg *msg)
{
    m->found.messages++;
    m->found.unseen += !(msg->flags & FLAGS_SEEN);
    m->found.deleted += (msg->flags & FLAGS_DELETED) != 0;
    m->found.bytes += msg->bytes;
    m->found.deleted_bytes += msg->flags & FLAGS_DELETED ? msg->bytes : 0;
    m->max_uid = msg->uid;
}

/* One more than the highest bit. */
static size_t bit_count(struct span bitmap)
{
    size_t n = bitmap.n * 8;
    while (n > 0 && !flags_bit(bitmap, n - 1))
        n--;
    return n;
}

static void metadata_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t mailbox, owner;
    struct span name;
    (void)f;
    if (!metadata_key_of(key, &mailbox, &owner, &name) || value.n > METADATA_VALUE_BYTES)
        check_broken(c, 1, "metadata: damaged row");
    else if (mailbox != METADATA_SERVER && !check_find_mailbox(c, mailbox))
        check_broken(c, 6, "metadata %.*s: no mailbox %" PRIu64, SPAN_ARG(name), mailbox);
}

static void msg_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct msg msg;
    uint64_t mailbox;
    uint32_t uid;
    (void)f;
    if (!schema_pair_of(key, &mailbox, &uid) || uid == 0 || !schema_msg_of(value, &msg)) {
        check_broken(c, 1, "message: damaged row");
        return;
    }
    msg.uid = uid;
    count_reference(c, msg.blob, "message", mailbox, uid);
    struct check_mailbox *m = check_find_mailbox(c, mailbox);
    if (!m) {
        check_broken(c, 6, "message %" PRIu32 ": no mailbox %" PRIu64, uid, mailbox);
        return;
    }
    c->totals.messages++;
    count_message(m, &msg);
    if (uid >= m->row.uidnext)
        check_broken(c, 2, "message %" PRIu32 " of mailbox %" PRIu64 ": UIDNEXT is %" PRIu32, uid,
                     mailbox, m->row.uidnext);
    if (msg.modseq == 0 || msg.modseq > m->row.highestmodseq)
        check_broken(c, 4,
                     "message %" PRIu32 " of mailbox %" PRIu64 ": MODSEQ %" PRIu64
                     ", HIGHESTMODSEQ is %" PRIu64,
                     uid, mailbox, msg.modseq, m->row.highestmodseq);
    if (msg.keywords.n && !msg.keywords.p[msg.keywords.n - 1])
        check_broken(c, 1,
                     "message %" PRIu32 " of mailbox %" PRIu64 ": a zero byte ends its keywords",
                     uid, mailbox);
    if (bit_count(msg.keywords) > m->row.keyword_count)
        check_broken(c, 11,
                     "message %" PRIu32 " of mailbox %" PRIu64 ": a keyword that is not there", uid,
                     mailbox);
}

static void bin_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct bin_item item;
    (void)f;
    if (!schema_bin_of(c->a, key, value, &item)) {
        check_broken(c, 1, "bin: damaged row");
        return;
    }
    count_reference(c, item.msg.blob, "bin: message", item.mailbox, item.msg.uid);
    if (!check_find_account(c, item.account))
        check_broken(c, 6, "bin: message %" PRIu32 " of mailbox %" PRIu64 ": no account %" PRIu64,
                     item.msg.uid, item.mailbox, item.account);
}

static void glance_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t id;
    struct glance g;
    (void)f;
    if (!schema_id_of(key, &id) || !schema_glance_of(value, &g)) {
        check_broken(c, 1, "glance: damaged row");
        return;
    }
    const struct check_mailbox *m = check_find_mailbox(c, id);
    if (!m)
        check_broken(c, 15, "glance: no mailbox %" PRIu64, id);
    else if (g.modseq > m->row.highestmodseq)
        check_broken(c, 15, "glance: mailbox %" PRIu64 ": MODSEQ %" PRIu64 " is above %" PRIu64, id,
                     g.modseq, m->row.highestmodseq);
    uidset_fini(&g.uids);
}

static void thread_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t account, message_id, thread;
    (void)f;
    if (!schema_thread_of(key, &account, &message_id) || !schema_number(value, &thread) ||
        thread == 0)
        check_broken(c, 1, "thread: damaged row");
    else if (!check_find_account(c, account))
        check_broken(c, 6, "thread %" PRIu64 ": no account %" PRIu64, thread, account);
}

enum err check_mail_read(struct check *c, struct fault *f)
{
    enum err e = check_table(c, TABLE_MAILBOX, mailbox_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_KEYWORD, keyword_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_MSG, msg_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_GLANCE, glance_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_METADATA, metadata_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_BIN, bin_row, f);
    return e == ERR_OK ? check_table(c, TABLE_THREAD, thread_row, f) : e;
}

static void compare(struct check *c, uint64_t id, const char *what, uint64_t counted,
                    uint64_t found)
{
    if (counted != found)
        check_broken(c, 3, "mailbox %" PRIu64 ": %" PRIu64 " %s counted, %" PRIu64 " found", id,
                     counted, what, found);
}

enum err check_mail_sums(struct check *c, struct fault *f)
{
    enum err e = ERR_OK;
    check_uidvalidities(c);
    for (size_t i = 0; i < c->mailbox_count && e == ERR_OK; i++) {
        const struct check_mailbox *m = &c->mailboxes[i];
        compare(c, m->id, "messages", m->row.messages, m->found.messages);
        compare(c, m->id, "unseen", m->row.unseen, m->found.unseen);
        compare(c, m->id, "deleted", m->row.deleted, m->found.deleted);
        compare(c, m->id, "bytes", m->row.bytes, m->found.bytes);
        compare(c, m->id, "deleted bytes", m->row.deleted_bytes, m->found.deleted_bytes);
        if (m->names != 1)
            check_broken(c, 5, "mailbox %" PRIu64 ": %u names lead to it", m->id, m->names);
        if (m->keywords != m->row.keyword_count)
            check_broken(c, 11,
                         "mailbox %" PRIu64 ": %" PRIu32 " keywords counted, %" PRIu32 " found",
                         m->id, m->row.keyword_count, m->keywords);
        e = check_keywords(c, m, f);
    }
    return e;
}
