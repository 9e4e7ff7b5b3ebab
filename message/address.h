#pragma once /* message/address.h: mailboxes as SMTP writes them, and the key under which we know them */
#include "common/arena.h"
#include "common/scan.h"

/* local is without its quotes and backslashes; domain as written (a literal keeps its brackets). Both empty: the null
 * reverse-path <>. domain alone empty: <Postmaster>, RFC 5321 §4.1.1.3. Spans point into the input or the arena. */
struct address {
    struct span local, domain;
};

/* Path = "<" [ A-d-l ":" ] Mailbox ">", the null path only with null_ok. A source route is read and dropped (RFC 5321
 * §4.1.2, appendix C). utf8: internationalized addresses are allowed (RFC 6531 §3.3). Limits: local-part 64 bytes,
 * domain 255 (RFC 5321 §4.5.3.1). Fails the scan with a static text on anything else. */
struct address address_path(struct scan *s, struct arena *a, bool null_ok, bool utf8);
/* Mailbox alone, to the end of s: for command lines and configuration. */
bool address_parse(struct arena *a, struct span text, struct address *out, const char **why);

/* As SMTP writes it, local-part quoted where it must be; "" for the null path. */
struct span address_text(struct arena *a, struct address addr);
/* The one form under which an address is stored and looked up: local-part NFC and case folded, domain as lower-case
 * A-labels (IDNA2008, UTS 46 mapping); "local@domain". False: not a name that DNS could hold. */
bool address_key(struct arena *a, struct address addr, struct span *key_out);
/* The same for a domain alone. */
bool address_domain_key(struct arena *a, struct span domain, struct span *key_out);
