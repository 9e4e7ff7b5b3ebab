#include "route/route.h"

#include "common/mem.h"

const struct route_options route_options_default = {
    .lab = false,
    .separators = "+",
    .alias_depth_count = 20,
    .alias_total_count = 1000,
    .message_bytes = 50u << 20,
    .rcpt_count = 1000,
    .hop_count = 100,
};

struct route *route_new(struct store *st, const struct route_options *o)
{
    struct route *r = mem_new(struct route);
    r->store = st;
    r->options = *o;
    return r;
}

void route_free(struct route **r)
{
    mem_free(*r);
    *r = NULL;
}

const struct route_options *route_options(const struct route *r)
{
    return &r->options;
}

bool route_is_low(const struct route *r)
{
    return store_is_low(r->store);
}
