#include "common/post.h"

#include "tests/unit/unit.h"

struct post_box {
    struct post post;
    struct post_note *first, *last;
};

static void post_box_send(struct post *self, struct post_note *first, struct post_note *last)
{
    struct post_box *box = (struct post_box *)(void *)self;
    box->first = first;
    box->last = last;
}

static void post_sends_one(void **state)
{
    (void)state;
    struct post_box box = {.post = {post_box_send}};
    struct post_note note = {0};
    post_send(&box.post, &note);
    assert_ptr_equal(box.first, &note);
    assert_ptr_equal(box.last, &note);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(post_sends_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
