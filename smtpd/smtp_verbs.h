#pragma once /* smtpd/smtp_verbs.h: the table of verbs, and who may say what when */
#include "smtpd/smtp_session.h"

typedef enum step smtp_verb_fn(struct smtp_session *s, struct span args);
struct smtp_verb {
    const char *name;
    unsigned states; /* SM_TO bits in which it is allowed */
    unsigned flags;
    smtp_verb_fn *run; /* args: what follows the verb, without spaces at both ends */
};
enum {
    SMTP_VERB_TLS_DOOR = 1,   /* only where this door has a certificate */
    SMTP_VERB_AUTH_DOOR = 2,  /* only at doors for submission */
    SMTP_VERB_NEEDS_TLS = 4,  /* not in the clear, except where that is allowed */
    SMTP_VERB_NEEDS_AUTH = 8, /* at doors for submission */
    SMTP_VERB_NO_ARGS = 16,
    SMTP_VERB_NEEDS_ARGS = 32,
    SMTP_VERB_JUNK = 64,  /* does nothing for a message: counted */
    SMTP_VERB_CHUNK = 128 /* bytes follow it, which must be read even if it is refused */
};

/* Sorted by name. */
const struct smtp_verb *smtp_verbs_table(size_t *n_out);
/* One complete line, without its CRLF. */
enum step smtp_verbs_run(struct smtp_session *s, struct span line);
/* AUTH would be accepted now as far as TLS goes. */
bool smtp_verbs_may_auth(const struct smtp_session *s);

/* The rooms of the verbs. */
smtp_verb_fn smtp_auth, smtp_bdat, smtp_data, smtp_hello_ehlo, smtp_hello_helo, smtp_mail,
    smtp_rcpt;
smtp_verb_fn smtp_misc_help, smtp_misc_noop, smtp_misc_quit, smtp_misc_rset, smtp_misc_starttls,
    smtp_misc_vrfy;

/* A BDAT that the table refused with say: its chunk is read and forgotten, then say is said. */
enum step smtp_bdat_refuse(struct smtp_session *s, struct span args, const struct smtp_say *say);
/* The line of the reply to EHLO. */
void smtp_auth_offer(struct smtp_session *s);
/* A line while state is SMTP_AUTH. */
enum step smtp_auth_line(struct smtp_session *s, struct span line);
/* Forgets an AUTH under way; not while it waits. */
void smtp_auth_end(struct smtp_session *s);
