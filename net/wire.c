#include "net/wire.h"

#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_init(struct wire *w, int fd)
{
    *w = (struct wire){.fd = fd};
}

void wire_fini(struct wire *w)
{
    SSL_free(w->ssl);
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
    return w->ssl && SSL_pending(w->ssl) > 0;
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

enum wire_is wire_read(struct wire *w, char *p, size_t n, size_t *got)
{
    *got = 0;
    return w->ssl ? wire_read_tls(w, p, n, got) : wire_read_plain(w, p, n, got);
}

enum wire_is wire_write(struct wire *w, struct span s, size_t *took)
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
