#pragma once /* imapd/imap_qresync.h: the QRESYNC parameter of SELECT and EXAMINE, RFC 7162 §3.2.5 */
#include "imapd/imap_cmd.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_since.h"
#include "imapd/imap_view.h"

/* What a client says it knows, and how far the answer has come. Lives in c->arena; imap_qresync_fini frees its sets. */
struct imap_qresync {
    bool asked;
    uint32_t uidvalidity;
    uint64_t modseq;
    bool some; /* only these UIDs are of interest: */
    struct uidset known;
    struct imap_set numbers, uids; /* message sequence match data; as many of each, ascending */
    struct imap_since since;
    struct uidset changed;
    size_t told; /* ranges of since.gone */
    struct imap_rows rows;
    const char *code, *text; /* of the tagged reply */
};
/* "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"; what follows the word and its space. */
void imap_qresync_parse(struct imap_cmd *c, struct scan *in, struct imap_qresync *q);
void imap_qresync_fini(struct imap_qresync *q);
/* After the responses of SELECT: VANISHED (EARLIER), FETCH for what has changed, then OK with that code and text. c->cleanup
 * must end in imap_qresync_fini. */
enum step imap_qresync_run(struct imap_cmd *c, struct imap_qresync *q, const char *code,
                           const char *text);
/* The largest UID up to which the client knows which messages are there: of the last pair that is a message of view with its
 * number; 0: of none. RFC 7162 §3.2.5.2 */
uint32_t imap_qresync_matched(struct imap_view *v, const struct imap_set *numbers,
                              const struct imap_set *uids);
