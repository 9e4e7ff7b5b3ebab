#pragma once /* imapd/imap_find_filter.h: rows on their way through the index of texts and the digests, a batch at a time */
#include "imapd/imap_search.h"

#define IMAP_FIND_FILTER_COUNT 8192 /* rows of a batch */

struct imap_find_filter {
    struct arena *arena; /* of the batch; NULL: nothing is under way */
    struct msg *rows;
    size_t n;
    struct uidset sure;  /* UIDs of the batches so far: found */
    struct uidset maybe; /* and those that have to be read */
    enum { IMAP_FIND_FILTER_GATHERS, IMAP_FIND_FILTER_ASKS, IMAP_FIND_FILTER_DATES } stage;
    bool scattered; /* private from here */
    uint64_t *bodies;
    unsigned char *holds; /* of bodies */
    size_t body_count;
    struct search_filter *index; /* NULL: not asked */
    unsigned char *answers;      /* of rows */
    size_t at;                   /* rows before it have one */
};
/* Takes a row in; true: the batch is full and must be run before the next. */
bool imap_find_filter_add(struct imap_find_filter *w, const struct msg *row);
/* The batch is run from now on, until it gathers again. */
void imap_find_filter_begin(struct imap_find_filter *w, const struct search_program *p);
/* One slice of that. m is scratch, with its scans reset. */
enum err imap_find_filter_run(struct imap_find_filter *w, struct search_message *m,
                              const struct search_program *p, struct imap_cmd *cmd,
                              struct fault *f);
void imap_find_filter_fini(struct imap_find_filter *w);
