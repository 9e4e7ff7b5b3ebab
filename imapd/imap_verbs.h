#pragma once /* imapd/imap_verbs.h: the table of verbs is the policy */
#include "imapd/imap_session.h"

enum imap_verb_states {
    IN_NONAUTH = 1,
    IN_AUTH = 2,
    IN_SELECTED = 4,
    IN_ANY = 7,
    IN_LOGGED_IN = 6
};
enum imap_verb_flags {
    VERB_UID = 1,        /* may come with the UID prefix */
    VERB_NO_EXPUNGE = 2, /* but for its UID form no EXPUNGE may be sent, RFC 9051 §7.5.1 */
    VERB_WRITES = 4,     /* changes the selected mailbox: refused after EXAMINE */
    VERB_NO_ARGS = 8,    /* nothing may follow the verb */
    VERB_NO_TLS = 16,    /* only before TLS: STARTTLS */
    VERB_LEAVES = 128,   /* leaves the selected state, and so needs no right to it */
    VERB_PLAIN = 64,     /* with VERB_UID: its plain form names no message numbers */
    VERB_UID_ONLY = 32,  /* only with the UID prefix: UID EXPUNGE has a row of its own in EXPUNGE */
};
struct imap_verb {
    const char *name;
    unsigned states, flags;
    imap_step_fn *run;
};
/* NULL: no such verb. Case-insensitive. */
const struct imap_verb *imap_verbs_find(struct span name);
/* For tests and documents: the rows in order. */
const struct imap_verb *imap_verbs_all(size_t *n);

/* The rooms. RFC 9051 §6 in order. */
imap_step_fn imap_capability_tell, imap_capability_enable;
imap_step_fn imap_misc_noop, imap_misc_logout, imap_misc_id, imap_misc_namespace,
    imap_misc_starttls;
imap_step_fn imap_login_login, imap_login_authenticate;
imap_step_fn imap_select_select, imap_select_examine, imap_select_close, imap_select_unselect,
    imap_select_check;
imap_step_fn imap_mailbox_create, imap_mailbox_delete, imap_mailbox_rename, imap_mailbox_subscribe,
    imap_mailbox_unsubscribe;
imap_step_fn imap_acl_get, imap_acl_set, imap_acl_delete, imap_acl_list, imap_acl_mine;
imap_step_fn imap_list_list, imap_list_lsub, imap_list_xlist;
imap_step_fn imap_quota_get, imap_quota_root, imap_quota_set;
imap_step_fn imap_metadata_get, imap_metadata_set;
imap_step_fn imap_status;
imap_step_fn imap_append, imap_replace;
imap_step_fn imap_compress, imap_unauthenticate;
imap_step_fn imap_idle;
imap_step_fn imap_notify;
imap_step_fn imap_fetch;
imap_step_fn imap_search;
imap_step_fn imap_multisearch;
imap_step_fn imap_sort;
imap_step_fn imap_context_cancel;
imap_step_fn imap_comparator;
imap_step_fn imap_language;
imap_step_fn imap_thread;
imap_step_fn imap_store;
imap_step_fn imap_copy_copy, imap_copy_move;
imap_step_fn imap_expunge;
imap_step_fn imap_uidbatches;

/* Reads tag and verb off a complete command, checks what the row says, and runs it. text is
 * borrowed until the command ends. */
enum step imap_verbs_run(struct imap_cmd *c, struct span text);
