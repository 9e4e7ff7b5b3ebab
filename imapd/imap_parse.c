#include "imapd/imap_parse.h"

#include "common/utf8.h"
#include "message/mutf7.h"
#include "message/nfc.h"
#include "store/mailbox.h"

#define IMAP_PARSE_FLAG_COUNT 1000
#define IMAP_PARSE_KEYWORD_BYTES 255

static const struct span imap_parse_nothing = {"", 0};

/* atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials */
bool imap_parse_is_atom_char(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '(' && c != ')' && c != '{' && c != '%' && c != '*' &&
           c != '"' && c != '\\' && c != ']';
}

bool imap_parse_is_astring_char(unsigned char c)
{
    return c == ']' || imap_parse_is_atom_char(c);
}

/* list-char = ATOM-CHAR / list-wildcards / resp-specials */
static bool imap_parse_is_list_char(unsigned char c)
{
    return c == '%' || c == '*' || imap_parse_is_astring_char(c);
}

void imap_parse_sp(struct scan *s)
{
    scan_byte(s, ' ', "Expected a space");
}

static struct span imap_parse_run(struct scan *s, bool (*is)(unsigned char), const char *why)
{
    struct span got = scan_while(s, is);
    if (got.n == 0)
        scan_fail(s, why);
    return got;
}

/* atom = 1*ATOM-CHAR */
struct span imap_parse_atom(struct scan *s)
{
    return imap_parse_run(s, imap_parse_is_atom_char, "Expected an atom");
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE    the opening quote has been taken */
static struct span imap_parse_quoted(struct scan *s, struct arena *a)
{
    size_t began = s->at, escapes = 0;
    for (; s->at < s->in.n && s->in.p[s->at] != '"'; s->at++) {
        unsigned char c = (unsigned char)s->in.p[s->at];
        if (c == '\r' || c == '\n' || c == '\0')
            scan_fail(s, "A quoted string may not hold CR, LF or NUL");
        if (c == '\\') {
            escapes++;
            s->at++;
            if (s->at >= s->in.n || (s->in.p[s->at] != '"' && s->in.p[s->at] != '\\'))
                scan_fail(s, "Only \" and \\ may stand behind \\");
        }
        if (!scan_ok(s))
            return imap_parse_nothing;
    }
    if (s->at > s->in.n)
        s->at = s->in.n;
    struct span raw = span_of(s->in.p + began, s->at - began);
    scan_byte(s, '"', "A quoted string does not end");
    if (scan_ok(s) && !utf8_valid(raw)) /* RFC 9755 §3, RFC 9051 §4.3 */
        scan_fail(s, "A quoted string is not UTF-8");
    if (escapes == 0)
        return raw;
    char *out = arena_alloc(a, raw.n);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        i += raw.p[i] == '\\';
        out[n++] = raw.p[i];
    }
    return span_of(out, n);
}

/* literal = "{" number64 ["+"] "}" CRLF *CHAR8    the brace has been taken */
static struct span imap_parse_literal(struct scan *s)
{
    uint64_t n = scan_u64(s, "Expected the length of a literal");
    scan_try(s, '+');
    scan_byte(s, '}', "Expected } behind the length of a literal");
    scan_byte(s, '\r', "Expected the end of the line behind {n}");
    scan_byte(s, '\n', "Expected the end of the line behind {n}");
    if (n > s->in.n)
        scan_fail(s, "A literal is cut off");
    return scan_take(s, (size_t)n, "A literal is cut off");
}

struct span imap_parse_string(struct scan *s, struct arena *a)
{
    if (scan_try(s, '"'))
        return imap_parse_quoted(s, a);
    if (scan_try(s, '{'))
        return imap_parse_literal(s);
    scan_fail(s, "Expected a string");
    return imap_parse_nothing;
}

static bool imap_parse_string_next(const struct scan *s)
{
    return scan_peek(s) == '"' || scan_peek(s) == '{';
}

/* astring = 1*ASTRING-CHAR / string */
struct span imap_parse_astring(struct scan *s, struct arena *a)
{
    if (imap_parse_string_next(s))
        return imap_parse_string(s, a);
    return imap_parse_run(s, imap_parse_is_astring_char, "Expected an atom or a string");
}

/* nstring = string / nil */
struct span imap_parse_nstring(struct scan *s, struct arena *a)
{
    if (imap_parse_string_next(s))
        return imap_parse_string(s, a);
    if (!scan_try_word(s, SPAN("NIL")))
        scan_fail(s, "Expected a string or NIL");
    return (struct span){NULL, 0};
}

/* From the wire to UTF-8. A client that did not enable IMAP4rev2 speaks modified UTF-7 (RFC 3501
 * §5.1.3); if it sends UTF-8 all the same, it is understood. */
static struct span imap_parse_decode(struct scan *s, struct arena *a, bool utf8, struct span wire)
{
    struct span name = wire;
    bool ok = utf8 || !utf8_ascii(wire) ? utf8_valid(wire) : mutf7_decode(a, wire, &name);
    if (scan_ok(s) && !ok)
        scan_fail(s, utf8 ? "A mailbox name is not UTF-8" : "A mailbox name is not modified UTF-7");
    return ok && scan_ok(s) ? name : imap_parse_nothing;
}

