#include "auth/sasl.h"

#include "tests/unit/auth/desk.h"
#include "tests/unit/route/town.h"

#include "auth/scram.h"
#include "auth/secret.h"
#include "common/b64.h"
#include "common/clock.h"
#include "common/rand.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

/* Ann has one app password and nothing else, so that nothing is hashed slowly. */

#define ROUNDS 4000
#define BINDING "what both ends see"
#define SECRET "0123456789abcdef0123456789abcdef"
#define KEYS                                                                                       \
    "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":"                                         \
    "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}"

static struct town town;
static struct desk desk;
static struct auth *auth;
static char shown[32], keys_path[] = "/tmp/mailstead-keys-XXXXXX";
static uint64_t ann;
static const char *certificate_names; /* NULL: the client has none */
static bool told;

static const char *const domains[] = {"example.org", NULL};
static const char *const accounts[] = {"ann@example.org", "bob@example.org", NULL};

/* --- the connection --- */

static size_t binding(const struct ssl_st *tls, struct span type,
                      unsigned char out[SASL_BINDING_BYTES])
{
    assert_non_null(tls);
    if (!span_eq(type, SPAN("tls-exporter")))
        return 0;
    memcpy(out, BINDING, strlen(BINDING));
    return strlen(BINDING);
}

static bool certificate(const struct ssl_st *tls, struct buf *names)
{
    assert_non_null(tls);
    if (certificate_names && names)
        (void)buf_addz(names, certificate_names);
    return certificate_names != NULL;
}

static struct sasl_door door(bool tls)
{
    return (struct sasl_door){.auth = auth,
                              .protocol = AUTH_IMAP,
                              .may_password = tls,
                              .tls = tls ? (const struct ssl_st *)(const void *)&desk : NULL,
                              .binding = binding,
                              .certificate = certificate};
}

static void on_told(void *owner)
{
    (void)owner;
    assert_false(told);
    told = true;
}

static struct sasl *begin_exchange(bool tls)
{
    struct sasl_door d = door(tls);
    return sasl_new(&d, SPAN("192.0.2.7"), &desk.post, on_told, NULL);
}

/* Until it wants something from the client, or is over. */
static enum sasl_is settle(struct sasl *s, enum sasl_is is)
{
    assert_int_equal(is, sasl_goes(s));
    told = false;
    if (is == SASL_WAIT) {
        while (!told)
            desk_run(&desk);
        is = sasl_goes(s);
    }
    assert_int_not_equal(is, SASL_WAIT);
    return is;
}

static enum sasl_is begin(struct sasl *s, const char *mechanism, const struct span *initial)
{
    return settle(s, sasl_begin(s, span_cstr(mechanism), initial));
}

static enum sasl_is step(struct sasl *s, struct span response)
{
    return settle(s, sasl_step(s, response));
}

/* --- the client's side --- */

static struct span base64(struct arena *a, struct span bytes, bool url)
{
    struct buf text;
    buf_init(&text, 4096);
    assert_true(b64_encode(bytes, &text));
    for (size_t i = 0; url && i < text.n; i++)
        text.p[i] = text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i];
    while (url && text.n && text.p[text.n - 1] == '=')
        text.n--;
    struct span out = arena_keep(a, buf_span(&text));
    buf_fini(&text);
    return out;
}

static struct span hmac(struct arena *a, const EVP_MD *md, struct span key, struct span text)
{
    unsigned n;
    unsigned char *out = arena_alloc(a, EVP_MAX_MD_SIZE);
    assert_non_null(HMAC(md, key.p, (int)key.n, (const unsigned char *)text.p, text.n, out, &n));
    return span_of(out, n);
}

/* RFC 5802 §3; what depends on the password alone is remembered. */
static struct span proof(struct arena *a, const EVP_MD *md, struct span salt, struct span message)
{
    static struct {
        const EVP_MD *md;
        unsigned char key[EVP_MAX_MD_SIZE];
    } known[3];
    unsigned char salted[EVP_MAX_MD_SIZE], stored[EVP_MAX_MD_SIZE];
    int n = EVP_MD_get_size(md);
    size_t i = 0;
    while (known[i].md && known[i].md != md)
        i++;
    if (!known[i].md) {
        assert_int_equal(PKCS5_PBKDF2_HMAC(shown, (int)strlen(shown), (const unsigned char *)salt.p,
                                           (int)salt.n, 4096, md, n, salted),
                         1);
        struct span key = hmac(a, md, span_of(salted, (size_t)n), SPAN("Client Key"));
        memcpy(known[i].key, key.p, key.n);
        known[i].md = md;
    }
    assert_int_equal(EVP_Digest(known[i].key, (size_t)n, stored, NULL, md, NULL), 1);
    struct span signature = hmac(a, md, span_of(stored, (size_t)n), message);
    char *out = arena_alloc(a, (size_t)n);
    for (int k = 0; k < n; k++)
        out[k] = (char)((unsigned char)signature.p[k] ^ known[i].key[k]);
    return span_of(out, (size_t)n);
}

