#pragma once /* imapd/imap_tree.h: the names that an account sees in LIST: its own and those that others share with it */
#include "common/arena.h"
#include "store/mailbox.h"

struct imap_tree_node {
    struct mailbox box; /* name always; the rest if exists */
    size_t parent;      /* index; the node's own for the top level */
    bool exists;
    bool subscribed;
    bool children; /* a mailbox exists below it */
    /* While LIST chooses; below: */
    bool matches;             /* a pattern */
    bool levels;              /* a pattern that ends in "%" */
    bool wanted_below;        /* some name below meets the selection criteria */
    bool wanted_unsaid_below; /* and does not match a pattern, so that only CHILDINFO tells of it */
};
/* Parents stand before their children. */
struct imap_tree {
    struct imap_tree_node *nodes;
    size_t n;
};
/* Everything in a. t may end afterwards. */
enum err imap_tree_read(struct imap_tree *tree, struct txn *t, struct arena *a, uint64_t account,
                        struct fault *f);

/* The same in slices, each in a snapshot of its own. others: with what others share. enough: asked now and then; true ends the
 * slice. *done: tree is there. imap_tree_end: for a command's cleanup, so that what lies outside a goes though nobody waits for the tree. */
struct imap_tree_reader;
struct imap_tree_reader *imap_tree_begin(struct arena *a, uint64_t account, bool others);
enum err imap_tree_more(struct imap_tree_reader *r, struct txn *t, bool (*enough)(void *arg),
                        void *arg, bool *done, struct imap_tree *tree, struct fault *f);
void imap_tree_end(struct imap_tree_reader *r);
