#pragma once /* message/header.h: the fields of a header block, where they lie */
#include "common/arena.h"
#include "common/span.h"

/* One field as it lies in the block. Nothing is copied. */
struct header_field {
    struct span name; /* without the colon and the white space before it */
    struct span
        value; /* everything after the colon up to, not including, the last CRLF: still folded */
    struct span raw; /* the whole field with its last line end */
};

/* Takes the next field off *block. Accepts CRLF and bare LF line ends; a line that is no field (no colon, or an empty
 * name) is skipped as part of the one before it, or alone if it comes first. False at the empty line or at the end. */
bool header_next(struct span *block, struct header_field *out);
/* The first field of that name (case-insensitive); false if absent. */
bool header_find(struct span block, struct span name, struct header_field *out);
/* The last one: of several Dates or Subjects the one that was there first, before others were put on top. */
bool header_last(struct span block, struct span name, struct header_field *out);
/* The name of the field that begins on this line; false: none does (a folded line, no colon, no name). */
bool header_name(struct span line, struct span *name);
/* value without its folding (RFC 5322 §2.2.3): line ends removed, trimmed; a CR alone becomes a space. */
struct span header_unfold(struct arena *a, struct span value);
/* One address of an address-list, RFC 5322 §3.4; group syntax comes as IMAP wants it (RFC 9051 §7.5.2): a start has
 * group = true and the name in mailbox with an empty domain, an end has group = true and no mailbox. */
struct header_address {
    struct span name, route, mailbox, domain; /* decoded from quoting, not from RFC 2047 */
    bool group;
};
/* Reads the whole list however broken it is, at most max entries; returns how many. */
size_t header_addresses(struct arena *a, struct span value, struct header_address *out, size_t max);
