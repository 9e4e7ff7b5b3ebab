#include "message/address.h"
#include "common/utf8.h"
#include "message/nfc.h"

#include <arpa/inet.h>
#include <idn2.h>

#define LOCAL_BYTES 64   /* RFC 5321 §4.5.3.1.1 */
#define DOMAIN_BYTES 255 /* RFC 5321 §4.5.3.1.2 */
#define NAME_BYTES 253 /* what RFC 1035 §2.3.4 leaves for the name as text, without its last dot */
#define LABEL_BYTES 63 /* RFC 1035 §2.3.4 */

/* --- the grammar of RFC 5321 §4.1.2, with the extensions of RFC 6531 §3.3 ------------------------
 * Bytes above 127 are taken by every rule; address_check then asks for UTF-8 and for leave to
 * use it. */

static bool is_let_dig(unsigned char c)
{
    unsigned char lower = span_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* atext, RFC 5322 §3.2.3, also UTF8-non-ascii */
static bool is_atext(unsigned char c)
{
    return is_let_dig(c) || c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Of a sub-domain. The underscore is not in the grammar, but in names that exist. */
static bool is_label_byte(unsigned char c)
{
    return is_let_dig(c) || c == '-' || c == '_' || c >= 0x80;
}

/* Dot-string = Atom *("." Atom)    Atom = 1*atext */
static struct span scan_dot_string(struct scan *s)
{
    size_t from = s->at;
    do {
        if (scan_while(s, is_atext).n == 0)
            scan_fail(s, "bad local-part");
    } while (scan_try(s, '.'));
    return span_of(s->in.p + from, s->at - from);
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE
 * QcontentSMTP = qtextSMTP / quoted-pairSMTP    quoted-pairSMTP = %d92 %d32-126
 * qtextSMTP = %d32-33 / %d35-91 / %d93-126 / UTF8-non-ascii */
static struct span scan_quoted_string(struct scan *s, struct arena *a)
{
    char *out = arena_alloc(a, LOCAL_BYTES);
    size_t n = 0;
    bool closed = false;
    scan_byte(s, '"', "bad local-part");
    while (!scan_done(s) && !(closed = scan_try(s, '"'))) {
        bool pair = scan_try(s, '\\');
        int c = scan_peek(s);
        if (c < 32 || c == 127 || (pair && c > 126))
            scan_fail(s, "bad quoted local-part");
        else if (n == LOCAL_BYTES)
            scan_fail(s, "local-part too long");
        else
            out[n++] = scan_take(s, 1, "bad quoted local-part").p[0];
    }
    if (!closed)
        scan_fail(s, "quoted local-part without an end");
    return span_of(out, n);
}

/* Local-part = Dot-string / Quoted-string */
static struct span scan_local_part(struct scan *s, struct arena *a)
{
    size_t from = s->at;
    struct span local = scan_peek(s) == '"' ? scan_quoted_string(s, a) : scan_dot_string(s);
    if (s->at - from > LOCAL_BYTES)
        scan_fail(s, "local-part too long");
    return local;
}

/* sub-domain = Let-dig [Ldh-str] / U-label */
static void scan_sub_domain(struct scan *s)
{
    struct span label = scan_while(s, is_label_byte);
    if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
        scan_fail(s, "bad domain");
}

/* Domain = sub-domain *("." sub-domain) */
static void scan_domain(struct scan *s)
{
    do
        scan_sub_domain(s);
    while (scan_try(s, '.'));
}

/* IPv4-address-literal / IPv6-address-literal, the two general forms that exist: RFC 5321 §4.1.3 */
static bool is_literal(struct span inside)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char binary[sizeof(struct in6_addr)];
    bool six = span_starts_ci(inside, SPAN("IPv6:"));
    if (six)
        inside = span_from(inside, 5);
    if (inside.n >= sizeof text || memchr(inside.p, 0, inside.n))
        return false;
    memcpy(text, inside.p, inside.n);
    text[inside.n] = 0;
    return inet_pton(six ? AF_INET6 : AF_INET, text, binary) == 1;
}

/* address-literal = "[" ( IPv4-address-literal / IPv6-address-literal ) "]" */
static void scan_address_literal(struct scan *s)
{
    scan_byte(s, '[', "bad address literal");
    struct span inside = scan_until(s, ']', "bad address literal");
    scan_byte(s, ']', "bad address literal");
    if (scan_ok(s) && !is_literal(inside))
        scan_fail(s, "bad address literal");
}

/* Mailbox = Local-part "@" ( Domain / address-literal ) */
static struct address scan_mailbox(struct scan *s, struct arena *a)
{
    struct address addr = {.local = scan_local_part(s, a)};
    scan_byte(s, '@', "address without a domain");
    size_t from = s->at;
    if (scan_peek(s) == '[')
        scan_address_literal(s);
    else
        scan_domain(s);
    addr.domain = span_of(s->in.p + from, s->at - from);
    if (addr.domain.n > DOMAIN_BYTES)
        scan_fail(s, "domain too long");
    return addr;
}

/* A-d-l = At-domain *( "," At-domain )    At-domain = "@" Domain
 * read and dropped: RFC 5321 appendix C */
static void skip_source_route(struct scan *s)
{
    do {
        scan_byte(s, '@', "bad source route");
        scan_domain(s);
    } while (scan_try(s, ','));
    scan_byte(s, ':', "bad source route");
}

static struct address address_check(struct scan *s, struct address addr, bool utf8)
{
    if (scan_ok(s) && !(utf8_ascii(addr.local) && utf8_ascii(addr.domain))) {
        if (!utf8)
            scan_fail(s, "non-ASCII address without SMTPUTF8");
        else if (!utf8_valid(addr.local) || !utf8_valid(addr.domain))
            scan_fail(s, "address is not UTF-8");
    }
    return scan_ok(s) ? addr : (struct address){SPAN(""), SPAN("")};
}

/* Path = "<" [ A-d-l ":" ] Mailbox ">"    Reverse-path = Path / "<>"
 * and of RCPT: "<Postmaster>", RFC 5321 §4.1.1.3 */
struct address address_path(struct scan *s, struct arena *a, bool null_ok, bool utf8)
{
    struct address none = {SPAN(""), SPAN("")};
    scan_byte(s, '<', "address without <>");
    if (null_ok && scan_try(s, '>'))
        return none;
    if (!null_ok && span_starts_ci(scan_rest(s), SPAN("postmaster>"))) {
        none.local = scan_take(s, 10, "");
        scan_byte(s, '>', "");
        return none;
    }
    if (scan_peek(s) == '@')
        skip_source_route(s);
    struct address addr = scan_mailbox(s, a);
    scan_byte(s, '>', "address without >");
    return address_check(s, addr, utf8);
}

bool address_parse(struct arena *a, struct span text, struct address *out, const char **why)
{
    struct scan s = scan_of(text);
    struct address addr = scan_mailbox(&s, a);
    scan_end(&s, "more after the address");
    *out = address_check(&s, addr, true);
    *why = s.why;
    return scan_ok(&s);
}

/* --- writing and comparing -------------------------------------------------------------------- */

static bool is_dot_string(struct span local)
{
    struct scan s = scan_of(local);
    scan_dot_string(&s);
    return scan_ok(&s) && scan_done(&s);
}

struct span address_text(struct arena *a, struct address addr)
{
    char *out = arena_alloc(a, 2 * addr.local.n + addr.domain.n + 3);
    size_t n = 0;
    bool quoted = addr.local.n + addr.domain.n > 0 && !is_dot_string(addr.local);
    if (quoted)
        out[n++] = '"';
    for (size_t i = 0; i < addr.local.n; i++) {
        if (quoted && (addr.local.p[i] == '"' || addr.local.p[i] == '\\'))
            out[n++] = '\\';
        out[n++] = addr.local.p[i];
    }
    if (quoted)
        out[n++] = '"';
    if (addr.domain.n > 0) {
        out[n++] = '@';
        memcpy(out + n, addr.domain.p, addr.domain.n);
        n += addr.domain.n;
    }
    return span_of(out, n);
}

static struct span lower_ascii(struct arena *a, struct span s)
{
    char *out = arena_alloc(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)span_lower((unsigned char)s.p[i]);
    return span_of(out, s.n);
}

/* Whether DNS can hold the name: labels of letters, digits, hyphens and underscores. */
static bool is_dns_name(struct span name)
{
    if (name.n > NAME_BYTES || !utf8_ascii(name))
        return false;
    struct scan s = scan_of(name);
    do {
        size_t from = s.at;
        scan_sub_domain(&s);
        if (s.at - from > LABEL_BYTES)
            return false;
    } while (scan_try(&s, '.'));
    return scan_ok(&s) && scan_done(&s);
}

/* U-labels to A-labels, RFC 5891 §5, with the mapping of UTS 46. */
static bool domain_to_ascii(struct arena *a, struct span domain, struct span *out)
{
    char *ascii = NULL;
    if (domain.n > 4 * DOMAIN_BYTES || !utf8_valid(domain) || memchr(domain.p, 0, domain.n))
        return false;
    if (idn2_to_ascii_8z(arena_cstr(a, domain), &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) !=
        IDN2_OK)
        return false;
    *out = arena_keep(a, span_cstr(ascii));
    idn2_free(ascii);
    return true;
}

bool address_domain_key(struct arena *a, struct span domain, struct span *key_out)
{
    if (domain.n == 0)
        return false;
    if (domain.p[0] == '[') {
        if (domain.p[domain.n - 1] != ']' || !is_literal(span_of(domain.p + 1, domain.n - 2)))
            return false;
        *key_out = lower_ascii(a, domain);
        return true;
    }
    if (domain.p[domain.n - 1] == '.') /* the root, as zone files write it */
        domain.n--;
    if (!utf8_ascii(domain) && !domain_to_ascii(a, domain, &domain))
        return false;
    if (!is_dns_name(domain))
        return false;
    *key_out = lower_ascii(a, domain);
    return true;
}

/* Case folded and NFC. */
static bool local_key(struct arena *a, struct span local, struct span *out)
{
    if (!utf8_ascii(local))
        return nfc_folded(a, local, out);
    *out = lower_ascii(a, local);
    return true;
}

bool address_key(struct arena *a, struct address addr, struct span *key_out)
{
    struct span local, domain;
    if (!local_key(a, addr.local, &local) || !address_domain_key(a, addr.domain, &domain))
        return false;
    char *key = arena_alloc(a, local.n + 1 + domain.n);
    memcpy(key, local.p, local.n);
    key[local.n] = '@';
    memcpy(key + local.n + 1, domain.p, domain.n);
    *key_out = span_of(key, local.n + 1 + domain.n);
    return true;
}
