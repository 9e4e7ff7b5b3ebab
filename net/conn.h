#pragma once /* net/conn.h: one connection: its socket, its TLS, its waiting output */
#include "common/span.h"
#include "net/loop.h"

struct conn;
struct tls;
struct ssl_st;

/* Whom a conn talks to. All are called on the conn's loop, none from inside a conn_ function. */
struct conn_events {
    /* Bytes of the peer, borrowed for the call. Returns how many were used up; the rest comes again, with more behind
     * it, when there is more or when conn_again asks. A return of less than all with neither is "I need more". */
    size_t (*bytes)(void *owner, struct span in);
    /* The output that waits fell below conn_low_bytes after conn_want_room was called. */
    void (*room)(void *owner);
    /* The deadline of conn_deadline has come. */
    void (*late)(void *owner);
    /* TLS stands (after conn_starttls, or on a connection that began with it). */
    void (*secured)(void *owner);
    /* The end, called exactly once, whoever ended it: peer, error, conn_close, conn_drop. why is static text. The owner
     * frees itself; the conn is freed by net afterwards and may not be used any more. */
    void (*closed)(void *owner, const char *why);
};

/* Takes fd (non-blocking, TCP_NODELAY set by listen). peer and local are texts like "192.0.2.1:25" or "[::1]:25", copied.
 * tls: NULL, or the handshake starts at once (`secured` follows). input_bytes: how much input may wait unread. */
struct conn *conn_new(struct loop *l, int fd, struct tls *tls, struct span peer, struct span local,
                      size_t input_bytes, const struct conn_events *ev, void *owner);

/* Copies s behind the waiting output. It leaves at the end of the turn: many sends, one write. */
void conn_send(struct conn *c, struct span s);
size_t conn_waiting(const struct conn *c); /* bytes of output not yet taken by the kernel */
#define CONN_LOW_BYTES (32u << 10)
#define CONN_HIGH_BYTES (256u << 10)
/* Below CONN_HIGH_BYTES: a producer may add a chunk. */
bool conn_has_room(const struct conn *c);
/* `room` once, in a later turn, when the output is below CONN_LOW_BYTES. */
void conn_want_room(struct conn *c);
/* Stops and resumes reading from the peer: back-pressure. Input already read is not delivered while paused. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/* `bytes` again in the next turn with what is still unread, even if nothing new comes. */
void conn_again(struct conn *c);
/* `late` in ms from now unless set again; 0 clears. A deadline, not a per-read timeout: reading does not move it. */
void conn_deadline(struct conn *c, uint64_t ms);

/* Upgrades after the waiting output has left. False, and nothing happens, if input of the peer is already waiting
 * unread beyond what `bytes` is using up now: commands injected before TLS (CVE-2011-0411). Call it with `bytes`
 * returning everything up to and including the STARTTLS line. */
bool conn_starttls(struct conn *c, struct tls *tls);
/* Inside `bytes`: the first n bytes of this call's input are used up so far. It lets conn_starttls see what stands behind the
 * STARTTLS line; without it, such input is found only after `bytes` has returned, and drops the connection. */
void conn_used(struct conn *c, size_t n);
/* Sends last, and what comes behind it is compressed (RFC 4978), and so is input from the next byte on. False, and nothing happens:
 * input is waiting unread (as for conn_starttls), or there is no memory for it. */
bool conn_compress(struct conn *c, struct span last);
/* Sends last, behind which nothing is compressed, nor is input behind its next flush: RFC 8437 §4.1. False, and nothing happens: the
 * output has not even come to where compression began. */
bool conn_uncompress(struct conn *c, struct span last);
bool conn_is_compressed(const struct conn *c);
bool conn_is_tls(const struct conn *c);
/* For tls_binding and tls_certificate; NULL in the clear. */
const struct ssl_st *conn_tls(const struct conn *c);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty. */
struct span conn_tls_text(const struct conn *c);

/* `closed` follows in a later turn: conn_close sends the waiting output first (at most CONN_LINGER_MS), conn_drop does not. */
#define CONN_LINGER_MS 10000
void conn_close(struct conn *c); /* what is sent after it is forgotten */
void conn_drop(struct conn *c, const char *why);

/* Moves the connection, its unread input and its waiting output to another loop; `moved` runs there and from then on all
 * events do. Until then no event comes. May be called only from an event of c; a no-op move still calls `moved`, in a later turn. */
void conn_move(struct conn *c, struct loop *to, void (*moved)(void *owner));

struct loop *conn_loop(const struct conn *c);
struct span conn_peer(const struct conn *c);    /* address and port as text */
struct span conn_peer_ip(const struct conn *c); /* the address alone, IPv6 without brackets */
struct span conn_local(const struct conn *c);
bool conn_peer_loopback(const struct conn *c); /* 127.0.0.0/8, ::1, or a mapped form of it */
uint64_t conn_bytes_in(const struct conn *c);  /* read from the peer so far, after TLS */
