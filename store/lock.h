#pragma once /* store/lock.h: one process a store */
#include "common/fault.h"

/* Makes dir (0700) if absent and locks it until lock_release or the end of the process. Two environments on one directory
 * would corrupt each other without a word. ERR_BUSY: another has it; ERR_IO. */
enum err lock_take(const char *dir, int *lock_out, struct fault *f);
void lock_release(int *lock); /* -1 is fine */
