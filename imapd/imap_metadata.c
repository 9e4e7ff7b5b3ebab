#include "imapd/imap_metadata.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/metadata.h"

#include <inttypes.h>

/* Room: GETMETADATA and SETMETADATA, RFC 5464 §4. Every user has private entries of his own at each mailbox he may see and at
 * the server; those in /shared are one for all. What /shared says at the server is the administrator's. */

#define METADATA_ENTRIES 64 /* in one command */

enum metadata_depth { DEPTH_0, DEPTH_1, DEPTH_ALL };

struct metadata {
    struct span mailbox_name;
    uint64_t mailbox, account; /* the mailbox and whose it is; METADATA_SERVER and the user's */
    size_t n;
    struct span names[METADATA_ENTRIES];
    struct span values[METADATA_ENTRIES]; /* of SETMETADATA */
    /* of GETMETADATA: */
    enum metadata_depth depth;
    bool limited, any;
    uint64_t max_bytes, longest; /* MAXSIZE, and the longest that was left out */
    struct imap_session *session;
    struct txn *txn;
    size_t asked; /* which of names is being told */
};

/* --- arguments --- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* entry = astring: slash-separated, without "*" and "%", RFC 5464 §3.2 and §5. top: "/private" alone is one, too, to look
 * below it. */
struct span imap_metadata_entry(struct scan *in, struct arena *a, bool top)
{
    struct span given = imap_parse_astring(in, a);
    char *name = arena_alloc(a, given.n + 1);
    bool good = given.n > 1 && given.n <= METADATA_NAME_BYTES && given.p[given.n - 1] != '/';
    for (size_t i = 0; i < given.n; i++) {
        unsigned char c = (unsigned char)given.p[i];
        name[i] = lower(given.p[i]);
        good &= c > 0x19 && c < 0x7f && c != '*' && c != '%';
        good &= i == 0 ? c == '/' : !(c == '/' && given.p[i - 1] == '/');
    }
    struct span all = span_of(name, given.n);
    if (scan_ok(in) &&
        !(good &&
          (span_starts_ci(all, SPAN("/private/")) || span_starts_ci(all, SPAN("/shared/")) ||
           (top && (span_eq(all, SPAN("/private")) || span_eq(all, SPAN("/shared")))))))
        scan_fail(in, "An entry is a name like /private/comment or /shared/comment");
    return all;
}

static void add(struct scan *in, struct metadata *m, struct span name)
{
    if (m->n == METADATA_ENTRIES)
        scan_fail(in, "Too many entries in one command");
    else if (scan_ok(in))
        m->names[m->n++] = name;
}

/* getmetadata-option: MAXSIZE, DEPTH, RFC 5464 §4.2.1 and §4.2.2; the parenthesis has been taken */
static void scan_options(struct scan *in, struct metadata *m)
{
    do {
        if (scan_try_word(in, SPAN("MAXSIZE "))) {
            m->limited = true;
            m->max_bytes = scan_u64(in, "Expected the largest size");
        } else if (scan_try_word(in, SPAN("DEPTH infinity"))) {
            m->depth = DEPTH_ALL;
        } else if (scan_try_word(in, SPAN("DEPTH 0"))) {
            m->depth = DEPTH_0;
        } else if (scan_try_word(in, SPAN("DEPTH 1"))) {
            m->depth = DEPTH_1;
        } else {
            scan_fail(in, "Unknown option");
        }
    } while (scan_try(in, ' '));
    scan_byte(in, ')', "Expected ) behind the options");
    imap_parse_sp(in);
}

/* The next thing is an option list, not a list of entries. */
static bool at_options(const struct scan *in)
{
    struct span rest = scan_rest(in);
    return span_starts_ci(rest, SPAN("(MAXSIZE ")) || span_starts_ci(rest, SPAN("(DEPTH "));
}

