#include "common/fault.h"
#include "common/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err fault_set(struct fault *f, enum err kind, const char *fmt, ...)
{
    if (!f)
        return kind;
    char text[FAULT_TEXT_BYTES]; /* fmt's arguments may point into f->text */
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    f->kind = kind;
    memcpy(f->text, text, sizeof text);
    return kind;
}

enum err fault_in(struct fault *f, const char *fmt, ...)
{
    char text[FAULT_TEXT_BYTES];
    va_list ap;
    va_start(ap, fmt);
    int got = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t n = got < 0 ? 0 : (size_t)got;
    if (n >= sizeof text)
        n = sizeof text - 1;
    static const char between[] = ": ";
    for (const char *z = between; *z && n < sizeof text - 1; z++)
        text[n++] = *z;
    for (const char *z = f->text; *z && n < sizeof text - 1; z++)
        text[n++] = *z;
    text[n] = '\0';
    memcpy(f->text, text, n + 1);
    return f->kind;
}

const char *fault_name(enum err kind)
{
    /* clang-format off */
    static const char *const names[] = {
        [ERR_OK]       = "OK",
        [ERR_NOTFOUND] = "NOTFOUND",
        [ERR_EXISTS]   = "EXISTS",
        [ERR_DENIED]   = "DENIED",
        [ERR_INVALID]  = "INVALID",
        [ERR_LIMIT]    = "LIMIT",
        [ERR_QUOTA]    = "QUOTA",
        [ERR_FULL]     = "FULL",
        [ERR_BUSY]     = "BUSY",
        [ERR_IO]       = "IO",
        [ERR_CORRUPT]  = "CORRUPT",
    };
    /* clang-format on */
    _Static_assert(sizeof names / sizeof *names == ERR_COUNT, "a kind of error has no name");
    must((unsigned)kind < ERR_COUNT);
    return names[kind];
}
