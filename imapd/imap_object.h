#pragma once /* imapd/imap_object.h: object identifiers, RFC 8474 */
#include "common/arena.h"
#include "common/buf.h"

/* A letter each, so that no two kinds have the same text: RFC 8474 §5.2 and §8.1. */
enum imap_object { IMAP_OBJECT_MAILBOX = 'F', IMAP_OBJECT_EMAIL = 'M', IMAP_OBJECT_THREAD = 'T' };

/* "M00000000000004d2": of struct mailbox's id, struct msg's blob and thread. The numbers are never given twice, and a
 * dump keeps them. */
void imap_object_text(enum imap_object kind, uint64_t id, struct buf *out);
const char *imap_object_cstr(struct arena *a, enum imap_object kind, uint64_t id);
/* "MAILBOXID (F0000000000000007)" */
const char *imap_object_code(struct arena *a, uint64_t mailbox);
/* objectid; case counts. False: none of ours. */
bool imap_object_of(enum imap_object kind, struct span text, uint64_t *id_out);
/* objectid = 1*255(ALPHA / DIGIT / "_" / "-")    RFC 8474 §7 */
bool imap_object_is_char(unsigned char c);
