#pragma once /* route/alias.h: from an address to the accounts behind it */
#include "common/arena.h"
#include "message/address.h"
#include "route/delivery.h"
#include "store/txn.h"

struct alias_target {
    struct span address; /* key of the account */
    uint64_t account;    /* 0: does not exist yet (lab) */
};
struct alias_targets {
    struct alias_target *list; /* in the arena; one account may be in it twice */
    size_t n;
    unsigned
        dangling; /* targets of aliases that lead nowhere: skipped as long as another one leads somewhere */
};

/* Looks an address up, as written first and then without its detail ("ann+lists" is ann's, RFC 5233 §1), then the
 * catch-all of its domain. At each step an alias goes before an account; an alias that names itself means the account of
 * that name. <Postmaster> is postmaster at our first domain, RFC 5321 §4.5.1.
 * ERR_DENIED: not our domain. ERR_NOTFOUND: nobody. ERR_CORRUPT: an alias that leads back to itself, is nested too deep
 * or grows too large. ERR_IO. Pure: reads t, writes the arena. */
enum err alias_resolve(struct txn *t, struct arena *a, const struct route_options *o,
                       struct address addr, struct alias_targets *out, struct fault *f);
