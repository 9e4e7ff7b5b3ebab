#pragma once /* imapd/imap_sort_keys.h: the criteria of a SORT, and how messages compare by them */
#include "common/buf.h"
#include "common/scan.h"
#include "imapd/imap_sort_merge.h"
#include "imapd/imap_sort_rows.h"

enum imap_sort_by {
    IMAP_SORT_ARRIVAL,
    IMAP_SORT_CC,
    IMAP_SORT_DATE,
    IMAP_SORT_DISPLAYFROM, /* RFC 5957 §4 */
    IMAP_SORT_DISPLAYTO,
    IMAP_SORT_FROM,
    IMAP_SORT_RELEVANCY, /* RFC 6203 §5: the highest score first */
    IMAP_SORT_SIZE,
    IMAP_SORT_SUBJECT,
    IMAP_SORT_TO,
    IMAP_SORT_BY
};
struct imap_sort_criteria {
    struct imap_sort_criterion {
        enum imap_sort_by by;
        bool reverse;
    } list[IMAP_SORT_BY]; /* each at most once: a second time it decides nothing */
    size_t n;
    bool digests;   /* one of them needs more than the rows */
    bool relevancy; /* RELEVANCY is among them */
};
/* sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"    RFC 5256 §5 */
void imap_sort_keys_parse(struct scan *s, struct imap_sort_criteria *out);

#define IMAP_SORT_KEYS_TEXT_BYTES (192u << 20) /* of all texts that are compared in one SORT */

/* What is compared, for n messages. Texts are folded (message/fold.h): their first eight bytes are the key, the rest stands in text. */
struct imap_sort_keys {
    const struct imap_sort_criteria *criteria; /* borrowed */
    uint64_t *keys[IMAP_SORT_BY];              /* [criterion][message] */
    uint32_t *rest[IMAP_SORT_BY];              /* where the rest of a text stands; NULL: a number */
    struct buf text, folded;
    size_t n;
};
void imap_sort_keys_init(struct imap_sort_keys *k, const struct imap_sort_criteria *c, size_t n);
void imap_sort_keys_fini(struct imap_sort_keys *k); /* zeroes are fine */
/* The nth message. d is not looked at unless criteria.digests. */
void imap_sort_keys_note(struct imap_sort_keys *k, size_t nth, const struct imap_sort_row *row,
                         const struct digest *d);
/* Once all are noted: begins the merge by them; k must outlive it. */
void imap_sort_keys_merge(struct imap_sort_keys *k, struct imap_sort_merge *m);
