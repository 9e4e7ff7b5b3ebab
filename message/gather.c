#include "message/gather.h"
#include "message/header.h"

void gather_init(struct gather *g, size_t field_bytes, size_t header_bytes)
{
    *g = (struct gather){.field_bytes = field_bytes, .left_bytes = header_bytes};
    buf_init(&g->kept, header_bytes + 1);
    buf_init(&g->line, field_bytes);
}

void gather_fini(struct gather *g)
{
    buf_fini(&g->kept);
    buf_fini(&g->line);
}

void gather_begin(struct gather *g, bool (*wants)(struct span field_name))
{
    g->wants = wants;
    g->wanted = g->cut = false;
    g->field_n = 0;
    buf_reset(&g->kept);
    buf_reset(&g->line);
}

void gather_piece(struct gather *g, struct span piece)
{
    size_t room = g->field_bytes - g->line.n;
    g->cut = g->cut || piece.n > room;
    buf_add(&g->line, span_to(piece, room));
}

struct span gather_line(struct gather *g, struct span piece)
{
    struct span line = piece;
    if (g->line.n > 0 || g->cut) {
        gather_piece(g, piece);
        line = buf_span(&g->line);
        buf_reset(&g->line); /* keeps its bytes until the next piece */
    } else if (line.n > g->field_bytes) {
        g->cut = true;
        line.n = g->field_bytes;
    }
    if (line.n > 0 && !g->cut && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static void keep(struct gather *g, struct span line)
{
    line = span_to(line, g->field_bytes - g->field_n);
    if (line.n + 1 > g->left_bytes) {
        g->spent = true;
        g->wanted = false;
        return;
    }
    buf_add(&g->kept, line);
    buf_byte(&g->kept, '\n');
    g->field_n += line.n;
    g->left_bytes -= line.n + 1;
}

void gather_take(struct gather *g, struct span line)
{
    struct span name;
    g->cut = false;
    if (line.p[0] != ' ' && line.p[0] != '\t') {
        g->wanted = !g->spent && header_name(line, &name) && g->wants(name);
        g->field_n = 0;
    }
    if (g->wanted)
        keep(g, line);
}
