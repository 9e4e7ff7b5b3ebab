#pragma once /* net/heap.h: libevent and OpenSSL on the heap of common/mem.h */

/* Their allocations are counted by trip and may fail, as mem_try. Once, before any other call into the two: what they have on another
 * heap could not be given back. */
void heap_install(void);
