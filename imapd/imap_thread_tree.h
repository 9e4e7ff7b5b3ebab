#pragma once /* imapd/imap_thread_tree.h: threads of messages: RFC 5256 §3 THREAD, as pure functions */
#include "common/buf.h"

enum imap_thread_algorithm {
    IMAP_THREAD_ORDEREDSUBJECT,
    IMAP_THREAD_REFERENCES,
    IMAP_THREAD_REFS /* REFERENCES without its step 5, the thread with the latest message last */
};
struct imap_thread_message {
    uint32_t number;  /* as the response says it: sequence number or UID */
    int64_t sent;     /* sent date, RFC 5256 §2.2 */
    uint64_t subject; /* keyed hash of the folded base subject (map_hash); 0: it is empty */
    bool reply;       /* or a forward */
    uint64_t id;      /* of its Message-ID; 0: none */
    const uint64_t *references;
    size_t reference_count;
};

/* O(n log n) in messages and references together, and no step is longer than asked for. */
struct imap_thread_tree;
struct imap_thread_tree *imap_thread_tree_new(enum imap_thread_algorithm how, size_t messages);
void imap_thread_tree_free(struct imap_thread_tree **t);
/* In the order of the mailbox. References to messages that are not there are followed up to IMAP_THREAD_TREE_ABSENT of them
 * for each message that is, on the average. */
#define IMAP_THREAD_TREE_ABSENT 16
void imap_thread_tree_add(struct imap_thread_tree *t, const struct imap_thread_message *m);
/* After the last message: about so many steps of work more. True: the tree is done. */
bool imap_thread_tree_step(struct imap_thread_tree *t, size_t steps);
/* 1*thread-list (RFC 5256 §5), about so many bytes of it more, appended. True: that was all. */
bool imap_thread_tree_text(struct imap_thread_tree *t, size_t bytes, struct buf *out);
