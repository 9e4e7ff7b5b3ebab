#include "store/credential.h"

#include "common/le.h"
#include "common/must.h"
#include "common/utf8.h"
#include "store/table.h"

#define SCRAM_BYTES (1 + CREDENTIAL_SALT_BYTES + 4 * CREDENTIAL_HASHES)
#define APP_BYTES (CREDENTIAL_DIGEST_BYTES + CREDENTIAL_KEYS_BYTES + 3 * 8 + 1 + 2)
#define SECRET SPAN("auth_secret")

/* --- rows --- */

static struct span prefix_of(char bytes[8], uint64_t account)
{
    be_put(bytes, account, 8);
    return span_of(bytes, 8);
}

static void scram_value(const struct credential_scram *s, struct buf *out)
{
    char row[SCRAM_BYTES];
    row[0] = s->own ? 1 : 0;
    memcpy(row + 1, s->salt, CREDENTIAL_SALT_BYTES);
    for (size_t i = 0; i < CREDENTIAL_HASHES; i++)
        le_put(row + 1 + CREDENTIAL_SALT_BYTES + 4 * i, s->iterations[i], 4);
    (void)buf_add(out, span_of(row, sizeof row));
    if (s->own)
        (void)buf_add(out, span_of(s->keys.bytes, CREDENTIAL_KEYS_BYTES));
}

static void app_value(const struct credential_app *app, struct buf *out)
{
    char row[APP_BYTES], *at = row;
    must(app->from.n <= CREDENTIAL_FROM_BYTES);
    memcpy(at, app->digest, CREDENTIAL_DIGEST_BYTES);
    memcpy(at += CREDENTIAL_DIGEST_BYTES, app->keys.bytes, CREDENTIAL_KEYS_BYTES);
    le_put(at += CREDENTIAL_KEYS_BYTES, (uint64_t)app->created, 8);
    le_put(at += 8, (uint64_t)app->expires, 8);
    le_put(at += 8, (uint64_t)app->used, 8);
    le_put(at += 8, app->protocols, 1);
    le_put(at + 1, app->from.n, 2);
    (void)buf_add(out, span_of(row, sizeof row));
    (void)buf_add(out, app->from);
    (void)buf_add(out, app->used_from);
}

void credential_row(uint64_t account, const struct credential_scram *scram,
                    const struct credential_app *app, struct buf *key, struct buf *value)
{
    char prefix[8];
    buf_reset(key);
    buf_reset(value);
    (void)buf_add(key, prefix_of(prefix, account));
    (void)buf_byte(key, app ? 'a' : 's');
    if (app) {
        (void)buf_add(key, app->name);
        app_value(app, value);
    } else if (scram) {
        scram_value(scram, value);
    }
}

static bool scram_of(struct span v, struct credential_scram *out)
{
    *out = (struct credential_scram){.own = v.n > 0 && v.p[0] == 1};
    if (v.n != SCRAM_BYTES + (out->own ? CREDENTIAL_KEYS_BYTES : 0) || (!out->own && v.p[0] != 0))
        return false;
    memcpy(out->salt, v.p + 1, CREDENTIAL_SALT_BYTES);
    for (size_t i = 0; i < CREDENTIAL_HASHES; i++)
        out->iterations[i] = le_get32(v.p + 1 + CREDENTIAL_SALT_BYTES + 4 * i);
    if (out->own)
        memcpy(out->keys.bytes, v.p + SCRAM_BYTES, CREDENTIAL_KEYS_BYTES);
    return out->iterations[0] && out->iterations[1] && out->iterations[2];
}

