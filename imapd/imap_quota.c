#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/directory.h"
#include "store/quota.h"

#include <inttypes.h>

/* Room: GETQUOTA, GETQUOTAROOT and SETQUOTA, RFC 9208 §4.1. Each account is a quota root of its own, named by its address,
 * if it has a limit. */

#define BLOCK_BYTES 1024 /* the unit of STORAGE, RFC 9208 §5.1 */

/* quota-list without its parentheses; what has no limit is left out. RFC 9208 §7 */
static void resource(struct buf *out, const char *name, uint64_t used, uint64_t limit,
                     uint64_t unit)
{
    if (limit)
        buf_addf(out, "%s%s %" PRIu64 " %" PRIu64, out->n ? " " : "", name,
                 used / unit + (used % unit != 0), limit / unit);
}

static bool has_limit(const struct txn *t, const struct quota *q)
{
    struct quota_amount l = quota_limits(t, q);
    return l.bytes || l.messages || l.mailboxes;
}

static void tell(struct imap_session *s, struct txn *t, struct span root, const struct quota *q)
{
    struct quota_amount l = quota_limits(t, q);
    struct buf list;
    buf_init(&list, 512);
    resource(&list, "STORAGE", q->used.bytes, l.bytes, BLOCK_BYTES);
    resource(&list, "MESSAGE", q->used.messages, l.messages, 1);
    resource(&list, "MAILBOX", q->used.mailboxes, l.mailboxes, 1);
    imap_out(s, SPAN("* QUOTA "));
    imap_out_string(s, root);
    imap_outf(s, " (%.*s)\r\n", SPAN_ARG(buf_span(&list)));
    buf_fini(&list);
}

/* Accounts that the configuration names may look at the quota of any, and set it. */
static bool is_admin(const struct imap_session *s)
{
    struct span all = span_cstr(s->options->quota_admins ? s->options->quota_admins : "");
    while (all.n) {
        size_t n = span_find(all, ' ');
        if (span_eq_ci(span_to(all, n), s->address))
            return true;
        all = span_from(all, n < all.n ? n + 1 : n);
    }
    return false;
}

/* --- GETQUOTA --- */

/* The account of that root. ERR_DENIED: none, or not one that this user may know of. */
static enum err find_root(struct imap_session *s, struct txn *t, struct arena *a, struct span root,
                          uint64_t *account_out, struct fault *f)
{
    struct account account;
    if (!span_eq_ci(root, s->address) && !is_admin(s))
        return fault_set(f, ERR_DENIED, "quota of somebody else");
    enum err e = directory_account_find(t, a, root, &account, f);
    if (e == ERR_OK)
        *account_out = account.id;
    return e;
}

static enum step no_root(struct imap_cmd *c)
{
    return imap_reply_no(c, "NONEXISTENT", "There is no such quota root");
}

enum step imap_quota_get(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct quota q;
    uint64_t account;
    bool there = false;
    struct span root = imap_parse_astring(&c->args, c->arena);
    scan_end(&c->args, "Unexpected text at the end");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = find_root(s, t, c->arena, root, &account, &f);
    if (e == ERR_OK)
        e = quota_get(t, account, &q, &f);
    if (e == ERR_OK && (there = has_limit(t, &q)))
        tell(s, t, root, &q);
    txn_read_end(&t);
    if (e == ERR_DENIED || e == ERR_NOTFOUND || (e == ERR_OK && !there))
        return no_root(c);
    return e == ERR_OK ? imap_reply_ok(c, NULL, "Getquota completed") : imap_reply_err(c, e, &f);
}

/* --- GETQUOTAROOT --- */

/* The mailbox need not be there (RFC 9208 §4.1.2); one of somebody else's must be, and be readable. */
static enum err root_of(struct imap_session *s, struct txn *t, struct arena *a, struct span name,
                        struct account *out, struct fault *f)
{
    uint64_t account;
    struct span own;
    struct mailbox box;
    enum err e = imap_reach_owner(s, t, name, &account, &own, f);
    if (e == ERR_OK && account != s->account)
        e = imap_reach(s, t, a, name, ACL_READ, &box, f);
    return e == ERR_OK ? directory_account_get(t, a, account, out, f) : e;
}

