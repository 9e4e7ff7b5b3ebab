#pragma once /* message/digest.h: what sorting and threading want to know of a message, small enough to be read for all of them */
#include "common/arena.h"
#include "common/buf.h"
#include "message/date.h"

/* Made from the header as message/outline.c reads it, kept in its record (outline_digest) and beside it in the store.
 * All text is UTF-8, decoded and unfolded; a text is cut at DIGEST_TEXT_BYTES (at a character). Spans point into the record. */
#define DIGEST_TEXT_BYTES 255
#define DIGEST_REFERENCE_COUNT 100 /* the first one and the last ones of longer lists are kept */

struct digest {
    bool dated;
    struct date sent;    /* of Date, if dated */
    struct span subject; /* the base subject, RFC 5256 §2.1, in the case it has */
    bool reply;          /* the subject said it is a reply or a forward, RFC 5256 §2.1 */
    /* addr-mailbox of the first address of the field, RFC 5256 §3; empty if there is none */
    struct span from, to, cc;
    /* what SORT=DISPLAY compares, RFC 5957 §3 */
    struct span from_display, to_display;
    /* The Message-ID and what it refers to, oldest first, by a 64-bit hash of the id in the form of RFC 5256 §3 (THREAD):
     * References if there is a valid id in it, else the first one of In-Reply-To. 0: none. */
    uint64_t id;
    size_t reference_count;
    const char *references; /* digest_reference reads them */
};
/* False: not a record of ours (damage). record is borrowed. */
bool digest_open(struct span record, struct digest *out);
uint64_t digest_reference(const struct digest *d, size_t i);

/* --- for message/outline.c --- */
/* Appends the record; lengths beyond the limits above are cut. references as an array of hashes. */
void digest_write(const struct digest *d, const uint64_t *references, struct buf *out);
/* The hash of a message id as it stands between "<" and ">" (RFC 5322 §3.6.4; quoted strings are undone as RFC 5256 §3
 * wants it). Fixed for all time: it is kept in stores. Never 0. */
uint64_t digest_hash_id(struct span id);
/* RFC 5256 §2.1: the base subject of a decoded, unfolded subject, in a. reply_out may be NULL. */
struct span digest_base_subject(struct arena *a, struct span subject, bool *reply_out);
