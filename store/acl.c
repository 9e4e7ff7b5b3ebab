#include "store/acl.h"
#include "common/le.h"
#include "store/changes.h"
#include "store/flags.h"
#include "store/table.h"

#include <inttypes.h>

void acl_rows(uint64_t mailbox, const struct acl_entry *entry, struct acl_rows *out)
{
    char sign = entry->negative ? '-' : '+';
    out->by_mailbox[0] = 'm';
    be_put(out->by_mailbox + 1, mailbox, 8);
    out->by_mailbox[9] = sign;
    be_put(out->by_mailbox + 10, entry->account, 8);
    out->by_account[0] = 'w';
    be_put(out->by_account + 1, entry->account, 8);
    be_put(out->by_account + 9, mailbox, 8);
    out->by_account[17] = sign;
    le_put(out->rights, entry->rights, 2);
}

static struct span by_mailbox(const struct acl_rows *rows)
{
    return span_of(rows->by_mailbox, ACL_KEY_BYTES);
}

static struct span by_account(const struct acl_rows *rows)
{
    return span_of(rows->by_account, ACL_KEY_BYTES);
}

/* What the keys of that kind and id begin with. */
static struct span all_of(char prefix[9], char kind, uint64_t id)
{
    prefix[0] = kind;
    be_put(prefix + 1, id, 8);
    return span_of(prefix, 9);
}

static bool has_prefix(struct span key, struct span prefix)
{
    return span_eq(span_to(key, prefix.n), prefix);
}

bool acl_row_of(struct span key, struct span value, struct acl_row *out)
{
    if (key.n != ACL_KEY_BYTES || (key.p[0] != 'm' && key.p[0] != 'w'))
        return false;
    *out = (struct acl_row){.by_account = key.p[0] == 'w'};
    char sign = key.p[out->by_account ? 17 : 9];
    out->mailbox = be_get(key.p + (out->by_account ? 9 : 1), 8);
    out->entry.account = be_get(key.p + (out->by_account ? 1 : 10), 8);
    out->entry.negative = sign == '-';
    if ((sign != '-' && sign != '+') || value.n != (out->by_account ? 0 : 2))
        return false;
    if (!out->by_account)
        out->entry.rights = (unsigned)le_get(value.p, 2);
    return out->by_account || (out->entry.rights > 0 && !(out->entry.rights & ~ACL_ALL));
}

static enum err damaged(uint64_t mailbox, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "rights of mailbox %" PRIu64 ": damaged row", mailbox);
}

/* The rights of that entry; absent where there is none. */
static enum err get(struct txn *t, uint64_t mailbox, const struct acl_entry *which, unsigned absent,
                    unsigned *out, struct fault *f)
{
    struct acl_rows rows;
    struct acl_row row;
    struct buf value;
    acl_rows(mailbox, which, &rows);
    struct span key = by_mailbox(&rows);
    *out = absent;
    buf_init(&value, 2);
    enum err e = table_get(t, TABLE_ACL, key, &value, f);
    if (e == ERR_NOTFOUND)
        e = ERR_OK;
    else if (e == ERR_LIMIT || (e == ERR_OK && !acl_row_of(key, buf_span(&value), &row)))
        e = damaged(mailbox, f);
    else if (e == ERR_OK)
        *out = row.entry.rights;
    buf_fini(&value);
    return e;
}

/* --- asking --- */

enum err acl_rights(struct txn *t, uint64_t account, const struct mailbox *box,
                    unsigned *rights_out, struct fault *f)
{
    bool own = box->account == account;
    unsigned given, taken, more = 0, less = 0;
    *rights_out = 0;
    enum err e =
        get(t, box->id, &(struct acl_entry){.account = account}, own ? ACL_ALL : 0, &given, f);
    if (e == ERR_OK)
        e = get(t, box->id, &(struct acl_entry){.account = account, .negative = true}, 0, &taken,
                f);
    if (e == ERR_OK && !own)
        e = get(t, box->id, &(struct acl_entry){.account = 0}, 0, &more, f);
    if (e == ERR_OK && !own)
        e = get(t, box->id, &(struct acl_entry){.account = 0, .negative = true}, 0, &less, f);
    if (e == ERR_OK)
        *rights_out = ((given | more) & ~(taken | less)) | (own ? ACL_OWNER : 0);
    return e;
}

