#include "imapd/imap_acl.h"
#include "imapd/imap_match.h"
#include "imapd/imap_metadata.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_status.h"
#include "imapd/imap_tree.h"
#include "imapd/imap_use.h"
#include "imapd/imap_verbs.h"

#define IMAP_LIST_PATTERN_COUNT 32
#define IMAP_LIST_ENTRY_COUNT 64

/* Selection options, RFC 9051 §6.3.9.1 and RFC 6154 §3; REMOTE changes nothing here. */
enum imap_list_select {
    LIST_SUBSCRIBED = 1,
    LIST_SPECIAL = 2,
    LIST_REMOTE = 4,
    LIST_RECURSIVE = 8
};
/* Return options, RFC 9051 §6.3.9.2. CHILDREN and SPECIAL-USE come in any case: some clients
 * rely on that. */
enum imap_list_return {
    LIST_RETURN_SUBSCRIBED = 1,
    LIST_RETURN_STATUS = 2,
    LIST_RETURN_CHILDREN = 4,
    LIST_RETURN_SPECIAL = 8,
    LIST_RETURN_MYRIGHTS = 16, /* RFC 8440 */
    LIST_RETURN_METADATA = 32, /* RFC 9590 */
};

struct imap_list {
    const char *verb; /* LIST, LSUB or XLIST in the responses */
    unsigned select, returns, status;
    struct span *entries; /* of METADATA */
    size_t entry_count;
    bool extended; /* the extended syntax was used */
    bool lsub;
    struct imap_match *patterns;
    size_t pattern_count;
    struct imap_tree_reader *reader;
    struct imap_tree tree;
    size_t at;      /* the next node: backwards while matching, forwards while telling */
    size_t pattern; /* the next pattern for it */
};

/* --- arguments --- */

struct imap_list_option {
    const char *name;
    unsigned bit;
};

static unsigned imap_list_option(struct scan *in, const struct imap_list_option *known)
{
    struct span name = imap_parse_atom(in);
    for (; known->name; known++) {
        if (span_eq_ci(name, span_cstr(known->name)))
            return known->bit;
    }
    scan_fail(in, "Unknown LIST option");
    return 0;
}

/* list-select-opts = "(" [...] ")"    RFC 9051 §9; the parenthesis has been taken */
static void imap_list_selection(struct scan *in, struct imap_list *l)
{
    static const struct imap_list_option known[] = {{"SUBSCRIBED", LIST_SUBSCRIBED},
                                                    {"SPECIAL-USE", LIST_SPECIAL},
                                                    {"REMOTE", LIST_REMOTE},
                                                    {"RECURSIVEMATCH", LIST_RECURSIVE},
                                                    {NULL, 0}};
    while (scan_ok(in) && !scan_try(in, ')')) {
        l->select |= imap_list_option(in, known);
        if (!scan_try(in, ' ') && scan_peek(in) != ')')
            scan_fail(in, "Expected ) behind the selection options");
    }
    if ((l->select & LIST_RECURSIVE) && !(l->select & (LIST_SUBSCRIBED | LIST_SPECIAL)))
        scan_fail(in, "RECURSIVEMATCH needs another selection option");
    if (l->select & LIST_SUBSCRIBED)
        l->returns |= LIST_RETURN_SUBSCRIBED;
}

/* "METADATA" SP "(" entry *(SP entry) ")"    RFC 9590 §5; the word has been taken */
static void imap_list_entries(struct scan *in, struct arena *a, struct imap_list *l)
{
    imap_parse_sp(in);
    scan_byte(in, '(', "Expected ( before the entries");
    if (!l->entries)
        l->entries = arena_alloc(a, IMAP_LIST_ENTRY_COUNT * sizeof *l->entries);
    do {
        struct span name = imap_metadata_entry(in, a, false);
        if (l->entry_count == IMAP_LIST_ENTRY_COUNT)
            scan_fail(in, "Too many entries");
        else if (scan_ok(in))
            l->entries[l->entry_count++] = name;
    } while (scan_try(in, ' '));
    scan_byte(in, ')', "Expected ) behind the entries");
}

