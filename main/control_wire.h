#pragma once /* main/control_wire.h: frames on the control socket */
#include "common/buf.h"

/* A frame is one byte of type, four of length (little-endian), then so many bytes. One command a connection:
 *   client  A  the command line, each word with a NUL behind it: first, once
 *   server  O  bytes for standard output
 *   server  E  bytes for standard error
 *   server  i  asks for input; the client answers with one I
 *   client  I  input; an empty one is its end
 *   client  N  instead of I: there is none to be had
 *   server  P  how far it is, a line for a terminal in place of the one before; may come at any time
 *   server  X  one byte, the exit code: last
 * The client speaks only when asked, so neither side can wait for the other's reading. */
#define CONTROL_WIRE_BYTES (256u << 10) /* longest frame */

struct control_wire {
    int fd;
    int stop; /* becomes readable when everything is to end; -1: never */
};

/* False: the peer is gone, does not take it for ten minutes, or it is to end. */
bool control_wire_send(struct control_wire *w, char type, struct span bytes);
/* The next frame; body is replaced and has to hold CONTROL_WIRE_BYTES. False as above, but it waits for ever, or the frame is none. */
bool control_wire_receive(struct control_wire *w, char *type_out, struct buf *body);

bool control_wire_is_ending(const struct control_wire *w); /* stop is readable */

/* Where the socket of a store is, in an address. A path that is too long for one goes by way of the open directory: *dir_fd
 * is to be closed after use (-1: none). False: errno says why. */
struct sockaddr_un;
bool control_wire_address(const char *dir, struct sockaddr_un *out, int *dir_fd);
