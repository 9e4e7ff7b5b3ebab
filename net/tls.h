#pragma once /* net/tls.h: certificates and the handshake's rules */
#include "common/fault.h"
#include "common/span.h"
#include <stdbool.h>

/* A server's side: TLS 1.2 and 1.3, ECDHE with AEAD only, no renegotiation, no compression (RFC 9325). Any thread; connections made
 * before a reload keep what they have. */
struct tls;
struct ssl_st; /* SSL of OpenSSL, for net/ alone */

/* PEM files; the certificate file may hold the chain. ERR_INVALID: not a matching pair, not readable: the text says which file. */
enum err tls_open(const char *certificate_file, const char *key_file, struct tls **out,
                  struct fault *f);
void tls_close(struct tls **t);
/* Reads the files again; on an error the old ones stay in force. */
enum err tls_reload(struct tls *t, struct fault *f);
/* Reloads if one of the files has changed since. *changed_out may be NULL. */
enum err tls_reload_if_changed(struct tls *t, bool *changed_out, struct fault *f);
/* For a lab: makes a CA and a certificate for the names (ECDSA P-256, 10 years) as ca.pem, cert.pem, key.pem in dir unless they are there. */
enum err tls_self_made(const char *dir, const struct span *names, unsigned n, struct fault *f);

/* Clients are asked for a certificate from now on; those that the CAs of this file (PEM) vouch for are known by tls_certificate. Nobody has to
 * have one, and a strange one does no harm. Read again with the others. ERR_INVALID, with the old rules in force. */
enum err tls_clients(struct tls *t, const char *ca_file, struct fault *f);

/* A new server-side SSL object on fd, or NULL (out of memory). alpn is checked when offered: "imap" or "smtp" (ALPACA). */
struct ssl_st *tls_accept(struct tls *t, int fd);
/* The ALPN name this service answers to; call once before the first connection. */
void tls_alpn(struct tls *t, const char *name);

/* Data that only the two ends of this connection have: tls-exporter (RFC 9266, with TLS 1.3), tls-server-end-point and, with TLS 1.2 and its extended
 * master secret, tls-unique (RFC 5929 §3, §4). Their length; 0: there are none of that type. */
#define TLS_BINDING_BYTES 64
size_t tls_binding(const struct ssl_st *ssl, struct span type,
                   unsigned char out[TLS_BINDING_BYTES]);
/* The names of the client's certificate, if it has one that tls_clients trusts: its e-mail addresses, then "sha256:" and the digest of the whole in hexadecimal
 * digits, a line each. False: it has none. names may be NULL. */
struct buf;
bool tls_certificate(const struct ssl_st *ssl, struct buf *names);