/* list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")" */
static void imap_list_returns(struct scan *in, struct arena *a, struct imap_list *l)
{
    static const struct imap_list_option known[] = {{"SUBSCRIBED", LIST_RETURN_SUBSCRIBED},
                                                    {"CHILDREN", LIST_RETURN_CHILDREN},
                                                    {"SPECIAL-USE", LIST_RETURN_SPECIAL},
                                                    {"STATUS", LIST_RETURN_STATUS},
                                                    {"MYRIGHTS", LIST_RETURN_MYRIGHTS},
                                                    {"METADATA", LIST_RETURN_METADATA},
                                                    {NULL, 0}};
    imap_parse_sp(in);
    if (!scan_try_word(in, SPAN("RETURN (")))
        scan_fail(in, "Expected RETURN (");
    while (scan_ok(in) && !scan_try(in, ')')) {
        unsigned option = imap_list_option(in, known);
        l->returns |= option;
        if (option == LIST_RETURN_STATUS) {
            imap_parse_sp(in);
            l->status |= imap_status_items(in);
        }
        if (option == LIST_RETURN_METADATA)
            imap_list_entries(in, a, l);
        if (!scan_try(in, ' ') && scan_peek(in) != ')')
            scan_fail(in, "Expected ) behind the return options");
    }
}

/* mbox-or-pat = list-mailbox / patterns    patterns = "(" list-mailbox *(SP list-mailbox) ")" */
static void imap_list_patterns(struct imap_cmd *c, struct imap_list *l, struct span reference,
                               struct span *only)
{
    struct scan *in = &c->args;
    bool utf8 = imap_session_utf8(c->session);
    bool several = scan_try(in, '(');
    l->extended |= several;
    l->patterns = arena_alloc(c->arena, IMAP_LIST_PATTERN_COUNT * sizeof *l->patterns);
    do {
        *only = imap_parse_list_mailbox(in, c->arena, utf8);
        if (l->pattern_count == IMAP_LIST_PATTERN_COUNT)
            scan_fail(in, "Too many patterns");
        if (scan_ok(in) && only->n > 0)
            l->patterns[l->pattern_count++] = imap_match_of(c->arena, reference, *only);
    } while (several && scan_try(in, ' '));
    if (several)
        scan_byte(in, ')', "Expected ) behind the patterns");
}

/* --- choosing --- */

/* The node meets the selection criteria (all of them) by itself. */
static bool imap_list_wanted(const struct imap_list *l, const struct imap_tree_node *n)
{
    if ((l->select & LIST_SUBSCRIBED) && !n->subscribed)
        return false;
    if ((l->select & LIST_SPECIAL) && !(n->exists && n->box.uses))
        return false;
    return (l->select & (LIST_SUBSCRIBED | LIST_SPECIAL)) || n->exists;
}

/* The node before l->at is held against the next pattern; after the last one the levels above hear of it. */
static void imap_list_choose(struct imap_list *l)
{
    size_t i = l->at - 1;
    struct imap_tree_node *n = &l->tree.nodes[i];
    if (l->pattern < l->pattern_count) {
        const struct imap_match *m = &l->patterns[l->pattern++];
        if (imap_match(m, n->box.name)) {
            n->matches = true;
            n->levels |= m->levels;
        }
        return;
    }
    l->pattern = 0;
    l->at = i;
    if (n->parent != i) {
        struct imap_tree_node *parent = &l->tree.nodes[n->parent];
        bool wanted = imap_list_wanted(l, n);
        parent->wanted_below |= wanted || n->wanted_below;
        parent->wanted_unsaid_below |= (wanted && !n->matches) || n->wanted_unsaid_below;
    }
}

/* --- telling --- */

static void imap_list_attribute(struct imap_session *s, const char *name, const char **between)
{
    imap_outf(s, "%s%s", *between, name);
    *between = " ";
}

static void imap_list_attributes(struct imap_session *s, const struct imap_list *l,
                                 const struct imap_tree_node *n)
{
    const char *between = "", *use;
    uint32_t bit;
    if (l->lsub) {
        if (!n->subscribed) /* a level above one that is: RFC 3501 §6.3.9 */
            imap_list_attribute(s, "\\Noselect", &between);
        return;
    }
    if (!n->exists)
        imap_list_attribute(
            s, l->extended || (s->enabled & IMAP_REV2) ? "\\NonExistent" : "\\Noselect", &between);
    if (n->subscribed && (l->returns & LIST_RETURN_SUBSCRIBED))
        imap_list_attribute(s, "\\Subscribed", &between);
    imap_list_attribute(s, n->children ? "\\HasChildren" : "\\HasNoChildren", &between);
    for (unsigned i = 0; n->exists && (use = imap_use_name(i, &bit)) != NULL; i++) {
        if (n->box.uses & bit)
            imap_list_attribute(s, use, &between);
    }
}

