#include "store/outline_row.h"
#include "common/le.h"
#include "common/mem.h"
#include "common/must.h"

#include <pthread.h>
#include <zstd.h>

#define OUTLINE_ROW_LEVEL 3
#define OUTLINE_ROW_LEAST_BYTES 256u        /* below it nothing is gained */
#define OUTLINE_ROW_MOST_BYTES (64u << 10)  /* longer ones are rare, and may stay as they are */
#define OUTLINE_ROW_RECORD_BYTES (1u << 20) /* no record that was compressed is longer */
#define OUTLINE_ROW_HEAD_BYTES 5

/* What stands in outlines of every kind, the most frequent last. Rows cannot be read without it: it never changes; another
 * one would need another first byte. */
static const char outline_row_words[] =
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec +0000 -0000 +0100 +0200 -0400 -0500 -0700 "
    "-0800 GMT (UTC) (CET) (PDT) "
    "\"filename*\" \"inline\" \"creation-date\" \"modification-date\" \"size\" \"delsp\" "
    "\"reply-type\" \"original\" "
    "(\"micalg\" \"pgp-sha256\" \"protocol\" \"application/pgp-signature\" \"boundary\" \"signed\" "
    "\"encrypted\" \"report\" "
    "(\"report-type\" \"delivery-status\" \"disposition-notification\" \"message\" "
    "\"delivery-status\" \"rfc822-headers\" "
    "\"message\" \"rfc822\" NIL NIL \"7bit\" \"application\" \"pdf\" \"zip\" \"msword\" \"ics\" "
    "\"calendar\" (\"method\" \"REQUEST\" "
    "\"vnd.openxmlformats-officedocument.wordprocessingml.document\" "
    "\"vnd.openxmlformats-officedocument.spreadsheetml.sheet\" "
    "\"image\" \"png\" \"jpeg\" \"gif\" (\"name\" \"image001.png\") \"<image001.png@\" \"audio\" "
    "\"mpeg\" \"video\" \"mp4\" "
    "\"application\" \"octet-stream\" (\"name\" \"attachment.pdf\") NIL NIL \"base64\" "
    " NIL (\"attachment\" (\"filename\" \"document.pdf\")) NIL NIL)"
    "\"text\" \"plain\" (\"charset\" \"iso-8859-1\") NIL NIL \"8bit\" \"text\" \"plain\" "
    "(\"charset\" \"us-ascii\" \"format\" \"flowed\") NIL NIL \"7bit\" "
    "\"windows-1252\" \"iso-2022-jp\" \"gb2312\" \"koi8-r\" \"related\" (\"type\" "
    "\"multipart/alternative\" \"boundary\" \"text/html\" "
    "ISO-8859-1 US-ASCII UTF-8 =?UTF-8?B?=?utf-8?Q?=?iso-8859-1?Q? Re: Fwd: AW: WG: Antw: [Bug ] "
    "Invitation: Your order Newsletter Invoice Rechnung "
    "@gmail.com @googlegroups.com @example.com @example.org @example.net @mail.gmail.com "
    "@outlook.com @yahoo.com @hotmail.com "
    "@lists. mailer-daemon noreply no-reply newsletter support postmaster info@ bounce- www. .com "
    ".org .net .de .co.uk "
    "List-Id: <\r\nList-Unsubscribe: <https://\r\nList-Unsubscribe-Post: "
    "List-Unsubscribe=One-Click\r\nList-Post: <mailto:\r\nList-Help: <mailto:\r\n"
    "List-Archive: <\r\nList-Subscribe: <\r\nPrecedence: bulk\r\nPrecedence: "
    "list\r\nAuto-Submitted: auto-generated\r\nX-Priority: 3\r\nImportance: Normal\r\n"
    "Thread-Topic: \r\nThread-Index: \r\nAccept-Language: en-US\r\nContent-Language: "
    "en-US\r\nX-Mailer: Apple Mail (2.\r\nX-Mailer: Microsoft Outlook 16.0\r\n"
    "User-Agent: Mozilla Thunderbird\r\nSender: \r\nReply-To: \r\nErrors-To: \r\nOrganization: "
    "\r\nDisposition-Notification-To: \r\n"
    "Content-Disposition: inline\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: "
    "7bit\r\nContent-Transfer-Encoding: base64\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: multipart/mixed; "
    "boundary=\"\r\nContent-Type: multipart/related;\r\n\ttype=\"text/html\";\r\n"
    "Content-Type: multipart/alternative;\r\n boundary=\"----=_Part_\r\nContent-Type: text/html; "
    "charset=\"utf-8\"\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\n"
    "Content-Type: text/plain; charset=UTF-8; format=flowed\r\nContent-Type: text/plain; "
    "charset=utf-8\r\nMIME-Version: 1.0 (1.0)\r\nMIME-Version: 1.0\r\n"
    "References: <\r\n <\r\n\t<\r\nIn-Reply-To: <\r\nMessage-ID: <\r\nMessage-Id: <\r\nBcc: "
    "\r\nCc: \r\nTo: undisclosed-recipients:;\r\nTo: \r\nFrom: \r\nSubject: Re: \r\n"
    "Date: Mon, 1 Jan 2024 12:00:00 +0000\r\nDate: Tue, 2 Feb 2025 Wed, Thu, Fri, Sat, Sun, "
    "\r\nSubject: \r\nFrom: \"\" <\r\nTo: <>\r\n"
    "(((\"text\" \"plain\" (\"charset\" \"utf-8\" \"format\" \"flowed\") NIL NIL \"7bit\" 100 10 "
    "NIL NIL NIL NIL)"
    "(\"text\" \"html\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 1000 20 NIL NIL NIL "
    "NIL) \"related\" (\"boundary\" \"--=_\") NIL NIL NIL) \"mixed\" "
    "((\"text\" \"plain\" (\"charset\" \"UTF-8\") NIL NIL \"base64\" 200 10 NIL (\"inline\" NIL) "
    "NIL NIL)"
    "(\"text\" \"html\" (\"charset\" \"UTF-8\") NIL NIL \"8bit\" 3000 40 NIL NIL NIL NIL) "
    "\"alternative\" (\"boundary\" \"----=_NextPart_000_\") NIL NIL NIL)"
    "(\"Mon, 1 Jan 2024 10:00:00 +0000\" \"Re: \" ((\"\" NIL \"noreply\" \"example.com\")) ((NIL "
    "NIL \"info\" \"example.org\")) ((NIL NIL \"user\" \"gmail.com\")) "
    "((NIL NIL \"user0\" \"example.test\")) NIL NIL NIL \"<@mail.example.com>\") "
    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1000 20 NIL NIL NIL NIL)";

