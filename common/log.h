#pragma once /* common/log.h: one event, one line */
#include "common/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Thread-safe. A line is "TIME level id event key=value ..." and goes to stderr or the file of log_open.
 * LOG_INFO: an operator would count it. LOG_WARN: a peer or the environment misbehaved. LOG_ERROR: we could not do
 * our job. event is a dotted name listed in docs/events.md. id may be NULL. fmt gives the key=value pairs; bytes
 * of peers go in only through LOG_SPAN, which escapes and cuts them. */
void log_event(enum log_level level, const char *id, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define LOG_ESCAPED_BYTES 256
struct log_escaped {
    char text[LOG_ESCAPED_BYTES];
};
/* For "%s": quotes, backslashes, control and 8-bit bytes become \xNN; cut with "..." where too long. */
#define LOG_SPAN(s) (log_escape((s)).text)
struct log_escaped log_escape(struct span s);

/* Lines below level are dropped. Default LOG_INFO to stderr. */
void log_level(enum log_level level);
/* Appends to path from now on (reopened by log_reopen on SIGHUP); NULL means stderr. False: cannot open, errno says why. */
bool log_open(const char *path);
void log_reopen(void);
/* "error", "warn", "info", "debug" to the level; false if it is none of them. */
bool log_level_named(struct span name, enum log_level *out);