/* The examples of RFC 5464 §4.2 have the options behind the mailbox, its grammar before it. */
static void scan_get(struct imap_cmd *c, struct metadata *m)
{
    struct scan *in = &c->args;
    if (at_options(in)) {
        scan_byte(in, '(', "");
        scan_options(in, m);
    }
    m->mailbox_name = imap_parse_list_mailbox(in, c->arena, imap_session_utf8(c->session));
    imap_parse_sp(in);
    if (at_options(in)) {
        scan_byte(in, '(', "");
        scan_options(in, m);
    }
    bool several = scan_try(in, '(');
    do
        add(in, m, imap_metadata_entry(in, c->arena, true));
    while (several && scan_try(in, ' '));
    if (several)
        scan_byte(in, ')', "Expected ) behind the entries");
    scan_end(in, "Unexpected text at the end");
}

/* value = nstring / literal8 */
static struct span scan_value(struct scan *in, struct arena *a)
{
    (void)scan_try(in, '~');
    return imap_parse_nstring(in, a);
}

static void scan_set(struct imap_cmd *c, struct metadata *m)
{
    struct scan *in = &c->args;
    m->mailbox_name = imap_parse_list_mailbox(in, c->arena, imap_session_utf8(c->session));
    imap_parse_sp(in);
    scan_byte(in, '(', "Expected ( before the entries");
    do {
        struct span name = imap_metadata_entry(in, c->arena, false);
        imap_parse_sp(in);
        if (m->n < METADATA_ENTRIES)
            m->values[m->n] = scan_value(in, c->arena);
        add(in, m, name);
    } while (scan_try(in, ' '));
    scan_byte(in, ')', "Expected ) behind the entries");
    scan_end(in, "Unexpected text at the end");
}

/* --- which mailbox --- */

static bool is_private(struct span name)
{
    return span_starts_ci(name, SPAN("/private"));
}

static uint64_t owner_of(const struct metadata *m, struct span name)
{
    return is_private(name) ? m->session->account : METADATA_SHARED;
}

#define READERS (ACL_READ | ACL_SEEN | ACL_WRITE | ACL_INSERT | ACL_POST)

/* RFC 5464 §3.3: with "l" and any one of r, s, w, i or p. */
static enum err find(struct metadata *m, struct txn *t, struct arena *a, struct fault *f)
{
    struct imap_session *s = m->session;
    struct mailbox box;
    unsigned rights;
    m->mailbox = METADATA_SERVER;
    m->account = s->account;
    if (m->mailbox_name.n == 0)
        return ERR_OK;
    enum err e = imap_reach(s, t, a, m->mailbox_name, ACL_LOOKUP, &box, f);
    if (e == ERR_OK)
        e = acl_rights(t, s->account, &box, &rights, f);
    if (e != ERR_OK)
        return e;
    m->mailbox = box.id;
    m->account = box.account;
    return rights & READERS ? ERR_OK : fault_set(f, ERR_DENIED, "no right to the metadata");
}

/* --- GETMETADATA --- */

/* Whether name is the entry asked for, or so far below it as DEPTH allows. RFC 5464 §4.2.2 */
static bool is_below(const struct metadata *m, struct span asked, struct span name)
{
    struct span rest = span_from(name, asked.n);
    if (!span_starts_ci(name, asked))
        return false;
    if (rest.n == 0)
        return true;
    if (m->depth == DEPTH_0 || rest.p[0] != '/')
        return false;
    return m->depth == DEPTH_ALL || span_find(span_from(rest, 1), '/') == rest.n - 1;
}

/* Only the first that asks for it hears it: a command costs no more than all entries once. */
static bool is_wanted(const struct metadata *m, struct span name)
{
    for (size_t i = 0; i < m->asked; i++)
        if (is_below(m, m->names[i], name))
            return false;
    return is_below(m, m->names[m->asked], name);
}

static void out_value(struct imap_session *s, struct span name, struct span value)
{
    imap_out(s, name);
    imap_out(s, SPAN(" "));
    if (value.n && memchr(value.p, '\0', value.n)) {
        imap_outf(s, "~{%zu}\r\n", value.n);
        imap_out(s, value);
    } else {
        imap_out_string(s, value);
    }
}

static bool tell_one(void *arg, struct span name, struct span value)
{
    struct metadata *m = arg;
    struct imap_session *s = m->session;
    if (!is_wanted(m, name))
        return true;
    if (m->limited && value.n > m->max_bytes) {
        m->longest = value.n > m->longest ? value.n : m->longest;
        return true;
    }
    if (!m->any) {
        imap_out(s, SPAN("* METADATA "));
        imap_out_mailbox(s, m->mailbox_name);
        imap_out(s, SPAN(" ("));
    } else {
        imap_out(s, SPAN(" "));
    }
    m->any = true;
    out_value(s, name, value);
    return true;
}

