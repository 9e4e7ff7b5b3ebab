#pragma once /* main/privilege.h: from root to a user of our own */
#include "common/fault.h"

/* As root: makes dir (0700) if absent and gives it to the user, then becomes that user for good, with its groups. Root or not, no
 * capability is left and none can be won by executing something. Not root: stays who it is. ERR_INVALID: no such user.
 * ERR_IO: the system refused. */
enum err privilege_drop(const char *user, const char *dir, struct fault *f);
/* As root: becomes the owner of dir, if it is there, so that what is made in it belongs to that owner too. */
enum err privilege_owner(const char *dir, struct fault *f);
