#pragma once /* imapd/imap_out.h: bytes to the client */
#include "common/buf.h"

struct imap_session;

/* All are without effect once the connection has gone. */
void imap_out(struct imap_session *s, struct span bytes);
void imap_out_f(struct imap_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define imap_outf imap_out_f
/* A string as the client can read it: quoted if it is short printable ASCII (or UTF-8 once rev2
 * is enabled), else a literal. */
void imap_out_string(struct imap_session *s, struct span text);
/* A mailbox name: modified UTF-7, or UTF-8 once rev2 is enabled (RFC 9051 §5.1, appendix A.1).
 * name is UTF-8. */
void imap_out_mailbox(struct imap_session *s, struct span name);
/* An untagged LIST for a client of rev2; attribute may be "". Where the client spells the name otherwise (given; the case of
 * INBOX does not count) it learns that from OLDNAME: RFC 9051 §6.3.9.7. */
void imap_out_list(struct imap_session *s, const char *attribute, struct span name,
                   struct span given);
/* The same, only to such a client and only if it spells it otherwise. */
void imap_out_oldname(struct imap_session *s, const char *attribute, struct span name,
                      struct span given);
/* "(\Seen $Forwarded)" from a row; names as of the view. */
void imap_out_flags_text(struct buf *out, uint32_t system, struct span keywords,
                         const struct span *names, size_t n, bool recent);
/* The same to the client. */
void imap_out_flags(struct imap_session *s, uint32_t system, struct span keywords,
                    const struct span *names, size_t n, bool recent);
