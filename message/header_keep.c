#include "message/header_keep.h"
#include "message/header.h"

static const struct span header_keep_not[] = {
    SPAN_ROW("ARC-Authentication-Results"),
    SPAN_ROW("ARC-Message-Signature"),
    SPAN_ROW("ARC-Seal"),
    SPAN_ROW("Authentication-Results"),
    SPAN_ROW("Autocrypt"),
    SPAN_ROW("DKIM-Signature"),
    SPAN_ROW("DomainKey-Signature"),
    SPAN_ROW("Face"),
    SPAN_ROW("Received"),
    SPAN_ROW("Received-SPF"),
    SPAN_ROW("X-Face"),
    SPAN_ROW("X-Received"),
};

static const struct span header_keep_not_begun[] = {
    SPAN_ROW("X-Forefront-"), SPAN_ROW("X-Gm-"),        SPAN_ROW("X-Google-"),
    SPAN_ROW("X-MS-"),        SPAN_ROW("X-Microsoft-"), SPAN_ROW("X-Spam-"),
};

bool header_keep(struct span name)
{
    for (size_t i = 0; i < sizeof header_keep_not / sizeof *header_keep_not; i++) {
        if (span_eq_ci(name, header_keep_not[i]))
            return false;
    }
    for (size_t i = 0; i < sizeof header_keep_not_begun / sizeof *header_keep_not_begun; i++) {
        if (span_starts_ci(name, header_keep_not_begun[i]))
            return false;
    }
    return true;
}

bool header_keep_fields(struct span header, struct buf *out)
{
    struct header_field field;
    size_t kept = 0;
    struct span rest = header;
    while (header_next(&rest, &field))
        kept += header_keep(field.name) ? field.raw.n : 0;
    if (kept > HEADER_KEEP_BYTES)
        return false;
    while (header_next(&header, &field)) {
        if (header_keep(field.name))
            buf_add(out, field.raw);
    }
    return true;
}
