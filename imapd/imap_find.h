#pragma once /* imapd/imap_find.h: a search program run over messages of a mailbox, in slices */
#include "imapd/imap_find_filter.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_search.h"

/* For SEARCH, SORT, THREAD, ESEARCH and contexts alike. A find is a plain value; one runs at a time in a session:
 *
 *     imap_find_init(&find, session, &program, view->mailbox, &view->uids);
 *     more: e = imap_find_more(&find, &done, f);      one slice of at most 10 ms, with a snapshot of its own
 *           e == ERR_OK && !done: return STEP_MORE and come back
 *     done: find.found, find.modseq
 *     imap_find_fini(&find);                          always, also after an error; in the command's cleanup
 *
 * The program comes from imap_search_parse or its pieces and must outlive the find; the find writes to it (scratch), so
 * that it may be used again by the next find but not by two at once. Messages that are gone meanwhile are not found.
 * The mailbox need not be selected: then no message of it is \Recent, and a program with sequence numbers or "$" must
 * not have been parsed for it (imap_search_parse without a view refuses them). */
struct imap_find {
    struct uidset found; /* when done: UIDs */
    /* If program->modseq: the highest MODSEQ among them, and that of the first and the last; 0 if nothing was found. */
    uint64_t modseq, first_modseq, last_modseq;
    struct buf
        scores; /* if program->relevancy: a byte of 1 to 100 for each of found, in its order (RFC 6203 §4) */
    /* private */
    struct imap_session *session;
    struct search_program *program;
    uint64_t mailbox;
    enum find_stage { FIND_PLAN, FIND_FLAGS, FIND_FILTER, FIND_ROWS } stage;
    struct uidset candidates;
    struct imap_flagset *flags; /* in the making: all rows up to this UID are in it */
    uint32_t flags_uid;
    struct imap_find_filter filter;
    struct imap_rows rows;
    struct search_message message;
    struct search_scan scan;
    struct msg row;
    struct buf keywords; /* of row, while its scan goes on */
    bool in_message;
};
/* candidates: UIDs; copied. Those that cannot be found are left out at once. */
void imap_find_init(struct imap_find *f, struct imap_session *s, struct search_program *p,
                    uint64_t mailbox, const struct uidset *candidates);
enum err imap_find_more(struct imap_find *f, bool *done, struct fault *fault);
/* Also of a find that is all zeroes. */
void imap_find_fini(struct imap_find *f);
