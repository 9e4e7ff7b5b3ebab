#pragma once /* imapd/imap_match.h: mailbox patterns with "*" and "%" */
#include "common/arena.h"

/* A pattern made ready once for many names. */
struct imap_match {
    struct span pattern; /* runs of wildcards made one; p NULL: too long to match any name */
    const struct imap_match_bits *bits;
    bool levels; /* ends in "%": levels that are no mailboxes are wanted too, RFC 9051 §6.3.9 */
};
/* reference and pattern put together; the result is in a. */
struct imap_match imap_match_of(struct arena *a, struct span reference, struct span pattern);
/* Takes time proportional to the length of the pattern, in words of 64, times that of the name, whatever they
 * are. INBOX and the levels below it match it in any case. */
bool imap_match(const struct imap_match *m, struct span name);
