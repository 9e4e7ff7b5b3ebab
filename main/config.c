#include "main/config.h"
#include "common/mem.h"
#include "main/config_keys.h"
#include "main/config_text.h"
#include "main/nearest.h"
#include "message/address.h"
#include "net/tls.h"
#include <confuse.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* libconfuse stops at the first error. What it stumbled over is blanked and it reads again, until it comes through: so all errors are told. */

#define REPORT_COUNT 100
#define VALUE_COUNT 512
#define SECTIONS 16

struct report {
    unsigned line;
    const char *text;
};
struct value {
    const struct config_keys_row *row;
    unsigned line, nth; /* nth: of its list */
    const char *text;
};
struct reading {
    struct config *config;
    char *text;
    struct report reports[REPORT_COUNT];
    size_t report_n;
    /* of one pass */
    struct value values[VALUE_COUNT];
    size_t value_n;
    unsigned bad_line;
    char bad_key[64]; /* no such option; "": another error */
};

/* libconfuse hands nothing of ours to its callbacks. */
static _Thread_local struct reading *reading;

static void __attribute__((format(printf, 3, 4)))
report(struct reading *r, unsigned line, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->report_n < REPORT_COUNT)
        r->reports[r->report_n++] =
            (struct report){line ? line : 1, arena_cstr(r->config->arena, span_cstr(text))};
}

static void report_braces(void *arg, unsigned line, const char *what)
{
    report(arg, line, "%s", what);
}

/* --- keys that are none --- */

static const char *const *section_names(void)
{
    static const char *names[SECTIONS];
    size_t n = 0;
    for (size_t i = 0; i < config_keys_count; i++) {
        const char *section = config_keys[i].section;
        if (*section && (n == 0 || strcmp(names[n - 1], section) != 0))
            names[n++] = section;
    }
    names[n] = NULL;
    return names;
}

static void report_unknown(struct reading *r, unsigned line, const char *section, const char *key)
{
    struct nearest here, elsewhere;
    nearest_init(&here, key);
    nearest_init(&elsewhere, key);
    const char *home = "";
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_keys_row *row = &config_keys[i];
        nearest_try(strcmp(row->section, section) == 0 ? &here : &elsewhere, row->name);
        if (elsewhere.best == row->name)
            home = row->section;
    }
    for (const char *const *s = section_names(); !*section && *s; s++)
        nearest_try(&here, *s);
    if (elsewhere.best && elsewhere.distance == 0)
        report(r, line, "\"%s\" does not belong here but %s%s", key,
               *home ? "into section " : "outside of all sections", home);
    else if (nearest_found(&here))
        report(r, line, "unknown key \"%s\", did you mean \"%s\"?", key, nearest_found(&here));
    else if (nearest_found(&elsewhere))
        report(r, line, "unknown key \"%s\", did you mean \"%s\" of section %s?", key,
               nearest_found(&elsewhere), *home ? home : "none");
    else
        report(r, line, "unknown key \"%s\"", key);
}

/* --- what libconfuse says --- */

static const char *section_of(cfg_t *cfg)
{
    return cfg && cfg->name && strcmp(cfg->name, "root") != 0 ? cfg->name : "";
}

static void __attribute__((format(printf, 2, 0))) on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    struct reading *r = reading;
    r->bad_line = cfg && cfg->line > 0 ? (unsigned)cfg->line : 1;
    r->bad_key[0] = '\0';
    if (strstr(fmt, "no such option")) {
        snprintf(r->bad_key, sizeof r->bad_key, "%s", va_arg(ap, const char *));
        report_unknown(r, r->bad_line, section_of(cfg), r->bad_key);
        return;
    }
    char text[256];
    vsnprintf(text, sizeof text, fmt, ap);
    report(r, r->bad_line, "%s", text);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    struct reading *r = reading;
    unsigned n = cfg_opt_size(opt);
    const char *text = n ? cfg_opt_getnstr(opt, n - 1) : NULL;
    const struct value *last = r->value_n ? &r->values[r->value_n - 1] : NULL;
    /* The end of a list calls once more with its last member. */
    if (text && last && last->nth == n && strcmp(last->row->name, opt->name) == 0 &&
        strcmp(last->text, text) == 0 && last->row->type == CONFIG_KEYS_DOORS)
        return 0;
    for (size_t i = 0; text && i < config_keys_count && r->value_n < VALUE_COUNT; i++)
        if (strcmp(config_keys[i].name, opt->name) == 0 &&
            strcmp(config_keys[i].section, section_of(cfg)) == 0)
            r->values[r->value_n++] = (struct value){&config_keys[i], (unsigned)cfg->line, n,
                                                     arena_cstr(r->config->arena, span_cstr(text))};
    return 0;
}