struct outline_row_tools {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    struct buf row;
};
static pthread_key_t outline_row_key;
static pthread_once_t outline_row_once = PTHREAD_ONCE_INIT;
/* Made once and kept; read by all threads. */
static ZSTD_CDict *outline_row_packing;
static ZSTD_DDict *outline_row_unpacking;

static void outline_row_tools_free(void *arg)
{
    struct outline_row_tools *o = arg;
    (void)ZSTD_freeCCtx(o->pack);
    (void)ZSTD_freeDCtx(o->unpack);
    buf_fini(&o->row);
    mem_free(o);
}

static void outline_row_start(void)
{
    must(pthread_key_create(&outline_row_key, outline_row_tools_free) == 0);
    outline_row_packing =
        ZSTD_createCDict(outline_row_words, sizeof outline_row_words - 1, OUTLINE_ROW_LEVEL);
    outline_row_unpacking = ZSTD_createDDict(outline_row_words, sizeof outline_row_words - 1);
    must(outline_row_packing && outline_row_unpacking);
}

static struct outline_row_tools *outline_row_tools(void)
{
    must(pthread_once(&outline_row_once, outline_row_start) == 0);
    struct outline_row_tools *o = pthread_getspecific(outline_row_key);
    if (!o) {
        o = mem_new(struct outline_row_tools);
        o->pack = ZSTD_createCCtx();
        o->unpack = ZSTD_createDCtx();
        must(o->pack && o->unpack);
        buf_init(&o->row, OUTLINE_ROW_MOST_BYTES);
        must(pthread_setspecific(outline_row_key, o) == 0);
    }
    return o;
}

struct span outline_row(struct span record)
{
    if (record.n < OUTLINE_ROW_LEAST_BYTES || record.n > OUTLINE_ROW_MOST_BYTES)
        return record;
    struct outline_row_tools *o = outline_row_tools();
    buf_reset(&o->row);
    char *p = buf_room(&o->row, record.n);
    size_t n = ZSTD_compress_usingCDict(o->pack, p + OUTLINE_ROW_HEAD_BYTES,
                                        record.n - OUTLINE_ROW_HEAD_BYTES, record.p, record.n,
                                        outline_row_packing);
    if (ZSTD_isError(n)) /* does not fit: not worth it */
        return record;
    p[0] = OUTLINE_ROW_ZSTD;
    le_put(p + 1, record.n, OUTLINE_ROW_HEAD_BYTES - 1);
    buf_grew(&o->row, n + OUTLINE_ROW_HEAD_BYTES);
    return buf_span(&o->row);
}

bool outline_row_record(struct span row, struct buf *plain, struct span *record_out)
{
    *record_out = row;
    if (row.n == 0 || row.p[0] != OUTLINE_ROW_ZSTD)
        return true;
    if (row.n < OUTLINE_ROW_HEAD_BYTES)
        return false;
    size_t n = (size_t)le_get(row.p + 1, OUTLINE_ROW_HEAD_BYTES - 1);
    if (n == 0 || n > OUTLINE_ROW_RECORD_BYTES)
        return false;
    struct outline_row_tools *o = outline_row_tools(); /* also makes the dictionaries */
    struct span packed = span_from(row, OUTLINE_ROW_HEAD_BYTES);
    buf_reset(plain);
    char *p = buf_room(plain, n);
    if (!p ||
        ZSTD_decompress_usingDDict(o->unpack, p, n, packed.p, packed.n, outline_row_unpacking) != n)
        return false;
    buf_grew(plain, n);
    *record_out = buf_span(plain);
    return true;
}