static enum err tell(struct imap_cmd *c, struct metadata *m, struct fault *f)
{
    enum err e = txn_read(c->session->options->store, &m->txn, f);
    if (e == ERR_OK)
        e = find(m, m->txn, c->arena, f);
    for (; m->asked < m->n && e == ERR_OK; m->asked++) {
        struct span name = m->names[m->asked];
        e = metadata_each(m->txn, m->mailbox, owner_of(m, name), name, tell_one, m, f);
    }
    txn_read_end(&m->txn);
    if (m->any)
        imap_out(c->session, SPAN(")\r\n"));
    return e;
}

static struct metadata *begin(struct imap_cmd *c)
{
    struct metadata *m = arena_new_of(c->arena, struct metadata);
    m->session = c->session;
    c->state = m;
    return m;
}

enum step imap_metadata_get(struct imap_cmd *c)
{
    struct metadata *m = begin(c);
    struct fault f = FAULT_NONE;
    scan_get(c, m);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    enum err e = tell(c, m, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    const char *code =
        m->longest ? arena_printf(c->arena, "METADATA LONGENTRIES %" PRIu64, m->longest).p : NULL;
    return imap_reply_ok(c, code, "Getmetadata completed");
}

/* --- LIST RETURN (METADATA ...) --- */

enum err imap_metadata_tell(struct imap_session *s, struct txn *t, struct arena *a,
                            const struct mailbox *box, const struct span *names, size_t n,
                            struct fault *f)
{
    unsigned rights;
    enum err e = acl_rights(t, s->account, box, &rights, f);
    if (e != ERR_OK || !(rights & READERS))
        return e;
    imap_out(s, SPAN("* METADATA "));
    imap_out_mailbox(s, box->name);
    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        uint64_t owner = is_private(names[i]) ? s->account : METADATA_SHARED;
        struct span value;
        e = metadata_get(t, a, box->id, owner, names[i], &value, f);
        imap_out(s, i ? SPAN(" ") : SPAN(" ("));
        if (e == ERR_OK)
            out_value(s, names[i], value);
        else
            imap_outf(s, "%.*s NIL", SPAN_ARG(names[i]));
        e = e == ERR_NOTFOUND ? ERR_OK : e;
    }
    imap_out(s, SPAN(")\r\n"));
    return e;
}

/* --- SETMETADATA: all or nothing --- */

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct metadata *m = imap_cmd_of_op(op)->state;
    struct arena *a = arena_new();
    enum err e = find(m, t, a, f);
    arena_free(&a);
    for (size_t i = 0; i < m->n && e == ERR_OK; i++)
        e = metadata_put(t, m->account, m->mailbox, owner_of(m, m->names[i]), m->names[i],
                         m->values[i], f);
    return e;
}

static enum step done(struct imap_cmd *c)
{
    if (c->op_result == ERR_LIMIT)
        return imap_reply_no(c, "METADATA TOOMANY", "There are too many entries already");
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    return imap_reply_ok(c, NULL, "Setmetadata completed");
}

enum step imap_metadata_set(struct imap_cmd *c)
{
    struct metadata *m = begin(c);
    scan_set(c, m);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    for (size_t i = 0; i < m->n; i++) {
        if (m->values[i].n > METADATA_VALUE_BYTES)
            return imap_reply_no(
                c, arena_printf(c->arena, "METADATA MAXSIZE %u", METADATA_VALUE_BYTES).p,
                "That value is too large");
        if (m->mailbox_name.n == 0 && !is_private(m->names[i]))
            return imap_reply_no(c, "NOPERM",
                                 "The server's shared entries are the administrator's");
        m->names[i] = arena_keep(c->arena, m->names[i]);
        if (m->values[i].p)
            m->values[i] = arena_keep(c->arena, m->values[i]);
    }
    m->mailbox_name = arena_keep(c->arena, m->mailbox_name);
    return imap_cmd_submit(c, apply, done);
}
