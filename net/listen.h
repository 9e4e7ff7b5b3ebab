#pragma once /* net/listen.h: the doors */
#include "common/fault.h"
#include "common/span.h"
#include "net/loop.h"

struct listen;

/* A connection has come: fd is the callee's now. Called on the loop given to it in turn (round-robin). */
typedef void listen_fn(void *owner, struct loop *l, int fd, struct span peer, struct span local);

/* Binds "ADDR:PORT" or "[ADDR6]:PORT" (port 0: a free one) with SO_REUSEADDR, IPV6_V6ONLY, SOMAXCONN. The socket is bound and
 * listening when this returns, but nobody accepts before listen_start. ERR_INVALID: no address; ERR_IO: the text says why. */
enum err listen_open(struct span where, struct listen **out, struct fault *f);
/* Takes a listening socket that somebody else opened (systemd). */
enum err listen_adopt(int fd, struct listen **out, struct fault *f);
/* The address really bound, as text. */
struct span listen_where(const struct listen *ln);
/* Accepts on acceptor and hands connections to the loops in turn. Out of descriptors: pauses for a moment instead of spinning,
 * and logs it. per_ip_count: at most so many connections from one address (IPv6: one /64) at a time, 0 for no limit; further ones get
 * busy (a complete protocol line, sent without blocking) and are closed. */
void listen_start(struct listen *ln, struct loop *acceptor, struct loop **loops, unsigned n,
                  unsigned per_ip_count, struct span busy, listen_fn *fn, void *owner);
/* Tells the count of listen_start that a connection from this peer text ended. Any thread. */
void listen_gone(struct listen *ln, struct span peer);
/* On acceptor's thread, or after loop_run and before loop_free. Those on their way to a loop are closed, not handed out. */
void listen_stop(struct listen *ln);
void listen_close(struct listen **ln); /* after listen_stop, or before listen_start; NULL is fine */
