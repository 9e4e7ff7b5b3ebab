#include "net/wire.h"

#include "net/deflate.h"
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_init(struct wire *w, int fd)
{
    *w = (struct wire){.fd = fd, .turn_at = SIZE_MAX};
}

void wire_fini(struct wire *w)
{
    SSL_free(w->ssl);
    deflate_free(&w->deflate);
    if (w->fd >= 0)
        close(w->fd);
    wire_init(w, -1);
}

static enum wire_is wire_broken(struct wire *w, int error)
{
    switch (error) {
    case ECONNRESET:
    case EPIPE:
        w->why = "connection reset";
        break;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
        w->why = "connection timed out";
        break;
    default:
        w->why = "socket error";
    }
    return WIRE_BROKEN;
}

/* What the failure of a TLS call means; error is its errno. */
static enum wire_is wire_tls_failed(struct wire *w, int result, int error)
{
    enum wire_is is = WIRE_BROKEN;
    unsigned long code;
    switch (SSL_get_error(w->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        is = WIRE_WANTS_READ;
        break;
    case SSL_ERROR_WANT_WRITE:
        is = WIRE_WANTS_WRITE;
        break;
    case SSL_ERROR_ZERO_RETURN:
        is = WIRE_END;
        break;
    case SSL_ERROR_SYSCALL:
        is = error ? wire_broken(w, error) : WIRE_END;
        break;
    default:
        code = ERR_peek_error();
        if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            is =
                WIRE_END; /* without close_notify; lines and literals say themselves whether they are whole */
        } else {
            w->why = ERR_reason_error_string(code);
            if (!w->why)
                w->why = "TLS failed";
        }
    }
    ERR_clear_error();
    return is;
}

bool wire_secure(struct wire *w, struct tls *t)
{
    w->ssl = tls_accept(t, w->fd);
    return w->ssl != NULL;
}

enum wire_is wire_handshake(struct wire *w)
{
    ERR_clear_error();
    errno = 0;
    int r = SSL_accept(w->ssl);
    return r == 1 ? WIRE_DONE : wire_tls_failed(w, r, errno);
}

bool wire_pending(const struct wire *w)
{
    return (w->ssl && SSL_pending(w->ssl) > 0) || (w->deflate && deflate_pending(w->deflate));
}

void wire_text(const struct wire *w, const char **version, const char **cipher)
{
    *version = w->ssl ? SSL_get_version(w->ssl) : "";
    *cipher = w->ssl ? SSL_get_cipher_name(w->ssl) : "";
}

/* Records are at most 16 KiB, so one helping takes several. */
static enum wire_is wire_read_tls(struct wire *w, char *p, size_t n, size_t *got)
{
    while (*got < n) {
        size_t part;
        ERR_clear_error();
        errno = 0;
        int r = SSL_read_ex(w->ssl, p + *got, n - *got, &part);
        if (r != 1)
            return wire_tls_failed(w, r, errno);
        *got += part;
    }
    return WIRE_DONE;
}

static enum wire_is wire_read_plain(struct wire *w, char *p, size_t n, size_t *got)
{
    ssize_t r = recv(w->fd, p, n, 0);
    if (r > 0) {
        *got = (size_t)r;
        return WIRE_DONE;
    }
    if (r == 0)
        return WIRE_END;
    return errno == EAGAIN || errno == EINTR ? WIRE_WANTS_READ : wire_broken(w, errno);
}

static enum wire_is wire_read_raw(struct wire *w, char *p, size_t n, size_t *got)
{
    *got = 0;
    return w->ssl ? wire_read_tls(w, p, n, got) : wire_read_plain(w, p, n, got);
}

/* What came behind the end of the peer's compression. */
static enum wire_is wire_read_left(struct wire *w, char *p, size_t n, size_t *got)
{
    struct span left = span_to(deflate_raw(w->deflate), n);
    if (left.n == 0)
        return wire_read_raw(w, p, n, got);
    memcpy(p, left.p, left.n);
    *got = left.n;
    deflate_took(w->deflate, left.n);
    return WIRE_DONE;
}