struct client {
    struct arena *a;
    const char *mechanism;
    const char *gs2;     /* of SCRAM */
    struct span binding; /* what goes behind gs2 in c= */
    struct span first;
};

static const EVP_MD *md_of(const char *mechanism)
{
    return strstr(mechanism, "SHA-512")   ? EVP_sha512()
           : strstr(mechanism, "SHA-256") ? EVP_sha256()
                                          : EVP_sha1();
}

static struct span scram_final(struct client *c, struct span challenge)
{
    size_t s = span_find_span(challenge, SPAN(",s=")), i = span_find_span(challenge, SPAN(",i="));
    struct span salt, nonce = span_to(challenge, s), all;
    assert_true(i < challenge.n);
    assert_true(b64_decode(c->a, span_from(span_to(challenge, i), s + 3), &salt));
    struct span bound = arena_printf(c->a, "%s%.*s", c->gs2, SPAN_ARG(c->binding));
    struct span without =
        arena_printf(c->a, "c=%.*s,%.*s", SPAN_ARG(base64(c->a, bound, false)), SPAN_ARG(nonce));
    all = arena_printf(c->a, "%.*s,%.*s,%.*s", SPAN_ARG(span_from(c->first, strlen(c->gs2))),
                       SPAN_ARG(challenge), SPAN_ARG(without));
    return arena_printf(c->a, "%.*s,p=%.*s", SPAN_ARG(without),
                        SPAN_ARG(base64(c->a, proof(c->a, md_of(c->mechanism), salt, all), false)));
}

static struct span token(struct arena *a)
{
    struct span head = base64(a, SPAN("{\"alg\":\"HS256\"}"), true);
    struct span claims =
        base64(a,
               arena_printf(a,
                            "{\"email\":\"ann@example.org\",\"iss\":\"i\",\"aud\":\"u\","
                            "\"exp\":%lld}",
                            (long long)clock_wall() + 100),
               true);
    struct span text = arena_printf(a, "%.*s.%.*s", SPAN_ARG(head), SPAN_ARG(claims));
    struct span mac = base64(a, hmac(a, EVP_sha256(), SPAN(SECRET), text), true);
    return arena_printf(a, "%.*s.%.*s", SPAN_ARG(text), SPAN_ARG(mac));
}

/* What an honest client says in the nth response. */
static struct span honest(struct client *c, unsigned nth, struct span challenge)
{
    if (strcmp(c->mechanism, "PLAIN") == 0)
        return arena_printf(c->a, "%cann@example.org%c%s", 0, 0, shown);
    if (strcmp(c->mechanism, "LOGIN") == 0)
        return nth == 0 ? SPAN("ann@example.org") : span_cstr(shown);
    if (strcmp(c->mechanism, "OAUTHBEARER") == 0)
        return arena_printf(c->a, "n,a=ann@example.org,\1host=h\1auth=Bearer %.*s\1\1",
                            SPAN_ARG(token(c->a)));
    if (strcmp(c->mechanism, "XOAUTH2") == 0)
        return arena_printf(c->a, "user=ann@example.org\1auth=Bearer %.*s\1\1",
                            SPAN_ARG(token(c->a)));
    if (strcmp(c->mechanism, "EXTERNAL") == 0)
        return SPAN("");
    if (nth == 0)
        c->first = arena_printf(c->a, "%sn=ann@example.org,r=rOprNGfwEbeRWgbNEkqO", c->gs2);
    return nth == 0 ? c->first : nth == 1 ? scram_final(c, challenge) : SPAN("");
}

static struct client client(struct arena *a, const char *mechanism)
{
    bool plus = strstr(mechanism, "-PLUS") != NULL;
    return (struct client){.a = a,
                           .mechanism = mechanism,
                           .gs2 = plus ? "p=tls-exporter,," : "n,,",
                           .binding = plus ? SPAN(BINDING) : SPAN("")};
}

