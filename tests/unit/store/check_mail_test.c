#include "store/check.h"

#include "store/bin.h"
#include "tests/unit/store/unit_damage.h"

static void set_uidnext(struct mailbox *b)
{
    b->uidnext = 3;
}
static void set_recent(struct mailbox *b)
{
    b->recent_from = 99;
}
static void set_messages(struct mailbox *b)
{
    b->messages++;
}
static void set_unseen(struct mailbox *b)
{
    b->unseen--;
}
static void set_deleted(struct mailbox *b)
{
    b->deleted = 1;
}
static void set_bytes(struct mailbox *b)
{
    b->bytes--;
}
static void set_highest_low(struct mailbox *b)
{
    b->highestmodseq = 1;
}
static void set_highest_high(struct mailbox *b)
{
    b->highestmodseq = 1000;
}
static void set_account(struct mailbox *b)
{
    b->account = 66;
}
static void set_uidvalidity_high(struct mailbox *b)
{
    b->uidvalidity = UINT32_MAX;
}
static void set_uidvalidity_same(struct mailbox *b)
{
    b->uidvalidity--; /* that of the mailbox made before */
}
static void set_keywords(struct mailbox *b)
{
    b->keyword_count = 3;
}

#define BOX(name, change)                                                                          \
    static void name(struct txn *t)                                                                \
    {                                                                                              \
        unit_damage_box(t, unit_inbox, change);                                                    \
    }
BOX(uidnext, set_uidnext)
BOX(recent, set_recent)
BOX(messages, set_messages)
BOX(unseen, set_unseen)
BOX(deleted, set_deleted)
BOX(bytes, set_bytes)
BOX(highest_low, set_highest_low)
BOX(highest_high, set_highest_high)
BOX(account, set_account)
BOX(uidvalidity_high, set_uidvalidity_high)
BOX(keyword_count, set_keywords)

static void uidvalidity_same(struct txn *t)
{
    unit_damage_box(t, 3, set_uidvalidity_same);
}

static void set_msg_keyword(struct msg *m)
{
    m->keywords = SPAN("\4");
}
static void set_msg_zero(struct msg *m)
{
    m->keywords = SPAN("\1\0");
}
static void set_msg_modseq(struct msg *m)
{
    m->modseq = 0;
}
static void set_msg_body(struct msg *m)
{
    m->blob = 77;
}
static void set_msg_uid(struct msg *m)
{
    m->uid = 4;
}

#define MSG(name, change)                                                                          \
    static void name(struct txn *t)                                                                \
    {                                                                                              \
        unit_damage_msg(t, 3, change);                                                             \
    }
MSG(msg_keyword, set_msg_keyword)
MSG(msg_zero, set_msg_zero)
MSG(msg_modseq, set_msg_modseq)
MSG(msg_body, set_msg_body)
MSG(msg_uid, set_msg_uid)

static void bin_of_nobody(struct txn *t)
{
    struct bin_item item = {
        .account = 55, .mailbox = 2, .name = SPAN("x"), .msg = {.uid = 9, .blob = 1}};
    unit_ok(bin_add(t, &item, f));
}

static void id_beyond(struct txn *t)
{
    txn_set_counters(t, 1000, 8, UINT32_MAX - 1);
    unit_damage_box(t, unit_inbox, set_messages);
}