static bool app_of(struct span v, struct credential_app *out)
{
    const char *at = v.p;
    if (v.n < APP_BYTES)
        return false;
    memcpy(out->digest, at, CREDENTIAL_DIGEST_BYTES);
    memcpy(out->keys.bytes, at += CREDENTIAL_DIGEST_BYTES, CREDENTIAL_KEYS_BYTES);
    out->created = (int64_t)le_get(at += CREDENTIAL_KEYS_BYTES, 8);
    out->expires = (int64_t)le_get(at += 8, 8);
    out->used = (int64_t)le_get(at += 8, 8);
    out->protocols = (unsigned)le_get(at += 8, 1);
    size_t from = (size_t)le_get(at + 1, 2);
    struct span rest = span_from(v, APP_BYTES);
    if (from > rest.n || from > CREDENTIAL_FROM_BYTES)
        return false;
    out->from = span_to(rest, from);
    out->used_from = span_from(rest, from);
    return true;
}

static bool name_fits(struct span name)
{
    return name.n > 0 && name.n <= CREDENTIAL_NAME_BYTES && utf8_valid(name) &&
           span_find(name, '\0') == name.n && span_find(name, '\n') == name.n &&
           span_find(name, '\t') == name.n;
}

bool credential_row_of(struct span key, struct span value, uint64_t *account,
                       struct credential_scram *scram_out, struct credential_app *app_out)
{
    *app_out = (struct credential_app){.name = SPAN("")};
    if (key.n < 9)
        return false;
    *account = be_get(key.p, 8);
    if (key.p[8] == 's')
        return key.n == 9 && scram_of(value, scram_out);
    app_out->name = span_from(key, 9);
    return key.p[8] == 'a' && name_fits(app_out->name) && app_of(value, app_out);
}

/* --- reading --- */

/* The rows are few, and read in one go. */
enum err credential_read(struct txn *t, struct arena *a, uint64_t account, struct credentials *out,
                         struct fault *f)
{
    char bytes[8];
    struct span key, value, prefix = prefix_of(bytes, account);
    struct table_walk w;
    struct buf apps;
    bool good = true;
    *out = (struct credentials){.apps = NULL};
    buf_init(&apps, (size_t)1 << 20);
    table_walk(&w, t, TABLE_PASSWORD, prefix, true);
    while (good && table_walk_next(&w, &key, &value) && key.n > 8 &&
           span_eq(span_to(key, 8), prefix)) {
        struct credential_app app;
        uint64_t id;
        good = credential_row_of(arena_keep(a, key), arena_keep(a, value), &id, &out->scram, &app);
        if (good && app.name.n > 0)
            good = buf_add(&apps, span_of(&app, sizeof app));
        else if (good)
            out->scram_there = true;
    }
    enum err e = table_walk_end(&w, f);
    if (e == ERR_OK && !good)
        e = fault_set(f, ERR_CORRUPT, "credentials: damaged row: see mailstead check");
    out->app_count = apps.n / sizeof *out->apps;
    out->apps = arena_alloc(a, apps.n);
    if (apps.n)
        memcpy(out->apps, apps.p, apps.n);
    buf_fini(&apps);
    return e;
}

/* --- writing --- */

static enum err put(struct txn *t, uint64_t account, const struct credential_scram *scram,
                    const struct credential_app *app, bool anew, struct fault *f)
{
    struct buf key, value;
    buf_init(&key, SIZE_MAX);
    buf_init(&value, SIZE_MAX);
    credential_row(account, scram, app, &key, &value);
    enum err e = anew ? table_add(t, TABLE_PASSWORD, buf_span(&key), buf_span(&value), f)
                      : table_put(t, TABLE_PASSWORD, buf_span(&key), buf_span(&value), f);
    explicit_bzero(value.p, value.n);
    buf_fini(&key);
    buf_fini(&value);
    return e;
}

enum err credential_scram_put(struct txn *t, uint64_t account, const struct credential_scram *scram,
                              struct fault *f)
{
    return put(t, account, scram, NULL, false, f);
}

