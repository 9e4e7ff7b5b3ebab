#include "auth/plain.h"

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd    RFC 4616 §2 */
bool plain_parse(struct span message, struct span *user_out, struct span *password_out)
{
    size_t first = span_find(message, '\0');
    if (first == message.n)
        return false;
    struct span authzid = span_to(message, first), rest = span_from(message, first + 1);
    size_t second = span_find(rest, '\0');
    if (second == rest.n)
        return false;
    struct span user = span_to(rest, second), password = span_from(rest, second + 1);
    if (user.n == 0 || span_find(password, '\0') != password.n)
        return false;
    if (authzid.n > 0 && !span_eq(authzid, user)) /* nobody acts for another */
        return false;
    *user_out = user;
    *password_out = password;
    return true;
}
