#include "imapd/imap_object.h"

#include <inttypes.h>

#define IMAP_OBJECT_DIGITS 16

void imap_object_text(enum imap_object kind, uint64_t id, struct buf *out)
{
    buf_addf(out, "%c%016" PRIx64, kind, id);
}

const char *imap_object_cstr(struct arena *a, enum imap_object kind, uint64_t id)
{
    struct buf text;
    buf_init(&text, IMAP_OBJECT_DIGITS + 1);
    imap_object_text(kind, id, &text);
    const char *z = arena_cstr(a, buf_span(&text));
    buf_fini(&text);
    return z;
}

const char *imap_object_code(struct arena *a, uint64_t mailbox)
{
    struct buf text;
    buf_init(&text, 64);
    buf_addz(&text, "MAILBOXID (");
    imap_object_text(IMAP_OBJECT_MAILBOX, mailbox, &text);
    buf_byte(&text, ')');
    const char *z = arena_cstr(a, buf_span(&text));
    buf_fini(&text);
    return z;
}

bool imap_object_of(enum imap_object kind, struct span text, uint64_t *id_out)
{
    uint64_t id = 0;
    if (text.n != IMAP_OBJECT_DIGITS + 1 || text.p[0] != (char)kind)
        return false;
    for (size_t i = 1; i < text.n; i++) {
        char c = text.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f'))
            return false;
        id = id << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *id_out = id;
    return true;
}

bool imap_object_is_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}
