#pragma once /* imapd/imap_catenate.h: the bytes that a URL of CATENATE stands for, RFC 4469 §3 */
#include "common/fault.h"
#include "imapd/imap_fetch.h"

/* A part of a message of this session's, read in helpings. Plain value; what it points to is in the arena. */
struct imap_catenate {
    uint64_t blob;
    struct span ready;        /* bytes that are here already */
    struct fetch_bytes bytes; /* of the body, behind them */
    uint64_t total, left;
};
/* Finds what url names. ERR_INVALID, ERR_NOTFOUND, ERR_DENIED: the URL is bad: BADURL. */
enum err imap_catenate_open(struct imap_session *s, struct arena *a, struct span url,
                            struct imap_catenate *out, struct fault *f);
/* The next helping (at most BLOB_CHUNK_BYTES) into out, which is reset before; none are left when left is 0.
 * ERR_NOTFOUND: the message was expunged meanwhile. */
enum err imap_catenate_more(struct imap_session *s, struct imap_catenate *part, struct buf *out,
                            struct fault *f);
