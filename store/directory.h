#pragma once /* store/directory.h: domains, accounts and aliases that this server knows */
#include "common/arena.h"
#include "store/txn.h"

/* Keys are those of address_key and address_domain_key (message/address.h). Reads in any transaction; writes in an operation. */
struct account {
    uint64_t id;
    struct span address;  /* key, in the arena given */
    struct span verifier; /* what crypt(3) made of the password; empty: nobody can log in */
    int64_t created;      /* wall clock seconds */
};

enum err directory_domain_find(struct txn *t, struct span domain,
                               struct fault *f); /* ERR_OK or ERR_NOTFOUND */
enum err directory_domain_add(struct txn *t, struct span domain, struct fault *f); /* ERR_EXISTS */
/* ERR_NOTFOUND; ERR_INVALID while accounts or aliases of it are left. */
enum err directory_domain_remove(struct txn *t, struct span domain, struct fault *f);

enum err directory_account_find(struct txn *t, struct arena *a, struct span address,
                                struct account *out, struct fault *f);
enum err directory_account_get(struct txn *t, struct arena *a, uint64_t id, struct account *out,
                               struct fault *f);
/* With its default mailboxes: INBOX, Drafts, Sent, Junk, Trash, Archive, subscribed, with their special use. ERR_EXISTS. Does not ask for the domain. */
enum err directory_account_add(struct txn *t, struct span address, struct span verifier,
                               uint64_t *id_out, struct fault *f);
/* An account into which nobody logs in, made by the administrator for what several share (RFC 2342 §3): with an INBOX that nobody has rights
 * to so far. As directory_account_add. */
enum err directory_shared_add(struct txn *t, struct span address, uint64_t *id_out,
                              struct fault *f);
enum err directory_account_shared(struct txn *t, uint64_t id, bool *out, struct fault *f);
/* The SCRAM keys of the old password go: those of the new one are credential_scram_put's. App passwords stay. */
enum err directory_account_verifier(struct txn *t, struct span address, struct span verifier,
                                    struct fault *f);
/* Takes up to max_messages messages (the bin's too) away for good, then empty mailboxes, then the account. *done_out: whether all is gone;
 * call again in another operation until it is. */
enum err directory_account_remove(struct txn *t, struct span address, unsigned max_messages,
                                  bool *done_out, struct fault *f);

/* The key of an alias is an address key, or "@domain" for the catch-all. Targets are address keys. */
enum err directory_alias_find(struct txn *t, struct arena *a, struct span key,
                              struct span **targets_out, size_t *n_out, struct fault *f);
enum err directory_alias_put(struct txn *t, struct span key, const struct span *targets, size_t n,
                             struct fault *f); /* replaces */
enum err directory_alias_remove(struct txn *t, struct span key, struct fault *f);

/* Each calls fn in key order until it returns false. */
enum err directory_each_domain(struct txn *t, bool (*fn)(void *arg, struct span domain), void *arg,
                               struct fault *f);
enum err directory_each_account(struct txn *t, struct arena *a,
                                bool (*fn)(void *arg, const struct account *), void *arg,
                                struct fault *f);
enum err directory_each_alias(struct txn *t, struct arena *a,
                              bool (*fn)(void *arg, struct span key, const struct span *targets,
                                         size_t n),
                              void *arg, struct fault *f);
