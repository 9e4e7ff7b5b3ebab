#pragma once /* store/flags.h: flags and keywords of messages */
#include "common/arena.h"
#include "store/txn.h"
#include "store/uidset.h"

enum flags_system {
    FLAGS_SEEN = 1,
    FLAGS_ANSWERED = 2,
    FLAGS_FLAGGED = 4,
    FLAGS_DELETED = 8,
    FLAGS_DRAFT = 16
};
#define FLAGS_SYSTEM_COUNT 5
extern const char
    *const flags_system_names[FLAGS_SYSTEM_COUNT]; /* "\\Seen", in the order of the bits */

/* What a client asks to be set; keywords are atoms, compared without case, kept in the case first used. */
struct flags_wanted {
    uint32_t system;
    const struct span *keywords;
    size_t
        keyword_count; /* ERR_INVALID: not an atom; ERR_LIMIT: longer than MAILBOX_KEYWORD_BYTES */
};

enum flags_how { FLAGS_REPLACE, FLAGS_ADD, FLAGS_REMOVE };
struct flags_change {
    enum flags_how how;
    struct flags_wanted wanted;
    bool conditional; /* RFC 7162 §3.1.3: */
    /* Messages with a larger MODSEQ stay as they are, unless those of the flags that are to be added are all absent, or those
     * to be removed are all there: §3.1.12 */
    uint64_t unchangedsince;
};
/* Applies the change to those of uids that are in the mailbox. changed_out: whose flags differ now (these got the operation's MODSEQ);
 * modified_out: refused by unchangedsince; both are replaced. ERR_NOTFOUND: the mailbox is gone. ERR_LIMIT: MAILBOX_KEYWORD_COUNT. */
enum err flags_store(struct txn *t, uint64_t mailbox, const struct uidset *uids,
                     const struct flags_change *change, struct uidset *changed_out,
                     struct uidset *modified_out, struct fault *f);

/* Keywords of a mailbox: names[i] belongs to bit i of struct msg's keywords. */
enum err flags_keywords(struct txn *t, struct arena *a, uint64_t mailbox, struct span **names_out,
                        size_t *n_out, struct fault *f);
/* Bit i of a bitmap as rows keep it. */
static inline bool flags_bit(struct span bitmap, size_t i)
{
    return i / 8 < bitmap.n && ((unsigned char)bitmap.p[i / 8] >> (i % 8) & 1);
}
/* The bitmap for these names, in a; makes keywords that the mailbox does not have yet. */
enum err flags_bitmap(struct txn *t, struct arena *a, uint64_t mailbox, const struct span *names,
                      size_t n, struct span *bitmap_out, struct fault *f);

/* --- inside store/ --- */
struct mailbox;
/* For a mailbox whose row the operation has loaded and puts back: keyword_count may have grown. names may be none. make: as flags_bitmap; else names
 * that the mailbox does not have are left out. The result is in a. Writes only if all can be made. */
enum err flags_row_bitmap(struct txn *t, struct arena *a, struct mailbox *box,
                          const struct span *names, size_t n, bool make, struct span *bitmap_out,
                          struct fault *f);
/* The keywords of such a mailbox in memory, for one look-up after the other. */
struct flags_book {
    struct arena *a;
    struct mailbox *box;
    struct span *names; /* box->keyword_count of them */
    size_t cap;
};
enum err flags_book(struct flags_book *b, struct txn *t, struct arena *a, struct mailbox *box,
                    struct fault *f);
/* The bit of that name, which is made if it is not there. Borrows name as long as the book is used. ERR_LIMIT, ERR_INVALID: nothing is written. */
enum err flags_book_bit(struct flags_book *b, struct txn *t, struct span name, uint16_t *bit_out,
                        struct fault *f);
