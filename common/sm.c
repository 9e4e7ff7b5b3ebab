#include "common/sm.h"
#include "common/must.h"

void sm_enter(const struct sm_rule *rules, unsigned *state, unsigned next)
{
    must(next < 32);
    must(rules[*state].next & SM_TO(next));
    *state = next;
}