/* --- what is offered --- */

static void assert_offered(bool tls, const char *all)
{
    struct sasl_door d = door(tls);
    struct buf text;
    const char *name;
    buf_init(&text, 1000);
    for (size_t i = 0; (name = sasl_offered(&d, i)) != NULL; i++)
        (void)buf_addf(&text, "%s%s", i ? " " : "", name);
    unit_assert_same(buf_span(&text), span_cstr(all));
    buf_fini(&text);
}

static void the_strongest_comes_first(void **state)
{
    (void)state;
    certificate_names = NULL;
    assert_offered(false, "");
    assert_offered(true, "SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 "
                         "SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN");
    certificate_names = "ann@example.org\n";
    assert_offered(true, "EXTERNAL SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS "
                         "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN");
}

static const char *const mechanisms[] = {"SCRAM-SHA-512-PLUS",
                                         "SCRAM-SHA-256-PLUS",
                                         "SCRAM-SHA-1-PLUS",
                                         "SCRAM-SHA-512",
                                         "SCRAM-SHA-256",
                                         "SCRAM-SHA-1",
                                         "OAUTHBEARER",
                                         "XOAUTH2",
                                         "PLAIN",
                                         "LOGIN",
                                         "EXTERNAL"};

/* --- one that is honest --- */

static void assert_ann(const struct sasl *s)
{
    const struct auth_request *r = sasl_answer(s);
    assert_int_equal(r->result, ERR_OK);
    assert_int_equal(r->account, ann);
    assert_string_equal(r->address, "ann@example.org");
}

static void the_honest_get_in(void **state)
{
    (void)state;
    certificate_names = "ann@example.org\n";
    for (size_t i = 0; i < UNIT_COUNT(mechanisms) * 2; i++) {
        struct arena *a = arena_new();
        struct client c = client(a, mechanisms[i / 2]);
        struct sasl *s = begin_exchange(true);
        struct span first = honest(&c, 0, SPAN(""));
        unsigned nth = i % 2; /* with an initial response, and without */
        enum sasl_is is = begin(s, c.mechanism, nth ? &first : NULL);
        for (; is == SASL_CHALLENGE; nth++)
            is = step(s, honest(&c, nth, sasl_challenge(s)));
        assert_int_equal(is, SASL_DONE);
        assert_ann(s);
        assert_string_equal(sasl_mechanism(s), c.mechanism);
        bool own = strcmp(c.mechanism, "EXTERNAL") != 0 && !strstr(c.mechanism, "OAUTH");
        assert_string_equal(sasl_answer(s)->credential, own ? "phone" : "");
        sasl_free(&s);
        arena_free(&a);
    }
}

/* --- those who are not --- */

struct attempt {
    const char *mechanism, *first; /* NULL: the honest one */
    const char *gs2, *binding;     /* of SCRAM */
    enum err result;
    enum auth_why why;
};

static void try_one(const struct attempt *t, bool tls)
{
    struct arena *a = arena_new();
    struct client c = client(a, t->mechanism);
    struct sasl *s = begin_exchange(tls);
    if (t->gs2)
        c.gs2 = t->gs2;
    if (t->binding)
        c.binding = span_cstr(t->binding);
    struct span first = honest(&c, 0, SPAN(""));
    if (t->first)
        c.first = first = span_cstr(t->first);
    enum sasl_is is = begin(s, t->mechanism, &first);
    for (unsigned nth = 1; is == SASL_CHALLENGE && nth < 4; nth++)
        is = step(s, honest(&c, nth, sasl_challenge(s)));
    const struct auth_request *r = sasl_answer(s);
    if (is != SASL_FAILED || r->result != t->result || r->why != t->why)
        fail_msg("%s \"%s\" %s: is %d, result %s, why %d", t->mechanism, t->first ? t->first : "",
                 t->gs2 ? t->gs2 : "", (int)is, fault_name(r->result), (int)r->why);
    assert_int_equal(r->account, 0);
    sasl_free(&s);
    arena_free(&a);
}