enum err credential_app_add(struct txn *t, uint64_t account, const struct credential_app *app,
                            struct fault *f)
{
    struct credentials now;
    struct arena *a = arena_new();
    enum err e = credential_read(t, a, account, &now, f);
    if (e == ERR_OK && !name_fits(app->name))
        e = fault_set(f, ERR_INVALID, "the name of an app password has 1 to %d bytes of UTF-8",
                      CREDENTIAL_NAME_BYTES);
    if (e == ERR_OK && now.app_count >= CREDENTIAL_APP_COUNT)
        e = fault_set(f, ERR_LIMIT, "an account has %d app passwords at most",
                      CREDENTIAL_APP_COUNT);
    if (e == ERR_OK)
        e = put(t, account, NULL, app, true, f);
    if (e == ERR_EXISTS)
        e = fault_set(f, e, "there is an app password of that name already");
    arena_free(&a);
    return e;
}

static enum err app_find(struct txn *t, struct arena *a, uint64_t account, struct span name,
                         struct credential_app *out, struct fault *f)
{
    struct credentials all;
    enum err e = credential_read(t, a, account, &all, f);
    for (size_t i = 0; e == ERR_OK && i < all.app_count; i++) {
        if (span_eq(all.apps[i].name, name)) {
            *out = all.apps[i];
            return ERR_OK;
        }
    }
    return e == ERR_OK ? fault_set(f, ERR_NOTFOUND, "there is no app password of that name") : e;
}

static enum err drop(struct txn *t, uint64_t account, char kind, struct span name, struct fault *f)
{
    char key[9 + CREDENTIAL_NAME_BYTES];
    (void)prefix_of(key, account);
    key[8] = kind;
    if (name.n)
        memcpy(key + 9, name.p, name.n);
    return table_drop(t, TABLE_PASSWORD, span_of(key, 9 + name.n), f);
}

enum err credential_app_remove(struct txn *t, uint64_t account, struct span name, struct fault *f)
{
    struct credential_app app;
    struct arena *a = arena_new();
    enum err e = app_find(t, a, account, name, &app, f);
    if (e == ERR_OK)
        e = drop(t, account, 'a', name, f);
    arena_free(&a);
    return e;
}

enum err credential_app_used(struct txn *t, uint64_t account, const struct credential_app *app,
                             int64_t when, struct span from, struct fault *f)
{
    struct credential_app now;
    struct arena *a = arena_new();
    enum err e = app_find(t, a, account, app->name, &now, NULL);
    if (e == ERR_OK && now.created == app->created && now.used < when) {
        now.used = when;
        now.used_from = from;
        e = put(t, account, NULL, &now, false, f);
    }
    arena_free(&a);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err credential_forget(struct txn *t, uint64_t account, struct fault *f)
{
    struct credentials now;
    struct arena *a = arena_new();
    enum err e = credential_read(t, a, account, &now, f);
    if (e == ERR_OK && now.scram_there && now.app_count > 0) {
        now.scram.own = false;
        e = credential_scram_put(t, account, &now.scram, f);
    } else if (e == ERR_OK && now.scram_there) {
        e = drop(t, account, 's', SPAN(""), f);
    }
    arena_free(&a);
    return e;
}

enum err credential_purge(struct txn *t, uint64_t account, struct fault *f)
{
    char bytes[8];
    struct span key, value, prefix = prefix_of(bytes, account);
    struct table_walk w;
    enum err e = ERR_OK;
    table_walk(&w, t, TABLE_PASSWORD, prefix, true);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && key.n > 8 &&
           span_eq(span_to(key, 8), prefix))
        e = table_drop(t, TABLE_PASSWORD, key, f);
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

/* --- the secret --- */

enum err credential_secret(struct txn *t, uint64_t *out, struct fault *f)
{
    return table_get_u64(t, TABLE_META, SECRET, out, f);
}

enum err credential_secret_put(struct txn *t, uint64_t secret, struct fault *f)
{
    return table_put_u64(t, TABLE_META, SECRET, secret, f);
}
