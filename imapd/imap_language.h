#pragma once /* imapd/imap_language.h: the language of the texts that people read: RFC 5255 §3 */
#include <stdbool.h>
#include <stddef.h>

struct imap_session;

/* text, or what it is called in the session's language; valid until the command ends. */
const char *imap_language_text(struct imap_session *s, const char *text);
/* For tests: the nth row of the table. */
bool imap_language_pair(size_t nth, const char **english, const char **german);