/* clang-format off */
static const struct attempt attempts[] = {
    {"CRAM-MD5", "", NULL, NULL, ERR_NOTFOUND, AUTH_WHY_NOT_AT_ALL},
    {"", "", NULL, NULL, ERR_NOTFOUND, AUTH_WHY_NOT_AT_ALL},
    {"PLAIN", "no NUL", NULL, NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"XOAUTH2", "user=ann@example.org\1auth=Bearer a.b.c\1\1", NULL, NULL, ERR_DENIED, AUTH_WHY_WRONG},
    {"XOAUTH2", "user=ann@example.org\1auth=Bearer a.b.c", NULL, NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"OAUTHBEARER", "n,,\1\1", NULL, NULL, ERR_DENIED, AUTH_WHY_WRONG},
    {"OAUTHBEARER", "p=tls-exporter,,\1auth=Bearer a\1\1", NULL, NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"EXTERNAL", "bob@example.org", NULL, NULL, ERR_DENIED, AUTH_WHY_FORBIDDEN},
    {"EXTERNAL", "nobody@example.org", NULL, NULL, ERR_DENIED, AUTH_WHY_FORBIDDEN},
    /* RFC 5802 §6: "y" where -PLUS was offered; another binding; none; a type that is not known */
    {"SCRAM-SHA-256", NULL, "y,,", NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", NULL, "p=tls-exporter,,", NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", NULL, NULL, "more", ERR_DENIED, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256-PLUS", NULL, NULL, "another one", ERR_DENIED, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256-PLUS", NULL, NULL, "", ERR_DENIED, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256-PLUS", NULL, "n,,", NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256-PLUS", NULL, "p=tls-unique,,", NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", NULL, "n,a=bob@example.org,", NULL, ERR_DENIED, AUTH_WHY_FORBIDDEN},
    {"SCRAM-SHA-256", "n,,m=x,n=ann@example.org,r=abc", NULL, NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", "n,,n=ann=40example.org,r=abc", NULL, NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", "n,,n=ann@example.org,r=", NULL, NULL, ERR_INVALID, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", "n,,n=bob@example.org,r=abc", NULL, NULL, ERR_DENIED, AUTH_WHY_WRONG},
    {"SCRAM-SHA-256", "n,,n=nobody@example.org,r=abc", NULL, NULL, ERR_DENIED, AUTH_WHY_WRONG},
};
/* clang-format on */

static void others_do_not(void **state)
{
    const struct attempt in_the_clear = {"PLAIN", NULL, NULL, NULL, ERR_LIMIT, AUTH_WHY_NOT_AT_ALL};
    (void)state;
    certificate_names = "ann@example.org\n";
    for (size_t i = 0; i < UNIT_COUNT(attempts); i++)
        try_one(&attempts[i], true);
    try_one(&in_the_clear, false);
    certificate_names = "ann@elsewhere.example\nsha256:00\n";
    try_one(&(struct attempt){"EXTERNAL", "", NULL, NULL, ERR_DENIED, AUTH_WHY_CONTACT}, true);
}

/* Who is not there has a salt like all others, always the same. */
static void nobody_has_a_salt(void **state)
{
    (void)state;
    struct span first = SPAN("n,,n=nobody@example.org,r=abc");
    char salts[2][64];
    for (int i = 0; i < 2; i++) {
        struct sasl *s = begin_exchange(true);
        assert_int_equal(begin(s, "SCRAM-SHA-256", &first), SASL_CHALLENGE);
        struct span c = sasl_challenge(s);
        c = span_from(c, span_find_span(c, SPAN(",s=")));
        snprintf(salts[i], sizeof salts[i], "%.*s", SPAN_ARG(c));
        sasl_free(&s);
    }
    assert_string_equal(salts[0], salts[1]);
    assert_int_equal(strlen(salts[0]), strlen(",s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096"));
}

/* --- whatever comes --- */

static struct span mutated(struct arena *a, struct span s)
{
    static const char spice[] = ",=\0\1\n@anrcpm\xff\x80+/";
    char *out = arena_alloc(a, s.n + 80);
    size_t n = s.n;
    if (n)
        memcpy(out, s.p, n);
    for (uint64_t times = 1 + rand_below(3); times > 0; times--) {
        size_t at = (size_t)rand_below(n + 1), many = (size_t)rand_below(20);
        switch (rand_below(5)) {
        case 0: /* another byte */
            if (at < n)
                out[at] = (char)rand_below(256);
            break;
        case 1: /* a special one */
            if (at < n)
                out[at] = spice[rand_below(sizeof spice - 1)];
            break;
        case 2: /* some are gone */
            many = many < n - at ? many : n - at;
            memmove(out + at, out + at + many, n - at - many);
            n -= many;
            break;
        case 3: /* some are there twice */
            many = many < n - at ? many : n - at;
            memmove(out + at + many, out + at, n - at);
            n += many;
            break;
        default: /* cut off */
            n = rand_below(4) == 0 ? at : n;
        }
    }
    return span_of(out, n);
}

static struct span random_bytes(struct arena *a)
{
    size_t n = (size_t)rand_below(rand_below(20) == 0 ? 5000 : 60);
    char *out = arena_alloc(a, n + 1);
    rand_bytes(out, n);
    return span_of(out, n);
}

static void one_round(struct arena *a)
{
    struct client c = client(a, mechanisms[rand_below(UNIT_COUNT(mechanisms))]);
    struct sasl *s = begin_exchange(true);
    bool initial = rand_below(2) == 0, touched = false;
    struct span said = SPAN("");
    enum sasl_is is = SASL_CHALLENGE;
    for (unsigned nth = 0; is == SASL_CHALLENGE; nth++) {
        assert_true(nth < 6); /* no mechanism goes on and on */
        bool off = rand_below(3) == 0;
        if (nth == 0 && !initial)
            assert_int_equal(begin(s, c.mechanism, NULL), SASL_CHALLENGE);
        if (nth < 2 || strstr(c.mechanism, "SCRAM")) /* after that there is nothing to say */
            said = touched && nth > 0 ? random_bytes(a) : honest(&c, nth, sasl_challenge(s));
        if (off)
            said = rand_below(4) == 0 ? random_bytes(a) : mutated(a, said);
        touched |= off;
        is = nth == 0 && initial ? begin(s, c.mechanism, &said) : step(s, said);
    }
    if (is == SASL_DONE)
        assert_ann(s); /* whatever was done to it */
    else
        assert_int_not_equal(sasl_answer(s)->result, ERR_OK);
    assert_true(is == SASL_DONE || touched);
    sasl_free(&s);
}

static void nothing_gets_it_off_its_feet(void **state)
{
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    (void)state;
    printf("seed %llu (SEED=... repeats it)\n", (unsigned long long)seed);
    rand_seed(seed);
    certificate_names = "ann@example.org\n";
    struct arena *a = arena_new();
    for (unsigned i = 0; i < ROUNDS; i++) {
        arena_reset(a);
        one_round(a);
    }
    arena_free(&a);
}

/* --- Ann --- */

static enum err add_phone(struct txn *t, struct store_op *op, struct fault *f)
{
    struct account account;
    struct arena *a = arena_new();
    struct credentials none = {.apps = NULL};
    struct credential_app app;
    struct credential_scram scram;
    (void)op;
    enum err e = directory_account_find(t, a, SPAN("ann@example.org"), &account, f);
    ann = account.id;
    secret_app_password(4096, &none, ann, shown, &app, &scram);
    app.name = SPAN("phone");
    app.used = clock_wall(); /* no use is recorded again so soon */
    if (e == ERR_OK)
        e = credential_scram_put(t, ann, &scram, f);
    if (e == ERR_OK)
        e = credential_app_add(t, ann, &app, f);
    arena_free(&a);
    return e;
}

static int setup(void **state)
{
    struct fault f = FAULT_NONE;
    struct store_op op = {.apply = add_phone, .actor = {.kind = ACTOR_ADMIN}};
    struct auth_options o = auth_options_default;
    int fd = mkstemp(keys_path);
    (void)state;
    clock_freeze(1700000000);
    town_open(&town);
    desk_init(&desk);
    town_write(&town, (struct town_plan){.domains = domains, .accounts = accounts});
    o.fail_ms = o.minute_count = o.day_count = 0;
    o.scram_iteration_count = 4096;
    o.only_app_passwords = 1;
    o.oauth_keys = keys_path;
    o.oauth_issuer = "i";
    o.oauth_audience = "u";
    if (fd < 0 || write(fd, KEYS, strlen(KEYS)) != (ssize_t)strlen(KEYS) || close(fd) != 0 ||
        committer_run(town.store, &op, &f) != ERR_OK)
        return -1;
    auth = auth_new(town.store, &o);
    return auth_load(auth, &f) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    auth_free(&auth);
    desk_fini(&desk);
    town_close(&town);
    clock_thaw();
    return unlink(keys_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_comes_first),
        cmocka_unit_test(the_honest_get_in),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(nobody_has_a_salt),
        cmocka_unit_test(nothing_gets_it_off_its_feet),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
