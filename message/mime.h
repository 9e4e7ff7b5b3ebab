#pragma once /* message/mime.h: finds the parts of a message while its bytes stream by */
#include "message/structure.h"

struct mime;

/* What was found. Everything in it lives as long as the parser. */
struct mime_message {
    const struct structure_part *parts; /* in document order; part 0 is the message */
    uint32_t n;
    bool dated;
    struct date sent;
    struct span subject; /* UTF-8, at most MIME_SUBJECT_BYTES */
    struct span digest;  /* a record of message/digest.h */
    struct span preview; /* see message/preview.h */
    bool
        too_large; /* the texts of the parts would fill more than OUTLINE_RECORD_MAX: some are missing */
};
#define MIME_SUBJECT_BYTES 1000

struct mime *mime_new(const struct outline_limits *limits);
void mime_free(struct mime **m); /* NULL is fine */
void mime_feed(struct mime *m, struct span piece);
/* Ends the message. Call once; nothing can be fed after it. */
void mime_end(struct mime *m, struct mime_message *out);
