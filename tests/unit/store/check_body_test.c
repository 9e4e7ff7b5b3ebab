#include "store/check.h"

#include "tests/unit/store/unit_damage.h"

/* The body of message 1. */
static uint64_t first_body(struct txn *t)
{
    struct arena *a = arena_new();
    struct msg m;
    unit_ok(msg_get(t, a, unit_inbox, 1, &m, f));
    arena_free(&a);
    return m.blob;
}

#define BODY(name, statement)                                                                      \
    static void name(struct txn *t)                                                                \
    {                                                                                              \
        struct schema_key k;                                                                       \
        uint64_t id = first_body(t);                                                               \
        unit_ok(statement);                                                                        \
    }
BODY(drop_body, table_drop(t, TABLE_BODY, schema_id_key(&k, id), f))
BODY(drop_chunk, table_drop(t, TABLE_CHUNK, schema_chunk_key(&k, id, 0), f))
BODY(drop_outline, table_drop(t, TABLE_OUTLINE, schema_id_key(&k, id), f))
BODY(drop_digest, table_drop(t, TABLE_DIGEST, schema_id_key(&k, id), f))
BODY(bad_digest, table_put(t, TABLE_DIGEST, schema_id_key(&k, id), SPAN("nonsense"), f))
BODY(short_chunk, table_put(t, TABLE_CHUNK, schema_chunk_key(&k, id, 0), SPAN("\0short"), f))
BODY(strange_chunk, table_put(t, TABLE_CHUNK, schema_chunk_key(&k, id, 0), SPAN("\7strange"), f))
BODY(bad_zstd,
     table_put(t, TABLE_CHUNK, schema_chunk_key(&k, id, 0), SPAN("\1\31\0\0\0nonsense"), f))
BODY(empty_chunk, table_put(t, TABLE_CHUNK, schema_chunk_key(&k, id, 0), SPAN(""), f))
BODY(late_chunk, table_put(t, TABLE_CHUNK, schema_chunk_key(&k, id, 2), SPAN("\0x"), f))
BODY(bad_outline, table_put(t, TABLE_OUTLINE, schema_id_key(&k, id), SPAN("nonsense"), f))
BODY(short_row, table_put(t, TABLE_BODY, schema_id_key(&k, id), SPAN("nonsense"), f))

static void keep(struct txn *t)
{
    unit_ok(blob_keep(t, first_body(t), 1, f));
}

static void beyond(struct txn *t)
{
    struct schema_key k;
    unit_ok(table_put(t, TABLE_BODY, schema_id_key(&k, UINT64_C(1) << 40), SPAN("0123456789abcdef"),
                      f));
}

static void other_outline(struct txn *t)
{
    struct schema_key k;
    struct buf record;
    buf_init(&record, 1 << 20);
    uint64_t id = first_body(t), other = unit_body(t, "Subject: x\r\n\r\n", 1);
    unit_ok(blob_outline(t, other, &record, f));
    unit_ok(table_put(t, TABLE_OUTLINE, schema_id_key(&k, id), buf_span(&record), f));
    buf_fini(&record);
}

/* clang-format off */
#define NO_ROW TABLE_META, {"", 0}, {"", 0}
#define STRANGER "\0\0\0\0\0\0\x33\0"
static const struct unit_damage damages[] = {
    {keep, NO_ROW, "I7", "2 references counted, 1 found"},
    {NULL, TABLE_MSG, {"\0\0\0\0\0\0\0\2\0\0\0\1", 12}, {NULL, 0}, "I7", "1 references counted, 0 found"},
    {drop_body, NO_ROW, "I7", "message 1 of mailbox 2: no body"},
    {drop_body, NO_ROW, "I10", "outline"},
    {drop_body, NO_ROW, "I10", "chunk 0 of body"},
    {drop_chunk, NO_ROW, "I8", "25 bytes in 1 chunks, found 0 in 0"},
    {short_chunk, NO_ROW, "I8", "25 bytes in 1 chunks, found 5 in 1"},
    {strange_chunk, NO_ROW, "I8", "chunk 0 of body"},
    {bad_zstd, NO_ROW, "I8", "chunk 0 of body"},
    {empty_chunk, NO_ROW, "I8", "chunk 0 of body"},
    {late_chunk, NO_ROW, "I8", "chunk 1 is missing"},
    {drop_outline, NO_ROW, "I9", "no outline"},
    {drop_digest, NO_ROW, "I9", "no digest"},
    {bad_digest, NO_ROW, "I9", "its digest is damaged"},
    {NULL, TABLE_DIGEST, {STRANGER, 8}, {"x", 1}, "I10", "digest 13056"},
    {NULL, TABLE_DIGEST, {"x", 1}, {"x", 1}, "I1", "digest: damaged"},
    {bad_outline, NO_ROW, "I9", "its outline is damaged"},
    {other_outline, NO_ROW, "I9", "25 bytes, its outline is of 14"},
    {short_row, NO_ROW, "I1", "body: damaged"},
    {beyond, NO_ROW, "I12", "body 1099511627776"},
    {NULL, TABLE_CHUNK, {STRANGER "\0\0\0\0", 12}, {"\0x", 2}, "I10", "chunk 0 of body 13056: no such body"},
    {NULL, TABLE_OUTLINE, {STRANGER, 8}, {"x", 1}, "I10", "outline 13056"},
    {NULL, TABLE_OUTLINE, {"x", 1}, {"x", 1}, "I1", "outline: damaged"},
    {NULL, TABLE_CHUNK, {"x", 1}, {"x", 1}, "I1", "chunk: damaged"},
    {NULL, TABLE_PENDING, {"x", 1}, {"", 0}, "I1", "pending body: damaged"},
};
/* clang-format on */

static void check_finds_damage_of_bodies(void **state)
{
    (void)state;
    unit_damages(damages, UNIT_COUNT(damages));
}

/* What is on its way is no damage. */
static void pending_run(struct txn *t)
{
    struct schema_key k;
    unit_ok(table_put(t, TABLE_PENDING, schema_id_key(&k, 5000), SPAN(""), f));
    unit_ok(table_put(t, TABLE_CHUNK, schema_chunk_key(&k, 5000, 0), SPAN("\0x"), f));
}

static void check_allows_pending(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, pending_run);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_finds_damage_of_bodies),
        unit_test_dir(check_allows_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
