#pragma once /* store/expiry.h: going round the accounts for what is too old */
#include "store/table.h"

/* Takes what is too old out of one account. *done: nothing old is left (else the slice is full). */
typedef enum err expiry_fn(void *arg, struct txn *t, uint64_t account, bool *done, struct fault *f);

/* For tables whose keys begin with the account. Calls fn for one account after the other that has
 * rows, until fn is not done or EXPIRY_ACCOUNT_COUNT have been looked at; then the next call goes on
 * behind them, which META keeps under next. */
#define EXPIRY_ACCOUNT_COUNT 1000
enum err expiry_round(struct txn *t, enum table table, struct span next, expiry_fn *fn, void *arg,
                      struct fault *f);
