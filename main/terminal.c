#include "main/terminal.h"
#include "common/span.h"
#include <errno.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_LINE_BYTES 1024
#define INTERRUPT 3 /* Ctrl-C */

bool terminal_asks_password(const struct cli_args *args)
{
    for (const struct cli_option *o = args->command->options; o->name; o++)
        if (strcmp(o->name, "password-stdin") == 0)
            return !cli_value(args, "password-stdin") && !cli_value(args, "generate");
    return false;
}

bool terminal_can_ask(const struct cli_args *args)
{
    if (!terminal_asks_password(args) || isatty(STDIN_FILENO))
        return true;
    fputs("mailstead: no terminal to ask for the password: --password-stdin reads it from standard "
          "input, --generate makes one\n",
          stderr);
    return false;
}

/* One line without its end; false at the end of input or an interrupt. */
static bool read_line(char line[PASSWORD_LINE_BYTES], size_t *n_out)
{
    size_t n = 0;
    for (char c; n < PASSWORD_LINE_BYTES;) {
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || c == INTERRUPT)
            return false;
        if (c == '\n') {
            *n_out = n;
            return true;
        }
        line[n++] = c;
    }
    return false; /* too long */
}

static bool ask(const char *prompt, char line[PASSWORD_LINE_BYTES], size_t *n_out)
{
    struct termios shown, hidden;
    if (tcgetattr(STDIN_FILENO, &shown) != 0)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
    hidden.c_cc[VEOL] =
        INTERRUPT; /* comes as a line of its own, so that the terminal gets its echo back first */
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    fputs(prompt, stderr); /* now: what is typed from here on counts */
    bool got = read_line(line, n_out);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return got;
}

static long ask_twice(char *into, size_t n)
{
    char first[PASSWORD_LINE_BYTES], again[PASSWORD_LINE_BYTES];
    size_t first_n, again_n;
    long result = -1;
    if (ask("Password: ", first, &first_n) && ask("The same again: ", again, &again_n)) {
        if (!span_eq(span_of(first, first_n), span_of(again, again_n))) {
            fputs("mailstead: these were two different passwords\n", stderr);
        } else if (first_n < n) {
            memcpy(into, first, first_n);
            into[first_n] = '\n';
            result = (long)first_n + 1;
        }
    }
    explicit_bzero(first, sizeof first);
    explicit_bzero(again, sizeof again);
    return result;
}

long terminal_read(const struct cli_args *args, char *into, size_t n)
{
    if (terminal_asks_password(args))
        return ask_twice(into, n);
    for (;;) {
        ssize_t got = read(STDIN_FILENO, into, n);
        if (got >= 0 || errno != EINTR)
            return got;
    }
}

/* --- output --- */

static bool progress_shown, line_open;

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t took = write(fd, p, n);
        if (took < 0 && errno == EINTR)
            continue;
        if (took <= 0)
            return false;
        p += took;
        n -= (size_t)took;
    }
    return true;
}

void terminal_progress(struct span line)
{
    char text[256];
    if (line_open || !isatty(STDERR_FILENO) || (line.n == 0 && !progress_shown))
        return;
    int n = snprintf(text, sizeof text, "\r\033[K%.*s", SPAN_ARG(line));
    progress_shown = line.n > 0;
    (void)write_all(STDERR_FILENO, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

bool terminal_write(int fd, const char *p, size_t n)
{
    terminal_progress(SPAN(""));
    if (n > 0 && isatty(fd))
        line_open = p[n - 1] != '\n';
    return write_all(fd, p, n);
}
