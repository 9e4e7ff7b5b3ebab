#pragma once /* smtpd/smtp_body.h: a message on its way in, by DATA or by BDAT */
#include "smtpd/smtp_session.h"

/* Before the first byte: our trace fields go first. */
void smtp_body_begin(struct smtp_session *s, struct smtp_dots dots);
/* The next bytes are the message's, or a chunk's: not commands. With a deadline. */
void smtp_body_read(struct smtp_session *s,
                    size_t (*expect)(struct smtp_session *s, struct span in));
/* Commands again. */
void smtp_body_read_end(struct smtp_session *s);
/* Eats some of in, which is message text with its dots; passes it on, or forgets it once the message is refused. */
size_t smtp_body_take(struct smtp_session *s, struct span in);
/* The store is behind: no more for now. The connection is paused then. */
bool smtp_body_busy(struct smtp_session *s);
/* Refused: what is there is dropped, what comes is forgotten, say is the reply in the end. The first refusal stays. */
void smtp_body_refuse(struct smtp_session *s, const struct smtp_say *say);
/* All has been read: commits, or says why not and ends the transaction. */
enum step smtp_body_end(struct smtp_session *s);
/* Says the refusal and ends the transaction. */
enum step smtp_body_refused(struct smtp_session *s);
/* The deadline has come. True: the peer was slower than it may be; else there is a new one. */
bool smtp_body_late(struct smtp_session *s);
