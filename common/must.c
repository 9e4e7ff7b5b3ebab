#include "common/must.h"
#include "common/log.h"

#include <stdlib.h>

void must_failed(const char *file, int line, const char *what)
{
    log_event(LOG_ERROR, NULL, "bug.must", "at=%s:%d what=\"%s\"", file, line,
              LOG_SPAN(span_cstr(what)));
    abort();
}
