#pragma once /* store/io.h: the system as Berkeley DB sees it, with its errors made ours */
#include "common/fault.h"

/* Hands Berkeley DB our open, write, sync, malloc and so on, once in the life of the process. They put the directory on disk after
 * making or renaming a file, ask common/trip before each call, and end the process (exit code 75) where going on could
 * acknowledge what is not there: when a sync fails, whatever the file, and when a write to the log fails for
 * another reason than a full disk. Linux forgets the pages of a failed sync, so that the next sync says yes. */
void io_install(void);

/* The kind of an error of Berkeley DB or the system, with the text "doing: what it says". */
enum err io_fault(struct fault *f, int error, const char *doing);

/* Makes the name of a new or removed file in dir last. 0 or an errno value. */
int io_sync_dir(const char *dir);
