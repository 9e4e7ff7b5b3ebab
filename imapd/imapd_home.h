#pragma once /* imapd/imapd_home.h: what the service keeps for one loop */
#include "common/list.h"
#include "common/map.h"
#include "imapd/imap_cache.h"
#include "imapd/imap_sort_cache.h"
#include "imapd/imapd.h"

struct imap_session;

/* One for each loop of the service; used on that loop alone, so nothing is locked. */
struct imapd_home {
    struct imapd *service;
    struct loop *loop;
    struct list_node sessions;
    struct map *accounts; /* account id to struct imapd_home_account */
    struct imap_cache cache;
    struct imap_sort_cache sorted;
    struct post_note stop, cut; /* the letters of imapd_stop and imapd_cut */
};

/* A listener of the service, for the count of connections from one address. */
struct imapd_door {
    struct list_node node;
    struct imapd *service;
    struct listen *listen;
};

/* --- in imapd/imapd.c; any thread --- */
struct imapd_home *imapd_of_loop(struct imapd *s, const struct loop *loop);
const struct imapd_options *imapd_options(const struct imapd *s);
bool imapd_stopping(const struct imapd *s);
bool imapd_cutting(const struct imapd *s);
/* The connection has ended, or logged in: it counts no longer for its address. Once for each. */
void imapd_left(struct imapd_door *door, struct span peer);
void imapd_gone(struct imapd *s);

void imapd_home_init(struct imapd_home *h, struct imapd *service, struct loop *loop);
void imapd_home_fini(struct imapd_home *h);
/* One session more of that account; false if it has max already (0: no limit). */
bool imapd_home_enter(struct imapd_home *h, uint64_t account, unsigned max);
void imapd_home_leave(struct imapd_home *h, uint64_t account);
