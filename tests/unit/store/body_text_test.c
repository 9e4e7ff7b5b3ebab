#include "store/body_text.h"

#include "message/fold.h"
#include "tests/unit/store/unit_mail.h"

static uint64_t body;
static struct span body_bytes;
static struct blob_writer *writer;

static void put_body(struct txn *t)
{
    struct buf outline;
    uint32_t uid;
    buf_init(&outline, OUTLINE_RECORD_MAX);
    struct outline_parser *p = outline_new(&outline_limits_default);
    outline_feed(p, body_bytes);
    outline_end(p, &outline);
    outline_free(&p);
    unit_ok(blob_put(t, writer, buf_span(&outline), 1, &body, f));
    struct msg_new m = {.blob = body, .bytes = body_bytes.n, .internal = {1700000000, 0}};
    unit_ok(msg_append(t, unit_inbox, &m, &uid, f));
    buf_fini(&outline);
}

static void add_body(struct store *st, struct span text)
{
    body_bytes = text;
    writer = blob_begin(st, &unit_home.post, NULL, NULL);
    blob_write(writer, text);
    while (blob_in_flight(writer))
        unit_box_run(&unit_home);
    unit_run(st, put_body);
    blob_end(&writer, true);
}

/* All of it; the divider as "|". Fails where two steps do not overlap as asked. */
static void read_text(struct store *st, unsigned what, size_t overlap, struct buf *out)
{
    struct body_text b;
    struct span piece;
    bool more = true, first = true;
    body_text_init(&b);
    body_text_begin(&b, body, what, overlap);
    buf_reset(out);
    while (more) {
        struct txn *t = unit_read(st);
        unit_ok(body_text_step(&b, t, &piece, &more, f));
        txn_read_end(&t);
        size_t again = first ? 0 : overlap < out->n ? overlap : out->n;
        assert_true(piece.n >= again);
        if (again)
            assert_memory_equal(out->p + out->n - again, piece.p, again);
        (void)buf_add(out, span_from(piece, again));
        first = false;
    }
    body_text_fini(&b);
}

static void assert_text(struct store *st, unsigned what, const char *expected)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    read_text(st, what, 2, &out);
    for (size_t i = 0; i < out.n; i++) {
        if (out.p[i] == BODY_TEXT_DIVIDER)
            out.p[i] = '|';
    }
    unit_assert_same(buf_span(&out), span_cstr(expected));
    buf_fini(&out);
}

/* clang-format off */
static const struct {
    const char *message, *header, *body, *all;
} texts[] = {
    {"Subject: Hello\r\nTo: a@b\r\n\r\nWorld\r\n",
     "|SUBJECT: HELLO|TO: A@B", "|WORLD\r\n", "|SUBJECT: HELLO|TO: A@B|WORLD\r\n"},
    {"\r\nonly text", "", "|ONLY TEXT", "|ONLY TEXT"},
    {"Subject: no body\r\n\r\n", "|SUBJECT: NO BODY", "", "|SUBJECT: NO BODY"},
    {"", "", "", ""},
    {"Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n two =?utf-8?b?w6k=?=\r\n\r\n.",
     "|SUBJECT: GRO\u0308\u1e9eE TWO E\u0301", "|.", "|SUBJECT: GRO\u0308\u1e9eE TWO E\u0301|."},
    /* charset and transfer encoding; what is broken in them; a charset that nobody knows */
    {"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9t=\r\n=E9 =zz",
     NULL, "|E\u0301TE\u0301 =ZZ", NULL},
    {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs!bG8\r\n", NULL, "|HELLO", NULL},
    {"Content-Type: text/plain; charset=x-nobody\r\n\r\nM\xc3\xa4\xe9z", NULL, "|MA\u0308\ufffdZ", NULL},
    {"Content-Type: text/html\r\n\r\n<b>x</b>&amp;", NULL, "|<B>X</B>&AMP;", NULL},
    {"Content-Type: application/pdf\r\n\r\nabc", "|CONTENT-TYPE: APPLICATION/PDF", "", "|CONTENT-TYPE: APPLICATION/PDF"},
    /* parts: their headers are of TEXT alone; an attachment that is text is looked at */
    {"Subject: m\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\nX: y\r\n\r\none\r\n"
     "--b\r\nContent-Type: image/png\r\n\r\npic\r\n--b\r\nContent-Disposition: attachment\r\nContent-Type: text/csv\r\n\r\n1;2\r\n--b--\r\n",
     "|SUBJECT: M|CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=B", "|ONE|1;2",
     "|SUBJECT: M|CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=B|X: Y|ONE|CONTENT-TYPE: IMAGE/PNG"
     "|CONTENT-DISPOSITION: ATTACHMENT|CONTENT-TYPE: TEXT/CSV|1;2"},
    /* the header of an embedded message is body */
    {"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext",
     "|CONTENT-TYPE: MESSAGE/RFC822", "|SUBJECT: INNER|TEXT", "|CONTENT-TYPE: MESSAGE/RFC822|SUBJECT: INNER|TEXT"},
};
/* clang-format on */

static void body_text_tells(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        add_body(st, span_cstr(texts[i].message));
        if (texts[i].header)
            assert_text(st, BODY_TEXT_HEADER, texts[i].header);
        assert_text(st, BODY_TEXT_BODY, texts[i].body);
        if (texts[i].all)
            assert_text(st, BODY_TEXT_ALL, texts[i].all);
    }
    unit_mail_close(&st);
}

