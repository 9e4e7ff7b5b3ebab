#pragma once /* imapd/imap_search_return.h: what a search tells: the options of RETURN, and ESEARCH */
#include "imapd/imap_find.h"

/* "RETURN (...) ", if it is there, with the space behind it; the first piece of a search program. */
void imap_search_return_parse(struct scan *s, struct search_program *out);
/* Adds what of found a PARTIAL range takes: RFC 9394 §3.1. */
void imap_search_return_partial(const struct uidset *found, const struct search_partial *p,
                                struct uidset *out);
/* "1:100" or "-1:-100" as the client gave it. */
void imap_search_return_range(const struct search_partial *p, struct buf *out);
/* What "$" means from now on: RFC 9051 §6.4.4.1, RFC 9394 §3.2. */
void imap_search_return_saved(const struct search_program *p, const struct uidset *found,
                              struct uidset *saved);
/* The MODSEQ of a result: RFC 7162 §3.1.5 and §3.1.6. */
uint64_t imap_search_return_modseq(const struct search_program *p, const struct imap_find *find);
/* " MIN 2 COUNT 3 ALL ..." with the space before each; numbers are the found messages as the client counts. */
void imap_search_return_data(const struct search_program *p, const struct imap_find *find,
                             const struct uidset *numbers, struct buf *out);
/* NO with the charsets we know, or some of them: RFC 9051 §6.4.4. */
enum step imap_search_return_bad_charset(struct imap_cmd *c);
