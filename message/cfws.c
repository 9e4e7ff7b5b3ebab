#include "message/cfws.h"

bool cfws_is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void cfws_skip(struct scan *s)
{
    size_t depth = 0;
    for (int c; (c = scan_peek(s)) >= 0; s->at++) {
        if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (c == '\\' && depth > 0 && s->at + 1 < s->in.n)
            s->at++;
        else if (depth == 0 && !cfws_is_blank((unsigned char)c))
            return;
    }
}