/* --- the table as libconfuse wants it --- */

struct grammar {
    cfg_opt_t *top, *section[SECTIONS];
};

static void fill_section(cfg_opt_t *into, const char *section, size_t *n)
{
    for (size_t i = 0; i < config_keys_count; i++)
        if (strcmp(config_keys[i].section, section) == 0)
            into[(*n)++] = config_keys[i].type == CONFIG_KEYS_DOORS
                               ? (cfg_opt_t)CFG_STR_LIST(config_keys[i].name, 0, CFGF_NODEFAULT)
                               : (cfg_opt_t)CFG_STR(config_keys[i].name, 0, CFGF_NODEFAULT);
}

static struct grammar make_grammar(struct arena *a)
{
    struct grammar g = {arena_zalloc(a, (config_keys_count + SECTIONS) * sizeof *g.top), {NULL}};
    size_t n = 0;
    fill_section(g.top, "", &n);
    const char *const *names = section_names();
    for (size_t s = 0; names[s]; s++) {
        size_t inside = 0;
        g.section[s] = arena_zalloc(a, (config_keys_count + 1) * sizeof *g.section[s]);
        fill_section(g.section[s], names[s], &inside);
        g.section[s][inside] = (cfg_opt_t)CFG_END();
        g.top[n++] = (cfg_opt_t)CFG_SEC(names[s], g.section[s], CFGF_NONE);
    }
    g.top[n] = (cfg_opt_t)CFG_END();
    return g;
}

static cfg_t *make_parser(const struct grammar *g)
{
    cfg_t *cfg = cfg_init(g->top, CFGF_NONE);
    for (size_t i = 0; cfg && i < config_keys_count; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s%s", config_keys[i].section,
                 *config_keys[i].section ? "|" : "", config_keys[i].name);
        cfg_set_validate_func(cfg, path, on_value);
    }
    if (cfg)
        cfg_set_error_function(cfg, on_error);
    return cfg;
}

/* A list that is there and empty brings no value: it means none instead of the default. */
static void note_empty_lists(struct reading *r, cfg_t *cfg)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_keys_row *row = &config_keys[i];
        cfg_t *section = row->type == CONFIG_KEYS_DOORS ? cfg_getsec(cfg, row->section) : NULL;
        cfg_opt_t *opt = section ? cfg_getopt(section, row->name) : NULL;
        if (opt && (opt->flags & CFGF_MODIFIED) && r->config->lines[i] == 0)
            r->config->lines[i] = (unsigned)section->line;
    }
}

/* One pass over the text. False: there was an error, and it is taken out. */
static bool parse_once(struct reading *r, const struct grammar *g)
{
    cfg_t *cfg = make_parser(g);
    if (!cfg)
        return true;
    r->value_n = 0;
    size_t before = r->report_n;
    reading = r;
    bool good = cfg_parse_buf(cfg, r->text) == CFG_SUCCESS;
    reading = NULL;
    if (good)
        note_empty_lists(r, cfg);
    cfg_free(cfg);
    if (good || r->report_n == before)
        return true;
    return *r->bad_key ? !config_text_blank_key(r->text, r->bad_line, r->bad_key)
                       : !config_text_blank_line(r->text, r->bad_line);
}

