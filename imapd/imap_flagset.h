#pragma once /* imapd/imap_flagset.h: which messages of a mailbox have a flag, as sets */
#include "store/flags.h"
#include "store/mailbox.h"
#include "store/msg.h"

#define IMAP_FLAGSET_KEYWORD_COUNT 8

/* Made from all rows once, kept with the mailbox's UIDs (imapd/imap_cache.h) and brought up to date from the change log: a
 * search for flags is then an operation on sets. Belongs to one loop. */
struct imap_flagset {
    uint64_t modseq; /* exact as of this HIGHESTMODSEQ; behind what is written since */
    struct uidset flags[FLAGS_SYSTEM_COUNT];
    struct imap_flagset_keyword {
        size_t bit;
        struct uidset uids;
    } keywords[IMAP_FLAGSET_KEYWORD_COUNT];
    size_t keyword_count;
};
/* To be filled with the rows that a walk finds which begins at that HIGHESTMODSEQ; it may take several snapshots. Keeps the
 * keywords of the bits, at most IMAP_FLAGSET_KEYWORD_COUNT. */
struct imap_flagset *imap_flagset_new(uint64_t modseq, const size_t *bits, size_t n);
void imap_flagset_free(struct imap_flagset **s); /* NULL is fine */
void imap_flagset_row(struct imap_flagset *s, const struct msg *row);
/* Up to the mailbox's row as read in t. ERR_LIMIT: too much has changed, make a new one. */
enum err imap_flagset_refresh(struct imap_flagset *s, struct txn *t, const struct mailbox *box,
                              struct fault *f);
/* flag: one of enum flags_system. */
const struct uidset *imap_flagset_flag(const struct imap_flagset *s, uint32_t flag);
/* NULL: not kept. */
const struct uidset *imap_flagset_keyword(const struct imap_flagset *s, size_t bit);
/* What it takes in memory, in ranges. */
size_t imap_flagset_ranges(const struct imap_flagset *s);