/* clang-format off */
#define NO_ROW TABLE_META, {"", 0}, {"", 0}
#define INBOX "\0\0\0\0\0\0\0\2"
static const struct unit_damage damages[] = {
    {NULL, TABLE_MAILBOX, {INBOX, 8}, {"short", 5}, "I1", "mailbox: damaged"},
    {uidnext, NO_ROW, "I2", "message 3 of mailbox 2: UIDNEXT is 3"},
    {msg_uid, NO_ROW, "I2", "message 4 of mailbox 2: UIDNEXT is 4"},
    {recent, NO_ROW, "I2", "mailbox 2: recent from UID 99"},
    {messages, NO_ROW, "I3", "mailbox 2: 3 messages counted, 2 found"},
    {unseen, NO_ROW, "I3", "mailbox 2: 1 unseen counted, 2 found"},
    {deleted, NO_ROW, "I3", "mailbox 2: 1 deleted counted, 0 found"},
    {bytes, NO_ROW, "I3", "mailbox 2: 49 bytes counted, 50 found"},
    {NULL, TABLE_MSG, {INBOX "\0\0\0\3", 12}, {NULL, 0}, "I3", "mailbox 2: 2 messages counted, 1 found"},
    {highest_low, NO_ROW, "I4", "HIGHESTMODSEQ is 1"},
    {highest_high, NO_ROW, "I4", "mailbox 2: HIGHESTMODSEQ 1000"},
    {msg_modseq, NO_ROW, "I4", "message 3 of mailbox 2: MODSEQ 0"},
    {account, NO_ROW, "I6", "mailbox 2: no account 66"},
    {account, NO_ROW, "I5", "name \"INBOX\" of account 1"},
    {NULL, TABLE_NAME, {"\0\0\0\0\0\0\0\1Sent", 12}, {NULL, 0}, "I5", "0 names lead to it"},
    {NULL, TABLE_MAILBOX, {"\0\0\0\0\0\0\0\4", 8}, {NULL, 0}, "I5", "mailbox 4 is not its own"},
    {NULL, TABLE_MSG, {"short", 5}, {"", 0}, "I1", "message: damaged"},
    {NULL, TABLE_MSG, {INBOX "\0\0\0\3", 12}, {"short", 5}, "I1", "message: damaged"},
    {msg_zero, NO_ROW, "I1", "message 3 of mailbox 2: a zero byte"},
    {NULL, TABLE_MAILBOX, {INBOX, 8}, {NULL, 0}, "I6", "message 1: no mailbox 2"},
    {NULL, TABLE_MAILBOX, {INBOX, 8}, {NULL, 0}, "I6", "keyword $a: no mailbox 2"},
    {NULL, TABLE_BIN, {"short", 5}, {"", 0}, "I1", "bin: damaged"},
    {bin_of_nobody, NO_ROW, "I6", "bin: message 9 of mailbox 2: no account 55"},
    {NULL, TABLE_THREAD, {"short", 5}, {"12345678", 8}, "I1", "thread: damaged"},
    {NULL, TABLE_THREAD, {"\0\0\0\0\0\0\0\1" "abcdefgh", 16}, {"\0\0\0\0\0\0\0\0", 8}, "I1", "thread: damaged"},
    {NULL, TABLE_THREAD, {"\0\0\0\0\0\0\0\67" "abcdefgh", 16}, {"\5\0\0\0\0\0\0\0", 8}, "I6", "thread 5: no account 55"},
    {msg_body, NO_ROW, "I7", "message 3 of mailbox 2: no body 77"},
    {msg_keyword, NO_ROW, "I11", "message 3 of mailbox 2"},
    {keyword_count, NO_ROW, "I11", "mailbox 2: 3 keywords counted, 2 found"},
    {NULL, TABLE_KEYWORD, {INBOX "\0\0", 10}, {NULL, 0}, "I11", "mailbox 2: keyword 1 where 0 is next"},
    {NULL, TABLE_KEYWORD, {INBOX "\0\1", 10}, {"$A", 2}, "I11", "mailbox 2: keyword $A twice"},
    {NULL, TABLE_KEYWORD, {INBOX "\0\1", 10}, {"", 0}, "I1", "keyword: damaged"},
    {uidvalidity_high, NO_ROW, "I12", "mailbox 2: UIDVALIDITY 4294967295"},
    {uidvalidity_same, NO_ROW, "I12", "of more than one mailbox"},
    {id_beyond, NO_ROW, "I12", "mailbox 9: the last id given is 8"},
};
/* clang-format on */

static void check_finds_damage_of_mail(void **state)
{
    (void)state;
    unit_damages(damages, UNIT_COUNT(damages));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(check_finds_damage_of_mail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
