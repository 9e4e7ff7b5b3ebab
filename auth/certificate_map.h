#pragma once /* auth/certificate_map.h: which account a client certificate is for, where it does not say so itself */
#include "common/fault.h"
#include "common/span.h"

struct certificate_map;
/* Lines "NAME ADDRESS", # begins a comment. ERR_INVALID: the text says which line. */
enum err certificate_map_open(const char *file, struct certificate_map **out, struct fault *f);
void certificate_map_close(struct certificate_map **m); /* NULL is fine */
/* The address for a name, without regard to case; empty: none. As long as m lives. */
struct span certificate_map_find(const struct certificate_map *m, struct span name);
