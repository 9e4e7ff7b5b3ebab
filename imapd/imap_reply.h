#pragma once /* imapd/imap_reply.h: the tagged replies */
#include "common/fault.h"
#include "imapd/imap_cmd.h"

/* They end a command: first the view's news (imap_view_news) as the verb's flags allow, then
 * "TAG OK [code] text". code may be NULL, without brackets. All return STEP_DONE, so that a verb
 * ends with `return imap_reply_ok(...)`. text and code: no bytes of the peer unescaped. */
enum step imap_reply_ok(struct imap_cmd *c, const char *code, const char *text);
enum step imap_reply_no(struct imap_cmd *c, const char *code, const char *text);
/* Without news: the sequence numbers stay as they are. Counts against imapd_limits.bad_count.
 * why: scan.why, or "invalid arguments" for NULL. */
enum step imap_reply_bad(struct imap_cmd *c, const char *why);
/* NO with the response code (RFC 5530, RFC 9051 §7.1) and text that the kind of error has in the
 * one table. f->text goes to the log where we failed (FULL, IO, CORRUPT), never to the client; f
 * may be NULL. */
enum step imap_reply_err(struct imap_cmd *c, enum err e, const struct fault *f);
/* The row of the table, for tests and for BYE: code may be NULL. */
void imap_reply_words(enum err e, const char **code_out, const char **text_out);
/* "* BYE text" (static, and the reason in the log) once, and the session closes when the output
 * has left. */
void imap_reply_bye(struct imap_session *s, const char *text);
