#include "message/envelope.h"
#include "message/header.h"
#include "message/nstring.h"

enum { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID, FIELDS };

/* clang-format off */
static const struct {
    struct span name;
    bool list; /* of addresses */
} fields[FIELDS] = {
    /* in the order of the wire */
    [DATE] = {{"Date", 4}, false},
    [SUBJECT] = {{"Subject", 7}, false},
    [FROM] = {{"From", 4}, true},
    [SENDER] = {{"Sender", 6}, true},
    [REPLY_TO] = {{"Reply-To", 8}, true},
    [TO] = {{"To", 2}, true},
    [CC] = {{"Cc", 2}, true},
    [BCC] = {{"Bcc", 3}, true},
    [IN_REPLY_TO] = {{"In-Reply-To", 11}, false},
    [MESSAGE_ID] = {{"Message-ID", 10}, false},
};
/* clang-format on */

struct envelope {
    struct arena *a;
    struct header_address *addresses; /* room for max_addresses */
    size_t max_addresses;
    struct span text[FIELDS]; /* p NULL: absent */
    struct buf list[FIELDS];
    size_t count[FIELDS];
};

static size_t field_index(struct span name)
{
    size_t i = 0;
    while (i < FIELDS && !span_eq_ci(fields[i].name, name))
        i++;
    return i;
}

bool envelope_wants(struct span name)
{
    return field_index(name) < FIELDS;
}

/* What stands in for a mailbox without a name or a host: NIL would mean group syntax. Other servers use these words
 * too, so clients know them. */
static struct span or_missing(struct span s, struct span missing)
{
    return s.n > 0 ? s : missing;
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"    RFC 9051 §9 */
static void put_address(struct buf *out, const struct header_address *h)
{
    struct span mailbox = h->mailbox, domain = {NULL, 0};
    if (!h->group) {
        mailbox = or_missing(h->mailbox, SPAN("MISSING_MAILBOX"));
        domain = or_missing(h->domain, SPAN("MISSING_DOMAIN"));
    }
    buf_byte(out, '(');
    nstring_put(out, h->name);
    buf_byte(out, ' ');
    nstring_put(out, h->route);
    buf_byte(out, ' ');
    nstring_put(out, mailbox);
    buf_byte(out, ' ');
    nstring_put(out, domain);
    buf_byte(out, ')');
}

/* A list that comes in several fields is read as one: who checks the message and who shows it then see the same
 * addresses. */
static void add_list(struct envelope *e, size_t field, struct span value)
{
    size_t left = e->max_addresses - e->count[field];
    if (left == 0)
        return;
    if (!e->addresses)
        e->addresses = arena_alloc(e->a, e->max_addresses * sizeof *e->addresses);
    size_t n = header_addresses(e->a, value, e->addresses, left);
    for (size_t i = 0; i < n; i++)
        put_address(&e->list[field], &e->addresses[i]);
    e->count[field] += n;
}

static void put_list(const struct envelope *e, size_t field, struct buf *out)
{
    if (e->count[field] == 0 && (field == SENDER || field == REPLY_TO))
        field = FROM; /* RFC 9051 §7.5.2 */
    if (e->count[field] == 0) {
        buf_add(out, SPAN("NIL"));
        return;
    }
    buf_byte(out, '(');
    buf_add(out, buf_span(&e->list[field]));
    buf_byte(out, ')');
    if (e->list[field].full)
        out->full = true;
}

bool envelope_put(struct arena *a, struct span header, size_t max_addresses, struct buf *out)
{
    struct envelope e = {.a = a, .max_addresses = max_addresses};
    struct header_field f;
    for (size_t i = 0; i < FIELDS; i++)
        buf_init(&e.list[i], out->max_bytes);
    while (header_next(&header, &f)) {
        size_t i = field_index(f.name);
        if (i == FIELDS)
            continue;
        if (fields[i].list)
            add_list(&e, i, f.value);
        else /* the last one counts: others were put on top of it later */
            e.text[i] = header_unfold(a, f.value);
    }
    for (size_t i = 0; i < FIELDS; i++) {
        buf_byte(out, i == 0 ? '(' : ' ');
        if (fields[i].list)
            put_list(&e, i, out);
        else
            nstring_put(out, e.text[i]);
    }
    buf_byte(out, ')');
    for (size_t i = 0; i < FIELDS; i++)
        buf_fini(&e.list[i]);
    return !out->full;
}
