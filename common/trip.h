#pragma once /* common/trip.h: planted faults: the n-th thing that can fail, fails */
#include <stdbool.h>

/* Kinds of things that can fail. Each place that can fail asks trip_now(kind) first. */
enum trip_kind { TRIP_ALLOC, TRIP_OPEN, TRIP_WRITE, TRIP_SYNC, TRIP_READ, TRIP_KINDS };

/* True if this, the n-th question of an armed kind, is to fail. Thread-safe; one relaxed load when nothing is armed. */
bool trip_now(enum trip_kind kind);
/* Counts from now on and fails the nth question of kind (1 is the next one) with error (an errno value); for_ever: and
 * all after it. */
void trip_arm(enum trip_kind kind, unsigned long nth, int error, bool for_ever);
/* Disarms all; true if something failed since the last trip_disarm. Several kinds may be armed at once. */
bool trip_disarm(void);
/* The errno value that the tripped kind reports; where it was armed with 0: ENOMEM for alloc, else EIO. Stays after
 * trip_disarm, so that the one who failed can still ask. */
int trip_error(enum trip_kind kind);
/* Arms from MAILSTEAD_TRIP="kind:nth[:errno][:ever]" (kind: alloc open write sync read), for tests of the whole
 * binary; false if the text is not understood. NULL or empty: does nothing, true. */
bool trip_arm_text(const char *text);
