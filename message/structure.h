#pragma once /* message/structure.h: BODYSTRUCTURE: what the Content- fields say, and its text on the wire */
#include "message/outline.h"
#include "message/words.h"

/* What the Content- fields of one header say. Lives in the arena of structure_read. */
struct structure_content {
    struct words_params type;  /* pieces joined; "text" "plain" where RFC 2045 §5.2 says so */
    struct span kind, subkind; /* type and subtype in lower case, cut at 255 bytes */
    struct span charset;       /* lower case, cut at 255 bytes; empty if absent */
    struct span boundary;      /* empty if absent; without white space at its end, */
    size_t boundary_blanks;    /* which had so many bytes: RFC 2046 §5.1.1 */
    struct span encoding;      /* as it came; "7bit" if absent */
    bool attachment;
    struct words_params disposition;            /* value empty: absent */
    struct span id, description, md5, location; /* p NULL: absent */
    struct span language;                       /* still a list; p NULL: absent */
};

/* Whether structure_read reads the field of that name. */
bool structure_wants(struct span name);
/* header may hold other fields too; the first of each name counts, but the last Content-Disposition. in_digest: the part is a child of multipart/digest, so
 * that without Content-Type it is a message (RFC 2046 §5.1.5). */
void structure_read(struct arena *a, struct span header, bool in_digest,
                    struct structure_content *out);
/* Makes it application/octet-stream: we do not look into this part. */
void structure_opaque(struct structure_content *c);
/* Makes it text/plain: its Content-Type cannot be meant, RFC 2045 §5.2. */
void structure_plain(struct structure_content *c);

/* A part as BODYSTRUCTURE sees it, in document order. */
struct structure_part {
    struct outline_part row;
    uint32_t level;   /* 1 for part 0 */
    uint32_t next;    /* index of the first part behind all that this one holds */
    struct span head; /* leaf and message: from the type to the encoding; multipart: the subtype */
    struct span tail; /* the extension data, with the space before it */
    struct span envelope; /* of a message: part 0 and the hidden ones */
};
/* Appends head and tail of a part of that kind; *tail_at is where tail begins in out. False: out is full. */
bool structure_put_part(const struct structure_content *c, enum outline_kind kind, struct buf *out,
                        size_t *tail_at);

/* Bytes of the text of BODYSTRUCTURE that BODY does not have. */
struct structure_cut {
    uint32_t at, n;
};
/* Appends BODYSTRUCTURE of the n parts (n > 0) to out, and to cuts, which has room for n, the extension data of each in
 * order; returns how many. */
size_t structure_put(const struct structure_part *parts, uint32_t n, struct buf *out,
                     struct structure_cut *cuts);