/* Larger than chunks and steps: characters that lie across them are whole, and nothing is lost. */
static void body_text_of_many_steps(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    struct buf text, expected, got;
    buf_init(&text, 4 << 20);
    buf_init(&expected, 4 << 20);
    buf_init(&got, 4 << 20);
    (void)buf_addz(&text, "Content-Type: multipart/mixed; boundary=b\r\n");
    while (text.n < (100u << 10))
        (void)buf_addf(&text, "X-%zu: %0200d\r\n", text.n, 7);
    for (int part = 0; part < 2; part++) {
        (void)buf_addf(&text, "\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
        (void)buf_byte(&expected, BODY_TEXT_DIVIDER);
        for (int i = 0; i < 60000; i++) {
            (void)buf_addz(&text, "\u6f22a");
            (void)buf_addz(&expected, "\u6f22A");
        }
    }
    add_body(st, buf_span(&text));
    for (size_t overlap = 0; overlap < 7; overlap += 3) {
        read_text(st, BODY_TEXT_BODY, overlap, &got);
        assert_int_equal(got.n, expected.n);
        assert_memory_equal(got.p, expected.p, got.n);
    }
    read_text(st, BODY_TEXT_HEADER, 2, &got);
    assert_true(got.n > (99u << 10) && fold_find(buf_span(&got), SPAN("X-43: 000")));
    buf_fini(&text);
    buf_fini(&expected);
    buf_fini(&got);
    unit_mail_close(&st);
}

static void body_text_of_none(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    struct body_text b;
    struct span piece;
    bool more;
    struct txn *t = unit_read(st);
    body_text_init(&b);
    body_text_begin(&b, 999, BODY_TEXT_ALL, 2);
    unit_err(body_text_step(&b, t, &piece, &more, f), ERR_NOTFOUND);
    body_text_fini(&b);
    txn_read_end(&t);
    unit_mail_close(&st);
}

/* --- an outline that cannot be relied on --- */

static struct span harmful;

static void put_outline(struct txn *t)
{
    struct schema_key k;
    unit_ok(table_put(t, TABLE_OUTLINE, schema_id_key(&k, body), harmful, f));
}

/* Damaged, or that of a longer message: the text is that of the body all the same. */
static void body_text_parses_anew(void **state)
{
    (void)state;
    struct span mail =
        SPAN("Subject: One\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\nHello\r\n");
    struct buf longer, record, right;
    struct outline outline;
    struct store *st = unit_mail_open();
    buf_init(&longer, OUTLINE_RECORD_MAX);
    buf_init(&record, OUTLINE_RECORD_MAX);
    buf_init(&right, OUTLINE_RECORD_MAX);
    struct outline_parser *p = outline_new(&outline_limits_default);
    outline_feed(p, mail);
    outline_feed(p, SPAN("and more that is not there\r\n"));
    outline_end(p, &longer);
    outline_free(&p);
    add_body(st, mail);
    struct txn *read = unit_read(st);
    unit_ok(blob_outline(read, body, &right, f));
    txn_read_end(&read);
    const struct span harm[] = {SPAN(""), SPAN("nothing of ours"), span_to(buf_span(&longer), 40),
                                buf_span(&longer), buf_span(&right)};
    for (size_t i = 0; i < UNIT_COUNT(harm); i++) {
        harmful = harm[i];
        unit_run(st, put_outline);
        assert_text(st, BODY_TEXT_BODY, i == 3 ? "|HELLO\r\n|HELLO\r\n" : "|HELLO\r\n");
        struct txn *t = unit_read(st);
        unit_ok(body_text_outline(t, body, &record, &outline, f));
        assert_true(outline.dated);
        txn_read_end(&t);
    }
    buf_fini(&longer);
    buf_fini(&record);
    buf_fini(&right);
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(body_text_tells),
        unit_test_dir(body_text_of_many_steps),
        unit_test_dir(body_text_of_none),
        unit_test_dir(body_text_parses_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