static enum wire_is wire_read_packed(struct wire *w, char *p, size_t n, size_t *got)
{
    enum wire_is read = WIRE_DONE;
    if (!deflate_pending(w->deflate)) {
        size_t raw;
        read = wire_read_raw(w, deflate_room(w->deflate), DEFLATE_RAW_BYTES, &raw);
        deflate_filled(w->deflate, raw);
        if (raw == 0) {
            deflate_took(w->deflate, 0);
            return read;
        }
    }
    switch (deflate_unpack(w->deflate, p, n, got)) {
    case DEFLATE_BROKEN:
        w->why = "compressed data is damaged";
        return WIRE_BROKEN;
    case DEFLATE_ENDED:
        w->unpacks = false;
        return WIRE_DONE;
    case DEFLATE_MORE:
    case DEFLATE_DRY:
        break;
    }
    /* The end comes again when it is asked for. */
    return read == WIRE_WANTS_WRITE ? read : WIRE_DONE;
}

enum wire_is wire_read(struct wire *w, char *p, size_t n, size_t *got)
{
    *got = 0;
    if (w->unpacks)
        return wire_read_packed(w, p, n, got);
    return w->deflate ? wire_read_left(w, p, n, got) : wire_read_raw(w, p, n, got);
}

static enum wire_is wire_write_raw(struct wire *w, struct span s, size_t *took)
{
    *took = 0;
    if (w->ssl) {
        ERR_clear_error();
        errno = 0;
        int r = SSL_write_ex(w->ssl, s.p, s.n, took);
        return r == 1 ? WIRE_DONE : wire_tls_failed(w, r, errno);
    }
    ssize_t r = send(w->fd, s.p, s.n, MSG_NOSIGNAL);
    if (r >= 0) {
        *took = (size_t)r;
        return WIRE_DONE;
    }
    return errno == EAGAIN || errno == EINTR ? WIRE_WANTS_WRITE : wire_broken(w, errno);
}

/* s counts as taken when all of its compressed form is. */
static enum wire_is wire_write_packed(struct wire *w, struct span s, size_t *took)
{
    *took = 0;
    if (w->packed_of == 0)
        w->packed_of = deflate_pack(w->deflate, s);
    while (deflate_packed(w->deflate).n > 0) {
        size_t sent;
        enum wire_is is = wire_write_raw(w, deflate_packed(w->deflate), &sent);
        if (is != WIRE_DONE)
            return is;
        deflate_sent(w->deflate, sent);
    }
    *took = w->packed_of;
    w->packed_of = 0;
    return WIRE_DONE;
}

enum wire_is wire_write(struct wire *w, struct span s, size_t *took)
{
    s = span_to(s, w->turn_at);
    enum wire_is is = w->packs ? wire_write_packed(w, s, took) : wire_write_raw(w, s, took);
    if (w->turn_at != SIZE_MAX)
        w->turn_at -= *took;
    if (w->turn_at == 0) {
        w->packs = !w->packs;
        w->turn_at = SIZE_MAX;
    }
    return is;
}

static void wire_turn(struct wire *w, size_t behind)
{
    w->turn_at = behind;
    if (behind > 0)
        return;
    w->packs = !w->packs;
    w->turn_at = SIZE_MAX;
}

bool wire_compress(struct wire *w, size_t behind)
{
    if (w->packs || w->unpacks || w->turn_at != SIZE_MAX)
        return false;
    deflate_free(&w->deflate); /* of a first time: both directions begin anew */
    w->deflate = deflate_new();
    if (!w->deflate)
        return false;
    w->unpacks = true;
    wire_turn(w, behind);
    return true;
}

bool wire_uncompress(struct wire *w, size_t behind)
{
    if (!w->packs || w->turn_at != SIZE_MAX)
        return false;
    deflate_end(w->deflate);
    wire_turn(w, behind);
    return true;
}

void wire_bye(struct wire *w)
{
    if (w->ssl) {
        ERR_clear_error();
        SSL_shutdown(w->ssl); /* close_notify, if there is room for it */
        ERR_clear_error();
    }
    shutdown(w->fd, SHUT_WR);
}

enum wire_is wire_discard(struct wire *w, char *p, size_t n)
{
    size_t got = 0;
    return wire_read_plain(w, p, n, &got);
}