enum step imap_quota_root(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct account owner;
    struct quota q;
    struct span name = imap_parse_mailbox(&c->args, c->arena, imap_session_utf8(s));
    scan_end(&c->args, "Unexpected text at the end");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = root_of(s, t, c->arena, name, &owner, &f);
    if (e == ERR_OK)
        e = quota_get(t, owner.id, &q, &f);
    if (e == ERR_OK) {
        bool limited = has_limit(t, &q);
        imap_out(s, SPAN("* QUOTAROOT "));
        imap_out_mailbox(s, name);
        if (limited) {
            imap_out(s, SPAN(" "));
            imap_out_string(s, owner.address);
        }
        imap_out(s, SPAN("\r\n"));
        if (limited)
            tell(s, t, owner.address, &q);
    }
    txn_read_end(&t);
    return e == ERR_OK ? imap_reply_ok(c, NULL, "Getquotaroot completed")
                       : imap_reply_err(c, e, &f);
}

/* --- SETQUOTA --- */

struct quota_setting {
    struct span root;
    uint64_t account;
    bool nothing; /* a limit of 0: "any usage is prohibited", RFC 9208 §3.1.2; that is not for us */
    struct quota_amount limit;
};

static uint64_t *named(struct quota_amount *q, struct span name, uint64_t *unit)
{
    *unit = span_eq_ci(name, SPAN("STORAGE")) ? BLOCK_BYTES : 1;
    return *unit > 1                           ? &q->bytes
           : span_eq_ci(name, SPAN("MESSAGE")) ? &q->messages
           : span_eq_ci(name, SPAN("MAILBOX")) ? &q->mailboxes
                                               : NULL;
}

/* setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"    RFC 9208 §7. What is not named has no limit any more. */
static void scan_limits(struct scan *in, struct quota_setting *st)
{
    struct quota_amount *limit = &st->limit;
    *limit = (struct quota_amount){QUOTA_NONE, QUOTA_NONE, QUOTA_NONE};
    scan_byte(in, '(', "Expected ( before the limits");
    while (scan_ok(in) && !scan_try(in, ')')) {
        uint64_t unit, n;
        uint64_t *what = named(limit, imap_parse_atom(in), &unit);
        imap_parse_sp(in);
        if (!what)
            scan_fail(in, "Limits are of STORAGE, MESSAGE and MAILBOX");
        n = scan_u64(in, "Expected a limit");
        if (n > INT64_MAX / BLOCK_BYTES)
            scan_fail(in, "A limit so large cannot be counted");
        if (scan_ok(in))
            *what = n * unit;
        st->nothing |= n == 0;
        if (!scan_try(in, ' ') && scan_peek(in) != ')')
            scan_fail(in, "Expected ) behind the limits");
    }
}

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    const struct quota_setting *st = imap_cmd_of_op(op)->state;
    struct account account;
    struct arena *a = arena_new();
    enum err e = directory_account_get(t, a, st->account, &account, f); /* it may have gone */
    arena_free(&a);
    return e == ERR_OK ? quota_set(t, st->account, &st->limit, f) : e;
}

static enum step done(struct imap_cmd *c)
{
    const struct quota_setting *st = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct quota q;
    if (c->op_result == ERR_NOTFOUND)
        return no_root(c);
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = quota_get(t, st->account, &q, &f);
    if (e == ERR_OK && has_limit(t, &q))
        tell(c->session, t, st->root, &q);
    txn_read_end(&t);
    return e == ERR_OK ? imap_reply_ok(c, NULL, "Setquota completed") : imap_reply_err(c, e, &f);
}

enum step imap_quota_set(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct quota_setting *st = arena_new_of(c->arena, struct quota_setting);
    st->root = arena_keep(c->arena, imap_parse_astring(&c->args, c->arena));
    imap_parse_sp(&c->args);
    scan_limits(&c->args, st);
    scan_end(&c->args, "Unexpected text at the end");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (!is_admin(s))
        return imap_reply_no(c, "NOPERM", "Quotas are set by the administrator");
    if (st->nothing)
        return imap_reply_no(c, "CANNOT",
                             "A limit of 0 cannot be set; without a limit leave it out");
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = find_root(s, t, c->arena, st->root, &st->account, &f);
    txn_read_end(&t);
    if (e == ERR_NOTFOUND)
        return no_root(c);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    c->state = st;
    return imap_cmd_submit(c, apply, done);
}