enum err acl_authorize(struct txn *t, uint64_t account, const struct mailbox *box, unsigned rights,
                       struct fault *f)
{
    unsigned given = 0;
    enum err e = acl_rights(t, account, box, &given, f);
    if (e != ERR_OK)
        return e;
    if ((given & rights) == rights && (given & ACL_ANY))
        return ERR_OK;
    return given & ACL_LOOKUP
               ? fault_set(f, ERR_DENIED, "the rights to this mailbox do not allow that")
               : fault_set(f, ERR_NOTFOUND, "no such mailbox");
}

enum err acl_flags(struct txn *t, const struct mailbox *box, struct acl_flags *out, struct fault *f)
{
    const struct actor *by = txn_actor(t);
    unsigned given = ACL_ALL;
    enum err e =
        by->kind == ACTOR_IMAP && by->account ? acl_rights(t, by->account, box, &given, f) : ERR_OK;
    *out = (struct acl_flags){
        .system = (given & ACL_WRITE ? FLAGS_ANSWERED | FLAGS_FLAGGED | FLAGS_DRAFT : 0) |
                  (given & ACL_SEEN ? FLAGS_SEEN : 0) | (given & ACL_DELETE ? FLAGS_DELETED : 0),
        .keywords = given & ACL_WRITE};
    return e;
}

/* --- the entries --- */

static enum err put(struct txn *t, uint64_t mailbox, const struct acl_entry *entry, struct fault *f)
{
    struct acl_rows rows;
    acl_rows(mailbox, entry, &rows);
    enum err e = table_put(t, TABLE_ACL, by_mailbox(&rows), span_of(rows.rights, 2), f);
    return e == ERR_OK ? table_put(t, TABLE_ACL, by_account(&rows), SPAN(""), f) : e;
}

