#pragma once /* imapd/imap_url.h: URLs of messages and their parts, RFC 5092 */
#include "common/arena.h"
#include "common/span.h"
#include <stdint.h>

struct imap_url {
    struct span user, host; /* of an absolute URL; host is empty for a relative one */
    struct span mailbox;    /* UTF-8 */
    uint32_t uidvalidity;   /* 0: not given */
    uint32_t uid;
    struct span section; /* as in FETCH BODY[section]; empty: the message */
    bool partial;
    uint64_t from, max_bytes; /* 0 bytes: to the end */
};

/* "/INBOX;UIDVALIDITY=785799047/;UID=113330/;SECTION=1.2/;PARTIAL=0.1024", also behind "imap://user@host" or "//user@host".
 * Results lie in text or in a. False: something else; relative-path references too, which nobody may accept (RFC 5092 §7.2),
 * and what needs URLAUTH. */
bool imap_url_parse(struct span text, struct arena *a, struct imap_url *out);
