#pragma once /* common/must.h: conditions that only a bug of ours can break */

/* Always compiled in. Prints file, line and expression and aborts. Bytes from a peer or from disk never
 * reach a must: those get an enum err. The condition is evaluated exactly once. */
#define must(x) ((x) ? (void)0 : must_failed(__FILE__, __LINE__, #x))

void must_failed(const char *file, int line, const char *what) __attribute__((noreturn));