static enum err take(struct txn *t, uint64_t mailbox, const struct acl_entry *entry,
                     struct fault *f)
{
    struct acl_rows rows;
    acl_rows(mailbox, entry, &rows);
    enum err e = table_drop(t, TABLE_ACL, by_mailbox(&rows), f);
    if (e == ERR_OK || e == ERR_NOTFOUND)
        e = table_drop(t, TABLE_ACL, by_account(&rows), f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

typedef enum err row_fn(void *arg, struct txn *t, const struct acl_row *row, struct fault *f);

/* fn for each row of that kind, until it fails; fn may write. */
static enum err each_row(struct txn *t, char kind, uint64_t id, row_fn *fn, void *arg,
                         struct fault *f)
{
    char prefix[9];
    struct acl_row row;
    struct table_walk w;
    struct span key, value, mine = all_of(prefix, kind, id);
    enum err e = ERR_OK;
    table_walk(&w, t, TABLE_ACL, mine, true);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && has_prefix(key, mine))
        e = acl_row_of(key, value, &row) ? fn(arg, t, &row, f) : damaged(id, f);
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

static enum err count_row(void *arg, struct txn *t, const struct acl_row *row, struct fault *f)
{
    (void)t;
    (void)row;
    if (++*(unsigned *)arg < ACL_ENTRY_COUNT)
        return ERR_OK;
    return fault_set(f, ERR_LIMIT, "more than %d entries of one mailbox", ACL_ENTRY_COUNT);
}

static unsigned changed(unsigned was, enum acl_how how, unsigned rights)
{
    return how == ACL_ADD ? was | rights : how == ACL_REMOVE ? was & ~rights : rights;
}

enum err acl_change(struct txn *t, const struct mailbox *box, const struct acl_entry *entry,
                    enum acl_how how, struct fault *f)
{
    struct acl_entry now = *entry;
    bool owner = entry->account == box->account && !entry->negative;
    unsigned was, absent = owner ? ACL_ALL : 0, entries = 0;
    enum err e = get(t, box->id, entry, absent, &was, f);
    if (e != ERR_OK)
        return e;
    now.rights = changed(was, how, entry->rights & ACL_ALL) | (owner ? ACL_OWNER : 0);
    if (now.rights == was)
        return ERR_OK;
    if (was == absent)
        e = each_row(t, 'm', box->id, count_row, &entries, f);
    if (e == ERR_OK)
        e = now.rights == absent ? take(t, box->id, &now, f) : put(t, box->id, &now, f);
    if (e == ERR_OK)
        e = changes_record(t, box->account, box->id, CHANGE_BOX_RIGHTS, NULL, f);
    /* In the log of who gets or loses them as well: nobody watches all the others who might give something. */
    if (e == ERR_OK && entry->account && entry->account != box->account)
        e = changes_record(t, entry->account, box->id, CHANGE_BOX_RIGHTS, NULL, f);
    return e;
}

/* --- walking --- */

struct tell {
    uint64_t owner;
    bool (*entry)(void *arg, const struct acl_entry *entry);
    bool (*mailbox)(void *arg, uint64_t mailbox);
    void *arg;
    bool enough;
};

static enum err tell_entry(void *arg, struct txn *t, const struct acl_row *row, struct fault *f)
{
    struct tell *to = arg;
    (void)t;
    (void)f;
    bool told = row->entry.account == to->owner && !row->entry.negative;
    to->enough = to->enough || (!told && !to->entry(to->arg, &row->entry));
    return ERR_OK;
}

enum err acl_each(struct txn *t, const struct mailbox *box,
                  bool (*fn)(void *arg, const struct acl_entry *entry), void *arg, struct fault *f)
{
    struct acl_entry owner = {.account = box->account};
    enum err e = get(t, box->id, &owner, ACL_ALL, &owner.rights, f);
    if (e != ERR_OK || !fn(arg, &owner))
        return e;
    struct tell to = {.owner = box->account, .entry = fn, .arg = arg};
    return each_row(t, 'm', box->id, tell_entry, &to, f);
}

static enum err tell_given(void *arg, struct txn *t, const struct acl_row *row, struct fault *f)
{
    struct tell *to = arg;
    (void)t;
    (void)f;
    to->enough = to->enough || (!row->entry.negative && !to->mailbox(to->arg, row->mailbox));
    return ERR_OK;
}

enum err acl_each_given(struct txn *t, uint64_t account, bool (*fn)(void *arg, uint64_t mailbox),
                        void *arg, struct fault *f)
{
    struct tell to = {.mailbox = fn, .arg = arg};
    return each_row(t, 'w', account, tell_given, &to, f);
}

static enum err inherit_row(void *arg, struct txn *t, const struct acl_row *row, struct fault *f)
{
    return put(t, *(const uint64_t *)arg, &row->entry, f);
}

enum err acl_inherit(struct txn *t, uint64_t from, uint64_t to, struct fault *f)
{
    return each_row(t, 'm', from, inherit_row, &to, f);
}

static enum err drop_row(void *arg, struct txn *t, const struct acl_row *row, struct fault *f)
{
    (void)arg;
    return take(t, row->mailbox, &row->entry, f);
}

enum err acl_drop(struct txn *t, uint64_t mailbox, struct fault *f)
{
    return each_row(t, 'm', mailbox, drop_row, NULL, f);
}

/* The sessions that the account still has are to hear of it. */
static enum err forget_row(void *arg, struct txn *t, const struct acl_row *row, struct fault *f)
{
    struct mailbox box;
    enum err e = drop_row(arg, t, row, f);
    if (e == ERR_OK)
        e = mailbox_get(t, NULL, row->mailbox, &box, f);
    return e == ERR_OK ? changes_record(t, box.account, box.id, CHANGE_BOX_RIGHTS, NULL, f) : e;
}

enum err acl_forget(struct txn *t, uint64_t account, struct fault *f)
{
    return each_row(t, 'w', account, forget_row, NULL, f);
}

/* --- letters --- */

static const char letters[] = "lrswipkxtea";

const char *acl_letters(unsigned rights, char out[ACL_TEXT_BYTES])
{
    char *to = out;
    for (unsigned i = 0; letters[i]; i++) {
        if (rights >> i & 1)
            *to++ = letters[i];
    }
    *to = '\0';
    return out;
}

const char *acl_text(unsigned rights, char out[ACL_TEXT_BYTES])
{
    char *to = out + strlen(acl_letters(rights, out));
    if (rights & (ACL_CREATE | ACL_DELETE_MAILBOX))
        *to++ = 'c';
    if (rights & (ACL_DELETE | ACL_EXPUNGE))
        *to++ = 'd';
    *to = '\0';
    return out;
}

bool acl_parse(struct span text, unsigned *rights_out)
{
    *rights_out = 0;
    for (size_t i = 0; i < text.n; i++) {
        size_t bit = span_find(span_cstr(letters), text.p[i]);
        if (text.p[i] == 'c')
            *rights_out |= ACL_CREATE | ACL_DELETE_MAILBOX;
        else if (text.p[i] == 'd')
            *rights_out |= ACL_DELETE | ACL_EXPUNGE;
        else if (bit < sizeof letters - 1)
            *rights_out |= 1u << bit;
        else
            return false;
    }
    return true;
}
