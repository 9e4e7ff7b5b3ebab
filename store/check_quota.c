#include "common/mem.h"
#include "store/check_state.h"
#include "store/quota.h"
#include "store/schema.h"

#include <inttypes.h>
#include <stdlib.h>

/* What each account keeps, found by adding up its mailboxes; in the order of check->accounts. */
static struct quota_amount *add_up(const struct check *c)
{
    struct quota_amount *sums = mem_alloc((c->account_count + 1) * sizeof *sums);
    memset(sums, 0, (c->account_count + 1) * sizeof *sums);
    for (size_t i = 0; i < c->mailbox_count; i++) {
        const struct check_mailbox *m = &c->mailboxes[i];
        const struct check_account *a = check_find_account(c, m->row.account);
        if (!a)
            continue; /* that has been told of */
        struct quota_amount *s = &sums[a - c->accounts];
        s->bytes += m->found.bytes;
        s->messages += m->found.messages;
        s->mailboxes++;
    }
    return sums;
}

static void compare(struct check *c, uint64_t account, const char *what, uint64_t counted,
                    uint64_t found)
{
    if (counted != found)
        check_broken(c, 17, "account %" PRIu64 ": quota counts %" PRIu64 " %s, there are %" PRIu64,
                     account, counted, what, found);
}

static void one_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct quota q;
    uint64_t account;
    (void)f;
    if (!schema_id_of(key, &account) || !quota_row_of(value, &q))
        check_broken(c, 1, "quota: damaged row");
    else if (!check_find_account(c, account))
        check_broken(c, 6, "quota: no account %" PRIu64, account);
}

enum err check_quota_sums(struct check *c, struct fault *f)
{
    enum err e = check_table(c, TABLE_QUOTA, one_row, f);
    struct quota_amount *sums = add_up(c);
    for (size_t i = 0; i < c->account_count && e == ERR_OK; i++) {
        struct quota q;
        uint64_t id = c->accounts[i].id;
        e = quota_get(c->t, id, &q, f);
        if (e == ERR_CORRUPT) { /* that has been told of */
            e = ERR_OK;
            continue;
        }
        compare(c, id, "bytes", q.used.bytes, sums[i].bytes);
        compare(c, id, "messages", q.used.messages, sums[i].messages);
        compare(c, id, "mailboxes", q.used.mailboxes, sums[i].mailboxes);
    }
    mem_free(sums);
    return e;
}