static void imap_list_line(struct imap_session *s, const struct imap_list *l,
                           const struct imap_tree_node *n, bool childinfo)
{
    imap_outf(s, "* %s (", l->verb);
    imap_list_attributes(s, l, n);
    imap_out(s, SPAN(") \"/\" "));
    imap_out_mailbox(s, n->box.name);
    if (childinfo) {
        bool subscribed = l->select & LIST_SUBSCRIBED, special = l->select & LIST_SPECIAL;
        imap_outf(s, " (\"CHILDINFO\" (%s%s%s))", subscribed ? "\"SUBSCRIBED\"" : "",
                  subscribed && special ? " " : "", special ? "\"SPECIAL-USE\"" : "");
    }
    imap_out(s, SPAN("\r\n"));
}

/* Whether and how the node is told. */
static bool imap_list_is_told(const struct imap_list *l, const struct imap_tree_node *n,
                              bool *childinfo)
{
    bool wanted = imap_list_wanted(l, n);
    *childinfo = false;
    if (!n->matches)
        return false;
    if (l->select & LIST_RECURSIVE) {
        /* RFC 9051 §6.3.9.6: a name that does not meet the criteria only if what is below it is
         * not told itself */
        *childinfo = wanted ? n->wanted_below : n->wanted_unsaid_below;
        return wanted || *childinfo;
    }
    if (wanted)
        return true;
    if (!n->levels)
        return false;
    return l->lsub ? n->wanted_below
                   : !(l->select & (LIST_SUBSCRIBED | LIST_SPECIAL)) && n->children;
}

/* STATUS (RFC 5819) only of what the user may read: it is no error if it may not. */
static enum err imap_list_more(struct imap_session *s, const struct imap_list *l,
                               const struct imap_tree_node *n, struct fault *f)
{
    struct txn *t = NULL;
    struct mailbox box;
    enum err e = txn_read(s->options->store, &t, f);
    if (e == ERR_OK)
        e = mailbox_get(t, NULL, n->box.id, &box, f);
    box.name = n->box.name;
    if (e == ERR_OK && (l->returns & LIST_RETURN_MYRIGHTS))
        e = imap_acl_myrights(s, t, &box, f);
    if (e == ERR_OK && l->entry_count > 0)
        e = imap_metadata_tell(s, t, s->cmd.arena, &box, l->entries, l->entry_count, f);
    if (e == ERR_OK && l->status)
        e = acl_authorize(t, s->account, &box, ACL_READ, f);
    if (e == ERR_OK && l->status)
        e = imap_status_send(s, t, &box, l->status, f);
    txn_read_end(&t);
    /* deleted since the names were read, or not to be read */
    return e == ERR_NOTFOUND || e == ERR_DENIED ? ERR_OK : e;
}

static enum step imap_list_tell(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct imap_list *l = c->state;
    struct fault f = FAULT_NONE;
    for (; l->at < l->tree.n; l->at++) {
        const struct imap_tree_node *n = &l->tree.nodes[l->at];
        bool childinfo;
        if (imap_cmd_should_yield(c))
            return STEP_MORE;
        if (!imap_list_is_told(l, n, &childinfo))
            continue;
        imap_list_line(s, l, n, childinfo);
        bool more = l->status || (l->returns & (LIST_RETURN_MYRIGHTS | LIST_RETURN_METADATA));
        /* not of what is told for the sake of those below alone: RFC 5819 §2 */
        enum err e =
            more && n->exists && imap_list_wanted(l, n) ? imap_list_more(s, l, n, &f) : ERR_OK;
        if (e != ERR_OK)
            return imap_reply_err(c, e, &f);
    }
    return imap_reply_ok(c, NULL, l->lsub ? "LSUB completed" : "List completed");
}

