#pragma once /* store/index_survey.h: what the index has, and which bodies it lacks */
#include "store/index_row.h"
#include "store/txn.h"

struct index_survey_segment {
    uint64_t id;
    uint32_t live; /* its bodies that were there at the last survey */
};
struct index_survey {
    struct index_survey_segment *segments; /* by id */
    size_t segment_count, segment_cap;
    uint64_t bytes;        /* of all posting rows, at the time of the survey */
    uint64_t next_segment; /* larger than all that are there */
    uint64_t *orphans;     /* segments of which posting rows are left and no head */
    size_t orphan_count, orphan_cap;
    uint64_t *tail; /* bodies that no segment has, ascending */
    size_t tail_count, tail_cap;
    uint64_t next_body; /* from here on bodies have not been looked for */
};
void index_survey_init(struct index_survey *s);
void index_survey_fini(struct index_survey *s);
/* Looks at everything. A damaged head becomes an orphan: its bodies are in the tail. */
enum err index_survey(struct index_survey *s, struct store *st, struct fault *f);
/* Adds bodies from next_body on, at most so many, to the tail. A number below that may still come (store/blob.h numbers a
 * body when its first bytes are written); the next survey finds it. */
enum err index_survey_more(struct index_survey *s, struct store *st, size_t max, struct fault *f);

/* What has been done. */
void index_survey_add(struct index_survey *s, uint64_t segment, uint32_t live);
void index_survey_remove(struct index_survey *s, uint64_t segment); /* it becomes an orphan */
void index_survey_orphan(struct index_survey *s, uint64_t segment);
uint64_t index_survey_live(const struct index_survey *s);
