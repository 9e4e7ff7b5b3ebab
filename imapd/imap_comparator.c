#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Room: COMPARATOR, RFC 5255 §4.7: which collation SEARCH, SORT and THREAD use. There is one, which all of them have in
 * message/fold.h; the command is how a client learns that. */

#define ACTIVE "i;unicode-casemap" /* RFC 5051 */

/* collation-wild: "*" stands for anything; RFC 4790 §3.2. Case-insensitive. */
static bool matches(struct span wild, struct span name)
{
    size_t w = 0, n = 0, star = SIZE_MAX,
           after = 0; /* the last star, and how much of name it has taken */
    while (n < name.n) {
        if (w < wild.n && wild.p[w] == '*') {
            star = w++;
            after = n;
        } else if (w < wild.n &&
                   span_lower((unsigned char)wild.p[w]) == span_lower((unsigned char)name.p[n])) {
            w++;
            n++;
        } else if (star != SIZE_MAX) {
            w = star + 1;
            n = ++after;
        } else {
            return false;
        }
    }
    while (w < wild.n && wild.p[w] == '*')
        w++;
    return w == wild.n;
}

/* collation-order = ["+" / "-"] collation-selected or with "*", or "default". In descending order we have none. */
static bool is_active(struct span order)
{
    if (order.n > 0 && order.p[0] == '+')
        order = span_from(order, 1);
    return span_eq_ci(order, SPAN("default")) || matches(order, SPAN(ACTIVE));
}

/* comparator-cmd = "COMPARATOR" *(SP comp-order-quoted)    RFC 5255 §4.10 */
enum step imap_comparator(struct imap_cmd *c)
{
    struct scan *in = &c->args;
    bool asked = !scan_done(in), found = false;
    while (!scan_done(in)) {
        found |= is_active(imap_parse_astring(in, c->arena));
        if (!scan_done(in))
            imap_parse_sp(in);
    }
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    if (asked && !found)
        return imap_reply_no(c, "BADCOMPARATOR", "There is no such comparator");
    imap_out(c->session, SPAN("* COMPARATOR " ACTIVE "\r\n"));
    return imap_reply_ok(c, NULL, "COMPARATOR completed");
}