/* From the end, so that every node has heard of those below it before it is asked. */
static enum step imap_list_match(struct imap_cmd *c)
{
    struct imap_list *l = c->state;
    while (l->at > 0) {
        imap_list_choose(l);
        if (l->at > 0 && imap_cmd_should_yield(c)) {
            c->more = imap_list_match;
            return STEP_MORE;
        }
    }
    c->more = imap_list_tell;
    return imap_list_tell(c);
}

static bool imap_list_enough(void *arg)
{
    return imap_cmd_should_yield(arg);
}

static enum step imap_list_read(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct imap_list *l = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    bool done = false;
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_tree_more(l->reader, t, imap_list_enough, c, &done, &l->tree, &f);
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    c->more = imap_list_read;
    if (!done)
        return STEP_MORE;
    l->at = l->tree.n;
    return imap_list_match(c);
}

static void imap_list_cleanup(struct imap_cmd *c)
{
    struct imap_list *l = c->state;
    imap_tree_end(l->reader);
}

/* Whether the pattern can match a name below root, or the root: up to its first wildcard they agree. */
static bool imap_list_may_match(struct span pattern, struct span root)
{
    size_t n = 0;
    while (n < pattern.n && pattern.p[n] != '*' && pattern.p[n] != '%')
        n++;
    n = n < root.n ? n : root.n;
    return span_eq(span_to(pattern, n), span_to(root, n));
}

static enum step imap_list_run(struct imap_cmd *c, struct imap_list *l)
{
    bool others = false;
    for (size_t i = 0; i < l->pattern_count; i++)
        others |= imap_list_may_match(l->patterns[i].pattern, SPAN(IMAP_REACH_OTHERS)) ||
                  imap_list_may_match(l->patterns[i].pattern, SPAN(IMAP_REACH_SHARED));
    l->reader = imap_tree_begin(c->arena, c->session->account, others);
    c->state = l;
    c->cleanup = imap_list_cleanup;
    return imap_list_read(c);
}

/* list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]    RFC
 * 9051 §9 */
static enum step imap_list_named(struct imap_cmd *c, const char *verb)
{
    struct imap_session *s = c->session;
    struct scan *in = &c->args;
    struct imap_list *l = arena_new_of(c->arena, struct imap_list);
    struct span only;
    l->verb = verb;
    if (scan_try(in, '(')) {
        l->extended = true;
        imap_list_selection(in, l);
        imap_parse_sp(in);
    }
    struct span reference = imap_parse_list_mailbox(in, c->arena, imap_session_utf8(s));
    imap_parse_sp(in);
    imap_list_patterns(c, l, reference, &only);
    if (scan_ok(in) && !scan_done(in)) {
        l->extended = true;
        imap_list_returns(in, c->arena, l);
    }
    scan_end(in, "Unexpected text at the end");
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    if (!l->extended && only.n == 0) { /* what is the delimiter? */
        imap_outf(s, "* %s (\\Noselect) \"/\" \"\"\r\n", verb);
        return imap_reply_ok(c, NULL, "List completed");
    }
    return imap_list_run(c, l);
}

enum step imap_list_list(struct imap_cmd *c)
{
    return imap_list_named(c, "LIST");
}

/* As LIST, for a client that knows only the name of Gmail's command. */
enum step imap_list_xlist(struct imap_cmd *c)
{
    return imap_list_named(c, "XLIST");
}

/* lsub = "LSUB" SP mailbox SP list-mailbox    RFC 3501 §6.3.9 */
enum step imap_list_lsub(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct scan *in = &c->args;
    struct imap_list *l = arena_new_of(c->arena, struct imap_list);
    struct span only, reference = imap_parse_list_mailbox(in, c->arena, imap_session_utf8(s));
    imap_parse_sp(in);
    imap_list_patterns(c, l, reference, &only);
    scan_end(in, "Unexpected text at the end");
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    if (only.n == 0) {
        imap_out(s, SPAN("* LSUB (\\Noselect) \"/\" \"\"\r\n"));
        return imap_reply_ok(c, NULL, "LSUB completed");
    }
    l->verb = "LSUB";
    l->lsub = true;
    l->select = LIST_SUBSCRIBED;
    return imap_list_run(c, l);
}
