#pragma once /* imapd/imap_parse.h: the grammar that verbs share, RFC 9051 §9 */
#include "common/arena.h"
#include "common/scan.h"
#include "imapd/imap_view.h"
#include "store/flags.h"
#include "message/date.h"

/* Each reads one rule at the cursor; after a failure all are no-ops (common/scan.h). Results lie
 * in the input or in a. Literals are inline in the input as "{n}\r\n" or "{n+}\r\n" and the
 * bytes. */
void imap_parse_sp(struct scan *s); /* exactly one space */
struct span imap_parse_atom(struct scan *s);
struct span imap_parse_astring(struct scan *s, struct arena *a);
struct span imap_parse_string(struct scan *s, struct arena *a);  /* quoted or literal */
struct span imap_parse_nstring(struct scan *s, struct arena *a); /* NIL: p is NULL */
/* mailbox: an astring decoded to UTF-8 (modified UTF-7, or UTF-8 as it is), INBOX in upper case.
 * NFC, as all names are made: two that look the same are the same (RFC 9051 §5.1). Fails on a name that cannot be. */
struct span imap_parse_mailbox(struct scan *s, struct arena *a, bool utf8);
/* The same, with the name as the client spelled it. */
struct span imap_parse_mailbox_given(struct scan *s, struct arena *a, bool utf8,
                                     struct span *given_out);
struct span imap_parse_list_mailbox(struct scan *s, struct arena *a,
                                    bool utf8); /* with wildcards */
struct imap_set imap_parse_set(struct scan *s, struct arena *a);
/* flag-list or, bare, flags divided by spaces: system bits and keywords; \Recent is refused; at
 * most 1,000. */
struct flags_wanted imap_parse_flags(struct scan *s, struct arena *a);
struct date imap_parse_date_time(struct scan *s);
int32_t imap_parse_date(struct scan *s); /* days since 1970, quoted or not */
bool imap_parse_is_atom_char(unsigned char c);
bool imap_parse_is_astring_char(unsigned char c);
