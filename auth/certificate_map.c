#include "auth/certificate_map.h"

#include "common/arena.h"
#include "common/map.h"
#include "common/mem.h"

#include <errno.h>
#include <stdio.h>

#define LINE_BYTES 1024

struct certificate_map {
    struct arena *arena;
    struct map *names; /* in lower case, to the address as a C string */
};

static struct span lower(struct arena *a, struct span s)
{
    char *out = arena_cstr(a, s);
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)span_lower((unsigned char)out[i]);
    return span_of(out, s.n);
}

static bool add_line(struct certificate_map *m, struct span line)
{
    line = span_trim(span_to(line, span_find(line, '#')));
    if (line.n == 0)
        return true;
    size_t gap = 0;
    while (gap < line.n && line.p[gap] != ' ' && line.p[gap] != '\t')
        gap++;
    struct span address = span_trim(span_from(line, gap));
    if (span_find(address, '@') == address.n || span_find(address, ' ') < address.n)
        return false;
    map_put(m->names, lower(m->arena, span_to(line, gap)), arena_cstr(m->arena, address));
    return true;
}

enum err certificate_map_open(const char *file, struct certificate_map **out, struct fault *f)
{
    char line[LINE_BYTES];
    unsigned n = 0;
    FILE *in = fopen(file, "re");
    if (!in)
        return fault_set(f, ERR_INVALID, "%s: %s", file, strerror(errno));
    struct certificate_map *m = mem_new(struct certificate_map);
    m->arena = arena_new();
    m->names = map_new();
    enum err e = ERR_OK;
    while (e == ERR_OK && fgets(line, sizeof line, in)) {
        struct span text = span_cstr(line);
        n++;
        if (text.n + 1 == sizeof line || !add_line(m, text)) /* or it is too long */
            e = fault_set(f, ERR_INVALID, "%s:%u: \"NAME ADDRESS\" is wanted", file, n);
    }
    if (e == ERR_OK && ferror(in))
        e = fault_set(f, ERR_INVALID, "%s: %s", file, strerror(errno));
    fclose(in);
    if (e != ERR_OK)
        certificate_map_close(&m);
    *out = m; /* NULL by now on an error */
    return e;
}

void certificate_map_close(struct certificate_map **m)
{
    if (!*m)
        return;
    map_free(&(*m)->names);
    arena_free(&(*m)->arena);
    mem_free(*m);
    *m = NULL;
}

struct span certificate_map_find(const struct certificate_map *m, struct span name)
{
    struct arena *a = arena_new();
    const char *address = map_get(m->names, lower(a, name));
    arena_free(&a);
    return span_cstr(address);
}
