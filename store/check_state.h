#pragma once /* store/check_state.h: what the rooms of the check share; included nowhere else */
#include "common/arena.h"
#include "store/check.h"
#include "store/mailbox.h"
#include "store/table.h"

struct check_account {
    uint64_t id;
    bool named, inbox;
};
struct check_mailbox {
    uint64_t id;
    struct mailbox row, found; /* names are not kept; found: what its messages add up to */
    uint32_t max_uid, keywords;
    unsigned names;
};
struct check_body {
    uint64_t id, bytes, found_bytes;
    uint32_t refs, chunks, found_refs, found_chunks;
    bool outlined, digested;
};

struct check {
    struct txn *t;
    check_fn *report;
    check_progress_fn *progress;
    void *arg;
    struct check_totals totals;
    uint64_t rows;
    bool stopped;
    struct arena *a;                             /* for one row */
    uint64_t modseq, id, uidvalidity, blob_high; /* META */
    /* All sorted by id, as their tables are. */
    struct check_account *accounts;
    size_t account_count, account_cap;
    struct check_mailbox *mailboxes;
    size_t mailbox_count, mailbox_cap;
    struct check_body *bodies;
    size_t body_count, body_cap;
    uint64_t *pending;
    size_t pending_count, pending_cap;
    struct check_mailbox *mailbox; /* the one of the last row */
    struct check_body *body;
};

/* One line: invariant I<number> does not hold. */
void check_broken(struct check *c, unsigned number, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Calls row for every row of the table. */
typedef void check_row_fn(struct check *c, struct span key, struct span value, struct fault *f);
enum err check_table(struct check *c, enum table table, check_row_fn *row, struct fault *f);
/* Room for one more element of an array of that size; returns the array. */
void *check_room(void *array, size_t n, size_t *cap, size_t bytes);
struct check_account *check_find_account(const struct check *c, uint64_t id); /* NULL: not there */
struct check_mailbox *check_find_mailbox(struct check *c, uint64_t id);
struct check_body *check_find_body(struct check *c, uint64_t id);

/* Each reads its tables and then says what does not add up; in this order. */
enum err check_directory_read(struct check *c, struct fault *f);
enum err check_body_read(struct check *c, struct fault *f);
enum err check_mail_read(struct check *c, struct fault *f);
enum err check_directory_names(struct check *c, struct fault *f);
enum err check_acl_read(struct check *c, struct fault *f);
enum err check_index_read(struct check *c, struct fault *f);
enum err check_mail_sums(struct check *c, struct fault *f);
enum err check_quota_sums(struct check *c, struct fault *f);
void check_body_sums(struct check *c);