static void apply_values(struct reading *r)
{
    struct config *c = r->config;
    for (size_t i = 0; i < r->value_n; i++) {
        const struct value *v = &r->values[i];
        unsigned *line = &c->lines[v->row - config_keys];
        char why[CONFIG_KEYS_TEXT_BYTES];
        if (*line && v->row->type != CONFIG_KEYS_DOORS)
            report(r, v->line, "\"%s\" is set twice, first on line %u", v->row->name, *line);
        else if (!config_keys_set(c, v->row, v->text, why))
            report(r, v->line, "%s = \"%s\": %s", v->row->name, v->text, why);
        *line = v->line;
    }
}

/* --- what follows from the values --- */

static unsigned line_of(const struct config *c, const char *section, const char *name)
{
    for (size_t i = 0; i < config_keys_count; i++)
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
            return c->lines[i];
    return 0;
}

/* A machine may have IPv6 switched off; the default doors do without it then. */
static bool has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)(void *)&any, sizeof any) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static void add_default_doors(struct config *c)
{
    bool six = has_ipv6();
    const char *where;
    char why[CONFIG_KEYS_TEXT_BYTES];
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_keys_row *row = &config_keys[i];
        if (row->type != CONFIG_KEYS_DOORS || c->lines[i] != 0)
            continue;
        for (size_t k = 0; (where = config_keys_door((enum server_service)row->offset, k)); k++)
            if (where[0] != '[' || six)
                (void)config_keys_set(c, row, where,
                                      why); /* refused where the file gives it to another service */
    }
}

static void settle_hostname(struct reading *r)
{
    struct config *c = r->config;
    struct span key, written = span_cstr(c->server.hostname);
    unsigned line = line_of(c, "", "hostname");
    if (written.n == 0)
        report(r, line, "hostname is not set: hostname = \"mail.example.org\"");
    else if (!address_domain_key(c->arena, written, &key) || span_find(key, '.') == key.n)
        report(r, line, "hostname = \"%s\": a full name is wanted, such as mail.example.org",
               c->server.hostname);
    else
        c->server.hostname = arena_cstr(c->arena, key);
}

/* What the cache holds may have to be written when the disk is nearly full: store/store.h. */
static void settle_low_water(struct reading *r)
{
    struct store_options *o = &r->config->server.store;
    unsigned line = line_of(r->config, "store", "low_water_bytes");
    uint64_t least = o->cache_bytes + 2 * (uint64_t)STORE_LOG_FILE_BYTES;
    if (!line)
        o->low_water_bytes = least + 2 * (uint64_t)STORE_LOG_FILE_BYTES;
    else if (o->low_water_bytes < least)
        report(r, line, "low_water_bytes: it has to be cache_bytes and %uM more, %" PRIu64 "M",
               2 * STORE_LOG_FILE_BYTES >> 20, (least + (1u << 20) - 1) >> 20);
}

/* Tokens that are for others must not open our doors: RFC 7519 §4.1.3. */
static void settle_auth(struct reading *r)
{
    struct auth_options *o = &r->config->server.auth;
    unsigned line = line_of(r->config, "auth", "oauth_keys");
    if (*o->oauth_keys && (!*o->oauth_issuer || !*o->oauth_audience))
        report(r, line, "oauth_keys needs oauth_issuer and oauth_audience");
    if (*o->oauth_claim == '\0')
        report(r, line_of(r->config, "auth", "oauth_claim"), "oauth_claim is empty");
    if (o->scram_iteration_count > 65536)
        report(r, line_of(r->config, "auth", "scram_iteration_count"),
               "scram_iteration_count: more than 65536 is refused by clients");
}

