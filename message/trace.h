#pragma once /* message/trace.h: the trace fields that we add, RFC 5321 §4.4 */
#include "common/arena.h"
#include "message/address.h"

struct trace {
    struct span helo;     /* what the client called itself; made safe here */
    struct span peer_ip;  /* text of the address; IPv6 without brackets */
    struct span by;       /* our host name */
    struct span id;       /* our id of the transaction */
    struct span tls;      /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
    struct span for_rcpt; /* the only recipient, or empty */
    bool esmtp, authenticated, utf8;
    int64_t when; /* wall clock seconds */
    int zone_minutes;
};
/* "with" keyword by RFC 3848 and RFC 6531 §4.3: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTP... Folded under 78 columns where it
 * can be; CRLF at the end. Bytes of the peer cannot break the field. */
struct span trace_received(struct arena *a, const struct trace *t);
/* "Return-Path: <...>\r\n" */
struct span trace_return_path(struct arena *a, struct address reverse_path);
