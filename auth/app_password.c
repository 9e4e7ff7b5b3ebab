#include "auth/app_password.h"

#include "common/le.h"
#include "common/must.h"
#include "common/rand.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define LETTERS 20
#define GROUP 5

static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* no l, o, 0, 1: 32 */
_Static_assert(sizeof alphabet == 33, "five bits a letter");

void app_password_make(char out[APP_PASSWORD_TEXT_BYTES])
{
    char *at = out;
    for (int i = 0; i < LETTERS; i++) {
        if (i > 0 && i % GROUP == 0)
            *at++ = '-';
        *at++ = alphabet[rand_below(sizeof alphabet - 1)];
    }
    *at = '\0';
}

bool app_password_digest(uint64_t account, struct span password, char out[CREDENTIAL_DIGEST_BYTES])
{
    char text[8 + LETTERS];
    size_t n = 8;
    be_put(text, account, 8);
    for (size_t i = 0; i < password.n; i++) {
        char c = (char)span_lower((unsigned char)password.p[i]);
        if (c == '-' || c == ' ')
            continue;
        if (n == sizeof text || !strchr(alphabet, c) || c == '\0')
            return false;
        text[n++] = c;
    }
    must(EVP_Digest(text, n, (unsigned char *)out, NULL, EVP_sha256(), NULL) == 1);
    OPENSSL_cleanse(text, sizeof text);
    return n == sizeof text;
}

const struct credential_app *app_password_match(uint64_t account, const struct credentials *c,
                                                struct span password)
{
    char digest[CREDENTIAL_DIGEST_BYTES];
    const struct credential_app *found = NULL;
    if (c->app_count == 0 || !app_password_digest(account, password, digest))
        return NULL;
    for (size_t i = 0; i < c->app_count; i++) {
        if (CRYPTO_memcmp(c->apps[i].digest, digest, sizeof digest) == 0)
            found = &c->apps[i];
    }
    return found;
}

/* --- networks --- */

/* An address as IPv6: IPv4 in its mapped form. */
static bool address_of(struct span text, unsigned char out[16], unsigned *bits)
{
    char z[INET6_ADDRSTRLEN];
    if (text.n == 0 || text.n >= sizeof z)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    *bits = 128;
    if (inet_pton(AF_INET6, z, out) == 1)
        return true;
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    *bits = 32;
    return inet_pton(AF_INET, z, out + 12) == 1;
}

/* "192.0.2.0/24": the address, and how many of its 128 bits count. */
static bool network_of(struct span text, unsigned char out[16], unsigned *prefix)
{
    unsigned bits;
    size_t slash = span_find(text, '/');
    uint32_t n;
    if (!address_of(span_to(text, slash), out, &bits))
        return false;
    n = bits;
    if (slash < text.n && (!span_u32(span_from(text, slash + 1), &n) || n > bits))
        return false;
    *prefix = 128 - bits + n;
    return true;
}

static bool inside(const unsigned char *a, const unsigned char *b, unsigned prefix)
{
    unsigned whole = prefix / 8, rest = prefix % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* Takes the first off the list. */
static struct span next_network(struct span *list)
{
    size_t comma = span_find(*list, ',');
    struct span one = span_trim(span_to(*list, comma));
    *list = span_from(*list, comma < list->n ? comma + 1 : comma);
    return one;
}

bool app_password_networks(struct span text)
{
    unsigned char network[16];
    unsigned prefix;
    bool good = text.n > 0 && text.n <= CREDENTIAL_FROM_BYTES;
    while (good && text.n > 0)
        good = network_of(next_network(&text), network, &prefix);
    return good;
}

static bool from_here(struct span networks, struct span peer)
{
    unsigned char here[16], network[16];
    unsigned bits, prefix;
    if (networks.n == 0)
        return true;
    if (!address_of(peer, here, &bits))
        return false;
    while (networks.n > 0) {
        if (network_of(next_network(&networks), network, &prefix) && inside(here, network, prefix))
            return true;
    }
    return false;
}

enum auth_why app_password_permits(const struct credential_app *app, unsigned protocol,
                                   struct span peer, int64_t now)
{
    if (app->expires && now >= app->expires)
        return AUTH_WHY_EXPIRED;
    if (!(app->protocols & protocol) || !from_here(app->from, peer))
        return AUTH_WHY_FORBIDDEN;
    return AUTH_WHY_NOT_AT_ALL;
}