static void settle(struct reading *r)
{
    struct config *c = r->config;
    struct server_options *o = &c->server;
    settle_hostname(r);
    if (*o->store.dir == '\0')
        report(r, line_of(c, "", "data_directory"), "data_directory is empty");
    if (*o->tls_key && !*o->tls_certificate)
        report(r, line_of(c, "tls", "key"), "there is a key but no certificate");
    o->tls_certificate = *o->tls_certificate ? o->tls_certificate : NULL;
    o->tls_key = *o->tls_key ? o->tls_key : NULL;
    o->user = *o->user ? o->user : NULL;
    o->imap.message_bytes = o->route.message_bytes;
    settle_low_water(r);
    settle_auth(r);
    add_default_doors(c);
}

/* --- from outside --- */

struct config *config_new(void)
{
    struct config *c = mem_new(struct config);
    c->arena = arena_new();
    c->log_level = LOG_INFO;
    server_options_init(&c->server);
    c->lines = arena_zalloc(c->arena, config_keys_count * sizeof *c->lines);
    char why[CONFIG_KEYS_TEXT_BYTES];
    for (size_t i = 0; i < config_keys_count; i++)
        if (config_keys[i].type == CONFIG_KEYS_TEXT || config_keys[i].type == CONFIG_KEYS_FILE)
            (void)config_keys_set(c, &config_keys[i], config_keys[i].fallback,
                                  why); /* our own text */
    return c;
}

void config_free(struct config **c)
{
    if (!*c)
        return;
    arena_free(&(*c)->arena);
    mem_free(*c);
    *c = NULL;
}

static int by_line(const void *a, const void *b)
{
    const struct report *x = a, *y = b;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void read_all(struct reading *r)
{
    struct grammar g = make_grammar(r->config->arena);
    config_text_strip(r->text, report_braces, r);
    while (!parse_once(r, &g) && r->report_n < REPORT_COUNT)
        ;
    apply_values(r);
    settle(r);
}

struct config *config_load(const char *path, FILE *errors)
{
    struct reading *r = mem_new(struct reading);
    struct config *c = r->config = config_new();
    r->text = config_text_read(c->arena, path);
    if (r->text)
        read_all(r);
    else
        report(r, 0, "cannot read it: %s", strerror(errno));
    qsort(r->reports, r->report_n, sizeof *r->reports, by_line);
    for (size_t i = 0; i < r->report_n; i++)
        fprintf(errors, "%s:%u: %s\n", path, r->reports[i].line, r->reports[i].text);
    if (r->report_n > 0)
        config_free(&c);
    mem_free(r);
    return c;
}

/* The file is right without it: another machine may have the user. */
static void warn_of_user(const struct config *c, const char *path, FILE *errors)
{
    unsigned line = line_of(c, "", "user");
    if (geteuid() == 0 && c->server.user && !getpwnam(c->server.user))
        fprintf(
            errors,
            "%s:%u: warning: there is no user \"%s\" on this machine yet: useradd --system %s\n",
            path, line ? line : 1, c->server.user, c->server.user);
}

static bool check_auth(const struct config *c, const char *path, FILE *errors)
{
    struct fault f = FAULT_NONE;
    enum err e = auth_files_check(&c->server.auth, &f);
    if (e != ERR_OK)
        fprintf(errors, "%s:%u: %s\n", path, line_of(c, "auth", "oauth_keys"), f.text);
    return e == ERR_OK;
}

bool config_check(const struct config *c, const char *path, FILE *errors)
{
    bool good = check_auth(c, path, errors);
    warn_of_user(c, path, errors);
    if (c->server.tls_certificate) {
        const char *key = c->server.tls_key ? c->server.tls_key : c->server.tls_certificate;
        struct fault f = FAULT_NONE;
        struct tls *tls = NULL;
        if (tls_open(c->server.tls_certificate, key, &tls, &f) != ERR_OK) {
            fprintf(errors, "%s:%u: %s\n", path, line_of(c, "tls", "certificate"), f.text);
            good = false;
        } else if (*c->server.tls_clients &&
                   tls_clients(tls, c->server.tls_clients, &f) != ERR_OK) {
            fprintf(errors, "%s:%u: %s\n", path, line_of(c, "auth", "client_ca"), f.text);
            good = false;
        }
        tls_close(&tls);
    }
    return good;
}
