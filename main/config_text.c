#include "main/config_text.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TEXT_BYTES (1u << 20) /* no configuration is larger */
#define DEPTH 16              /* open braces that are remembered */

char *config_text_read(struct arena *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = arena_alloc(a, TEXT_BYTES + 1);
    size_t n = 0;
    ssize_t got = 0;
    while (n < TEXT_BYTES && (got = read(fd, text + n, TEXT_BYTES - n)) > 0)
        n += (size_t)got;
    int error = got < 0 ? errno : n == TEXT_BYTES ? EFBIG : memchr(text, '\0', n) ? EILSEQ : 0;
    close(fd);
    text[n] = '\0';
    errno = error;
    return error ? NULL : text;
}

/* The end of a quoted text that begins at p: behind its quote, or at the end of its line. */
static char *skip_quoted(char *p)
{
    char quote = *p++;
    for (; *p && *p != '\n' && *p != quote; p++)
        if (*p == '\\' && p[1] && p[1] != '\n')
            p++;
    return *p == quote ? p + 1 : p;
}

static char *blank(char *from, const char *to)
{
    for (; from < to; from++)
        if (*from != '\n')
            *from = ' ';
    return from;
}

/* Comments as libconfuse has them: from a hash or two slashes on, or as in C. Returns p where none begins. */
static char *comment_end(char *p)
{
    if (p[0] == '#' || (p[0] == '/' && p[1] == '/'))
        return p + strcspn(p, "\n");
    if (p[0] != '/' || p[1] != '*')
        return p;
    char *end = strstr(p + 2, "*/");
    return end ? end + 2 : p + strlen(p);
}

static unsigned line_ends(const char *from, const char *to)
{
    unsigned n = 0;
    for (; from < to; from++)
        n += *from == '\n';
    return n;
}

struct brace {
    unsigned open[DEPTH], depth;
};

static void see_brace(struct brace *b, char c, unsigned line)
{
    if (c == '{') {
        if (b->depth < DEPTH)
            b->open[b->depth] = line;
        b->depth++;
    } else if (b->depth > 0) {
        b->depth--; /* one too many: libconfuse says so itself */
    }
}

void config_text_strip(char *text, void (*tell)(void *arg, unsigned line, const char *what),
                       void *arg)
{
    unsigned line = 1;
    struct brace braces = {{0}, 0};
    for (char *p = text, *end; *p; p = end) {
        end = comment_end(p);
        if (end > p) {
            line += line_ends(p, end);
            blank(p, end);
        } else if (*p == '"' || *p == '\'') {
            end = skip_quoted(p);
            if (end - p < 2 || end[-1] != *p) {
                tell(arg, line, "a quote is opened and not closed on this line");
                while (p > text && p[-1] != '\n')
                    p--;
                blank(p, end);
            }
        } else {
            end = p + 1;
            if (*p == '{' || *p == '}')
                see_brace(&braces, *p, line);
            line += *p == '\n';
        }
    }
    if (braces.depth > 0)
        tell(arg, braces.open[braces.depth <= DEPTH ? braces.depth - 1 : DEPTH - 1],
             "a { is opened and never closed");
}

/* Where the text that begins at p ends, with the braces that it opens, at the first of stop outside of them. */
static char *statement_end(char *p, const char *stop)
{
    unsigned depth = 0;
    while (*p) {
        if (*p == '"' || *p == '\'') {
            p = skip_quoted(p);
            continue;
        }
        if (depth == 0 && strchr(stop, *p))
            return p;
        if (*p == '{')
            depth++;
        if (*p == '}' && depth > 0)
            depth--;
        p++;
    }
    return p;
}

static char *find_line(char *text, unsigned line)
{
    for (; line > 1 && text; line--)
        text = (text = strchr(text, '\n')) ? text + 1 : NULL;
    return text && *text ? text : NULL;
}

bool config_text_blank_line(char *text, unsigned line)
{
    char *from = find_line(text, line);
    if (!from)
        return false;
    blank(from, statement_end(from, "\n"));
    return true;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* The value behind a key: = text, = {list}, or {section}. */
static char *value_end(char *p)
{
    p += strspn(p, " \t+=");
    if (*p == '"' || *p == '\'')
        return skip_quoted(p);
    return *p == '{' ? statement_end(p + 1, "}") + 1 : p + strcspn(p, " \t\n,{}");
}

bool config_text_blank_key(char *text, unsigned line, const char *key)
{
    char *from = find_line(text, line);
    size_t n = strlen(key), length = from ? strcspn(from, "\n") : 0;
    for (char *p = from; from && n > 0 && p + n <= from + length; p++) {
        bool alone = (p == from || !is_name(p[-1])) && !is_name(p[n]);
        if (!alone || memcmp(p, key, n) != 0 || !strchr("=+{", p[n + strspn(p + n, " \t\n")]))
            continue;
        char *end = value_end(p + n), *last = p + strlen(p);
        blank(p, end < last ? end : last);
        return true;
    }
    return config_text_blank_line(text, line);
}
