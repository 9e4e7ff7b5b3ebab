#pragma once /* store/schema.h: keys and values of the tables as bytes, as schema.c tells */
#include "store/bin.h"
#include "store/changes.h"
#include "store/directory.h"
#include "store/mailbox.h"
#include "store/msg.h"

#define SCHEMA_FORMAT 2 /* META "format" */

#define SCHEMA_ADDRESS_BYTES 1000 /* longest key of the directory */
#define SCHEMA_KEY_BYTES 1016
#define SCHEMA_MAILBOX_BYTES 70 /* of a mailbox row before the name */
#define SCHEMA_MSG_BYTES 51     /* of a message row before its keywords */
#define SCHEMA_KEYWORDS_BYTES (MAILBOX_KEYWORD_COUNT / 8)
#define SCHEMA_GLANCE_BYTES 12 /* of a glance before its UIDs */
#define SCHEMA_CHANGE_BYTES 33 /* of a change row before its UIDs */

/* --- keys: the result points into k --- */
struct schema_key {
    char bytes[SCHEMA_KEY_BYTES];
};
struct span schema_id_key(struct schema_key *k,
                          uint64_t id); /* MAILBOX, BODY, OUTLINE; prefix of KEYWORD, MSG, ... */
/* NAME, SUBSCRIPTION. INBOX as the first level comes out in upper case. At most
 * MAILBOX_NAME_BYTES. */
struct span schema_name_key(struct schema_key *k, uint64_t account, struct span name);
struct span schema_address_key(struct schema_key *k,
                               struct span address); /* <= SCHEMA_ADDRESS_BYTES */
struct span schema_account_key(struct schema_key *k, uint64_t id);
struct span schema_shared_key(struct schema_key *k, uint64_t id); /* ACCOUNT */
struct span schema_keyword_key(struct schema_key *k, uint64_t mailbox, uint16_t index);
struct span schema_msg_key(struct schema_key *k, uint64_t mailbox, uint32_t uid);
struct span schema_chunk_key(struct schema_key *k, uint64_t body, uint32_t n);
struct span schema_change_key(struct schema_key *k, uint64_t account, uint64_t modseq,
                              uint64_t mailbox, unsigned kind);
struct span schema_bin_key(struct schema_key *k, uint64_t account, int64_t when, uint64_t mailbox,
                           uint32_t uid);
struct span schema_thread_key(struct schema_key *k, uint64_t account, uint64_t message_id);
struct span schema_floor_key(struct schema_key *k, uint64_t account); /* META */

/* --- and back; false: damaged --- */
bool schema_id_of(struct span key, uint64_t *id);
bool schema_name_of(struct span key, uint64_t *account, struct span *name);
bool schema_pair_of(struct span key, uint64_t *id, uint32_t *n); /* MSG, CHUNK */
bool schema_keyword_of(struct span key, uint64_t *mailbox, uint16_t *index);
bool schema_thread_of(struct span key, uint64_t *account, uint64_t *message_id);
bool schema_floor_of(struct span key, uint64_t *account);
bool schema_has_prefix(struct span key, struct span prefix);

/* --- values; encoders replace out; decoders borrow from value --- */
bool schema_number(struct span value, uint64_t *out); /* eight bytes */
struct span schema_number_value(char bytes[8], uint64_t v);

struct span schema_mailbox(char row[SCHEMA_MAILBOX_BYTES + MAILBOX_NAME_BYTES],
                           const struct mailbox *m);
bool schema_mailbox_of(struct span value, struct mailbox *out); /* all but id */

struct schema_msg {
    char bytes[SCHEMA_MSG_BYTES + SCHEMA_KEYWORDS_BYTES];
};
struct span schema_msg(struct schema_msg *row, const struct msg *m);
bool schema_msg_of(struct span value, struct msg *out); /* all but uid */

void schema_account(const struct account *a, struct buf *out);
bool schema_account_of(struct span value, struct account *out); /* all but id */

void schema_spans(const struct span *spans, size_t n,
                  struct buf *out); /* ALIAS; each < 64 KiB; appends */
bool schema_spans_of(struct arena *a, struct span value, struct span **out, size_t *n_out);

struct schema_change {
    struct change change;
    int64_t when;       /* wall clock seconds */
    struct span packed; /* of its UIDs, see uidset_unpack */
};
void schema_change(const struct schema_change *c, struct buf *out);
bool schema_change_of(struct span key, struct span value, struct schema_change *out);

void schema_bin(const struct bin_item *item, struct buf *out);
bool schema_bin_of(struct arena *a, struct span key, struct span value, struct bin_item *out);

struct glance;
void schema_glance(const struct glance *g, struct buf *out);
bool schema_glance_of(struct span value,
                      struct glance *out); /* out->uids is the caller's to free */
