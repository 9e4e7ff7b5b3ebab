#include "store/acl.h"
#include "store/check_state.h"

#include <inttypes.h>

/* Whether the other of the entry's two rows is there. */
static bool has_other(struct check *c, const struct acl_row *row, struct fault *f)
{
    struct acl_rows rows;
    struct buf value;
    acl_rows(row->mailbox, &row->entry, &rows);
    buf_init(&value, 2);
    enum err e = table_get(
        c->t, TABLE_ACL,
        span_of(row->by_account ? rows.by_mailbox : rows.by_account, ACL_KEY_BYTES), &value, f);
    buf_fini(&value);
    return e == ERR_OK;
}

static void acl_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct acl_row row;
    if (!acl_row_of(key, value, &row)) {
        check_broken(c, 1, "rights: damaged row");
        return;
    }
    uint64_t account = row.entry.account, mailbox = row.mailbox;
    if (!has_other(c, &row, f))
        check_broken(c, 16,
                     "rights of account %" PRIu64 " on mailbox %" PRIu64 ": one row of the two",
                     account, mailbox);
    if (row.by_account)
        return;
    if (!check_find_mailbox(c, mailbox))
        check_broken(c, 16, "rights on mailbox %" PRIu64 ": no such mailbox", mailbox);
    if (account && !check_find_account(c, account))
        check_broken(c, 16, "rights of account %" PRIu64 " on mailbox %" PRIu64 ": no such account",
                     account, mailbox);
}

enum err check_acl_read(struct check *c, struct fault *f)
{
    return check_table(c, TABLE_ACL, acl_row, f);
}
