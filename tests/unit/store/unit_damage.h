#pragma once /* tests/unit/store/unit_damage.h: breaks one invariant after the other and asks the check */
#include "tests/unit/store/unit_mail.h"

struct unit_damage {
    void (*harm)(struct txn *t); /* NULL: put (or drop, where value.p is NULL) this row: */
    enum table table;
    struct span key, value;
    const char *number, *text; /* what the check says */
};

static const struct unit_damage *unit_damage_now;

/* Ids are given in order: the account is 1, its mailboxes 2 (INBOX) to 7, the one of "a/b" 9. */
static inline void unit_damage_fill(struct txn *t)
{
    uint64_t id;
    struct span keywords[] = {SPAN("$a"), SPAN("b")}, target = SPAN("ann@example.org");
    struct uidset second = {0};
    unit_ok(directory_domain_add(t, SPAN("example.org"), f));
    unit_ok(directory_alias_put(t, SPAN("@example.org"), &target, 1, f));
    unit_ok(mailbox_create(t, unit_account, SPAN("a/b"), 0, &id, f));
    (void)unit_append(t, unit_inbox, 0);
    (void)unit_append_with(t, unit_inbox, FLAGS_SEEN | FLAGS_DELETED, keywords, 2);
    (void)unit_append_with(t, unit_inbox, 0, keywords, 1);
    (void)unit_append(t, id, FLAGS_SEEN | FLAGS_DELETED);
    uidset_add(&second, 2, 2);
    unit_ok(msg_expunge(t, unit_inbox, &second, false, NULL, f));
    uidset_fini(&second);
    assert_int_equal(unit_account, 1);
    assert_int_equal(unit_inbox, 2);
    assert_int_equal(id, 9);
}

static inline void unit_damage_run(struct txn *t)
{
    const struct unit_damage *d = unit_damage_now;
    if (d->harm)
        d->harm(t);
    else if (d->value.p)
        unit_ok(table_put(t, d->table, d->key, d->value, f));
    else
        unit_ok(table_drop(t, d->table, d->key, f));
}

/* Each in a store of its own. */
static inline void unit_damages(const struct unit_damage *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(unit_dir_make(NULL), 0);
        struct store *st = unit_mail_open();
        unit_run(st, unit_damage_fill);
        unit_check_clean(st);
        unit_damage_now = &list[i];
        unit_run(st, unit_damage_run);
        unit_check_finds(st, list[i].number, list[i].text);
        store_close(&st);
        assert_int_equal(unit_dir_remove(NULL), 0);
    }
}

/* Puts the row of a mailbox with something changed. */
static inline void unit_damage_box(struct txn *t, uint64_t id, void (*change)(struct mailbox *box))
{
    struct mailbox_row row;
    unit_ok(mailbox_row_get(t, id, &row, f));
    change(&row.box);
    unit_ok(mailbox_row_put(t, &row, false, f));
    mailbox_row_end(&row);
}

static inline void unit_damage_msg(struct txn *t, uint32_t uid, void (*change)(struct msg *m))
{
    struct arena *a = arena_new();
    struct schema_msg row;
    struct schema_key k;
    struct msg m;
    unit_ok(msg_get(t, a, unit_inbox, uid, &m, f));
    change(&m);
    unit_ok(
        table_put(t, TABLE_MSG, schema_msg_key(&k, unit_inbox, m.uid), schema_msg(&row, &m), f));
    arena_free(&a);
}

#define UNIT_ID(text) SPAN("\0\0\0\0\0\0\0" text)
