#pragma once /* net/wire.h: a non-blocking socket, in the clear or under TLS; for net/ alone */
#include "common/span.h"

struct tls;
struct ssl_st;

struct wire {
    int fd;
    struct ssl_st *ssl;      /* NULL while in the clear */
    struct deflate *deflate; /* NULL while nothing is compressed, inside of TLS */
    bool packs, unpacks;     /* the two directions of it */
    size_t turn_at;          /* after so many bytes more of output packs turns; SIZE_MAX: never */
    size_t packed_of;        /* bytes whose compressed form is on its way */
    const char *why;         /* after WIRE_BROKEN: static text */
};

enum wire_is {
    WIRE_DONE,        /* something was done, more may be possible at once */
    WIRE_WANTS_READ,  /* go on when the descriptor is readable */
    WIRE_WANTS_WRITE, /* go on when it is writable */
    WIRE_END,         /* the peer will send no more */
    WIRE_BROKEN       /* no more in either direction */
};

/* Takes fd. */
void wire_init(struct wire *w, int fd);
void wire_fini(
    struct wire *w); /* closes it; what the peer has sent unread makes the kernel send a reset */

/* From now on TLS, as its server; wire_handshake is next. False: out of memory. */
bool wire_secure(struct wire *w, struct tls *t);
enum wire_is wire_handshake(struct wire *w);
/* Whether wire_read would find something although the descriptor is not readable. */
bool wire_pending(const struct wire *w);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" in *version and *cipher, static texts; empty in the clear. */
void wire_text(const struct wire *w, const char **version, const char **cipher);

/* Compresses (RFC 4978 §3): input from the next byte on, output behind so many bytes still to be written. False: out of
 * memory, or the output has not yet come to the last such point. */
bool wire_compress(struct wire *w, size_t behind);
/* The end of it (RFC 8437 §4.1): output likewise, input at its next flush. */
bool wire_uncompress(struct wire *w, size_t behind);

/* Reads at most n (not 0) bytes. *got may be more than 0 with any result but counts before it. */
enum wire_is wire_read(struct wire *w, char *p, size_t n, size_t *got);
/* Writes the beginning of s (not empty); after WANTS the next call begins with the same bytes, and at least as many. */
enum wire_is wire_write(struct wire *w, struct span s, size_t *took);
/* Says goodbye to the peer: nothing can be written afterwards. */
void wire_bye(struct wire *w);
/* Reads and forgets, whatever it is, up to n bytes at p: after wire_bye, or when no reading will follow. */
enum wire_is wire_discard(struct wire *w, char *p, size_t n);