/* mailbox = "INBOX" / astring    What cannot be a name is left to the store, which says so or
 * finds nothing. */
struct span imap_parse_mailbox_given(struct scan *s, struct arena *a, bool utf8,
                                     struct span *given_out)
{
    *given_out = imap_parse_decode(s, a, utf8, imap_parse_astring(s, a));
    struct span canonical, name = nfc_normal(a, *given_out);
    struct fault f = FAULT_NONE;
    if (scan_ok(s) && mailbox_name_check(name, &canonical, &f) == ERR_OK)
        name = canonical;
    return name;
}

struct span imap_parse_mailbox(struct scan *s, struct arena *a, bool utf8)
{
    struct span given;
    return imap_parse_mailbox_given(s, a, utf8, &given);
}

/* list-mailbox = 1*list-char / string */
struct span imap_parse_list_mailbox(struct scan *s, struct arena *a, bool utf8)
{
    struct span wire = imap_parse_string_next(s) ? imap_parse_string(s, a)
                                                 : imap_parse_run(s, imap_parse_is_list_char,
                                                                  "Expected a mailbox pattern");
    return nfc_normal(a, imap_parse_decode(s, a, utf8, wire));
}

/* seq-number = nz-number / "*" */
static uint32_t imap_parse_number(struct scan *s)
{
    if (scan_try(s, '*'))
        return IMAP_SET_STAR;
    uint32_t n = scan_u32(s, "Expected a message number");
    if (scan_ok(s) && n == 0)
        scan_fail(s, "Message numbers begin at 1");
    return n;
}

/* sequence-set = (seq-number / seq-range) ["," sequence-set]    seq-range = seq-number ":"
 * seq-number */
struct imap_set imap_parse_set(struct scan *s, struct arena *a)
{
    struct imap_set set = {NULL, 0, false};
    size_t room = 0;
    if (scan_try(s, '$')) {
        set.saved = true;
        return set;
    }
    do {
        struct imap_set_range r;
        r.first = r.last = imap_parse_number(s);
        if (scan_try(s, ':'))
            r.last = imap_parse_number(s);
        if (set.n == room) {
            struct imap_set_range *more = arena_alloc(a, (room = room ? room * 2 : 4) * sizeof r);
            if (set.n)
                memcpy(more, set.ranges, set.n * sizeof r);
            set.ranges = more;
        }
        set.ranges[set.n++] = r;
    } while (scan_try(s, ','));
    return set;
}

/* flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword /
 * flag-extension    No extension is known. */
static void imap_parse_flag(struct scan *s, struct flags_wanted *w, struct span *names)
{
    bool system = scan_try(s, '\\');
    struct span name = imap_parse_run(s, imap_parse_is_atom_char, "Expected a flag");
    if (!scan_ok(s))
        return;
    if (!system) {
        if (name.n > IMAP_PARSE_KEYWORD_BYTES)
            scan_fail(s, "Keyword too long");
        else
            names[w->keyword_count++] = name;
        return;
    }
    for (unsigned i = 0; i < FLAGS_SYSTEM_COUNT; i++) {
        if (span_eq_ci(name, span_cstr(flags_system_names[i] + 1))) {
            w->system |= 1u << i;
            return;
        }
    }
    scan_fail(s,
              span_eq_ci(name, SPAN("Recent")) ? "\\Recent cannot be set" : "Unknown system flag");
}

/* flag-list = "(" [flag *(SP flag)] ")"    STORE: also flag *(SP flag) */
struct flags_wanted imap_parse_flags(struct scan *s, struct arena *a)
{
    struct flags_wanted w = {0, NULL, 0};
    struct span *names = arena_alloc(a, IMAP_PARSE_FLAG_COUNT * sizeof *names);
    bool list = scan_try(s, '(');
    unsigned count = 0;
    if (!list || !scan_try(s, ')')) {
        do {
            if (count++ >= IMAP_PARSE_FLAG_COUNT)
                scan_fail(s, "Too many flags");
            imap_parse_flag(s, &w, names);
        } while (scan_try(s, ' '));
        if (list)
            scan_byte(s, ')', "Expected ) behind the flags");
    }
    w.keywords = names;
    return w;
}

/* date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE */
struct date imap_parse_date_time(struct scan *s)
{
    struct date d = {0, 0};
    scan_byte(s, '"', "Expected a date and time in quotes");
    struct span text = scan_until(s, '"', "A quoted string does not end");
    scan_try(s, '"');
    if (scan_ok(s) && !date_imap_parse(text, &d))
        scan_fail(s, "Expected \"dd-Mon-yyyy hh:mm:ss +zzzz\"");
    return d;
}

/* date = date-text / DQUOTE date-text DQUOTE */
int32_t imap_parse_date(struct scan *s)
{
    int32_t days = 0;
    bool quoted = scan_try(s, '"');
    struct span text =
        quoted ? scan_until(s, '"', "A quoted string does not end") : imap_parse_atom(s);
    if (quoted)
        scan_try(s, '"');
    if (scan_ok(s) && !date_imap_day(text, &days))
        scan_fail(s, "Expected a date as 1-Feb-1994");
    return days;
}
