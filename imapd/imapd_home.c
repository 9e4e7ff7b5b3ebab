#include "imapd/imapd_home.h"

#include "common/mem.h"

struct imapd_home_account {
    unsigned count;
};

static struct span imapd_home_key(const uint64_t *account)
{
    return span_of(account, sizeof *account);
}

void imapd_home_init(struct imapd_home *h, struct imapd *service, struct loop *loop)
{
    *h = (struct imapd_home){.service = service, .loop = loop, .accounts = map_new()};
    list_init(&h->sessions);
    imap_cache_init(&h->cache);
    imap_sort_cache_init(&h->sorted);
}

static void imapd_home_drop(void *arg, struct span key, void *value)
{
    (void)arg;
    (void)key;
    mem_free(value);
}

void imapd_home_fini(struct imapd_home *h)
{
    map_each(h->accounts, imapd_home_drop, NULL);
    map_free(&h->accounts);
    imap_cache_fini(&h->cache);
    imap_sort_cache_fini(&h->sorted);
}

bool imapd_home_enter(struct imapd_home *h, uint64_t account, unsigned max)
{
    struct imapd_home_account *a = map_get(h->accounts, imapd_home_key(&account));
    if (a && max > 0 && a->count >= max)
        return false;
    if (!a) {
        a = mem_new(struct imapd_home_account);
        map_put(h->accounts, imapd_home_key(&account), a);
    }
    a->count++;
    return true;
}

void imapd_home_leave(struct imapd_home *h, uint64_t account)
{
    struct imapd_home_account *a = map_get(h->accounts, imapd_home_key(&account));
    if (a && --a->count == 0)
        mem_free(map_take(h->accounts, imapd_home_key(&account)));
}
