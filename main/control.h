#pragma once /* main/control.h: the control socket: commands reach the process that has the store */
#include "main/admin.h"

/* DIR/control, a Unix socket (0600); peers must be root or the server's own user (SO_PEERCRED). A few threads of its own run the
 * commands, which may block; more callers wait. The frames are those of main/control_wire.h. The store is open, so its lock is ours and
 * a socket that lies there is a dead one. hostname is borrowed. */
struct control;
enum err control_open(const char *dir, struct store *st, struct auth *auth, const char *hostname,
                      struct control **out, struct fault *f);
/* Commands under way lose their client; waits until they have noticed. */
void control_close(struct control **c);
