// sources: core/log.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_time.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake/fake.h"
#include "unit.h"
#include <bulkhead/board.h>
#include <bulkhead/console.h>
#include <bulkhead/log.h>
#include <bulkhead/vm.h>
#include <stdlib.h>

static char last[512], emergency[512];
static unsigned shown, noticed;
static struct vm_config config = {.name = "alpha"};
static struct vm vm = {.config = &config};

void console_hypervisor_line(const char *line)
{
    snprintf(last, sizeof(last), "%s", line);
    shown++;
}

void console_vm_notice(const struct vm *v, const char *line)
{
    assert_ptr_equal(v, &vm);
    snprintf(last, sizeof(last), "%s", line);
    noticed++;
}

void console_emergency(const char *text)
{
    snprintf(emergency, sizeof(emergency), "%s", text);
}

static unsigned stops;

void cpu_stop_others(void)
{
    stops++;
    assert_string_equal(emergency, "");
}

noreturn void board_fail(const char *text)
{
    assert_string_equal(text, emergency);
    mock_assert(0, "board_fail", __FILE__, __LINE__);
    abort();
}

static unsigned replayed;
static char first[LOG_LINE_MAX], final[LOG_LINE_MAX];

static void keep(void *context, const char *line)
{
    (void)context;
    if (replayed++ == 0)
        snprintf(first, sizeof(first), "%s", line);
    snprintf(final, sizeof(final), "%s", line);
}

static void replay(void)
{
    replayed = 0;
    log_replay(keep, NULL);
}

static void test_lines_are_kept_with_their_time(void **state)
{
    (void)state;
    fake_time = 5 * (uint64_t)FAKE_HZ + FAKE_HZ / 2;
    log_line("number %d", 7);
    assert_string_equal(last, "number 7");
    replay();
    assert_string_equal(final, "[    5.500000] number 7");
}

static void test_unprintable_characters_do_not_pass(void **state)
{
    (void)state;
    log_line("%s", "a\033[2Jb\nc\x9b\xff");
    assert_string_equal(last, "a?[2Jb?c??");
}

static void test_long_lines_are_cut(void **state)
{
    char text[1000];
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_line("%s", text);
    assert_int_equal(strlen(last), LOG_TEXT_MAX - 1);
    log_vm_state(&vm, "%s", text);
    assert_int_equal(strlen(last), LOG_TEXT_MAX - 1);
    assert_int_equal(strncmp(last, "alpha: xx", 9), 0);
}

static void test_oldest_lines_make_room(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5000; i++)
        log_line("line %u of many", i);
    replay();
    assert_non_null(strstr(final, "line 4999 of many"));
    assert_in_range(replayed, 16384 / 40, 16384 / 30);
    assert_non_null(strstr(first, "] line ")); /* a whole line */
}

static void test_reading_on_after_lines_were_lost(void **state)
{
    uint64_t position = 0;
    char line[LOG_LINE_MAX];
    (void)state;
    assert_true(log_read(&position, line, sizeof(line)));
    for (unsigned i = 0; i < 1000; i++)
        log_line("newer %u and longer than the ones before", i);
    assert_true(log_read(&position, line, sizeof(line)));
    assert_non_null(strstr(line, "] newer "));
    position = UINT64_MAX;
    assert_true(log_read(&position, line, sizeof(line)));
    while (log_read(&position, line, sizeof(line)))
        ;
    assert_non_null(strstr(final, "line 4999"));
    assert_false(log_read(&position, line, sizeof(line)));
}

static void test_a_vm_has_a_budget(void **state)
{
    (void)state;
    fake_time = 100 * (uint64_t)FAKE_HZ;
    vm.log_tokens = vm.log_dropped = 0;
    vm.log_refill = 0;
    shown = 0;
    for (unsigned i = 0; i < 1000; i++)
        log_vm(&vm, "stray access %u", i);
    assert_int_equal(shown, 8);
    assert_string_equal(last, "alpha: stray access 7");
    fake_time += 11 * (uint64_t)FAKE_HZ;
    shown = 0;
    log_vm(&vm, "again");
    assert_int_equal(shown, 2);
    assert_string_equal(last, "alpha: again");
    replay();
    assert_non_null(strstr(final, "alpha: again"));
}

static void test_panic_says_why(void **state)
{
    (void)state;
    expect_assert_failure(panic("bad %s", "luck"));
    assert_string_equal(emergency, "bad luck");
    assert_int_equal(stops, 1); /* before a word is said */
    emergency[0] = '\0';
    expect_assert_failure(CHECK(1 == 2));
    assert_non_null(strstr(emergency, "broken invariant: 1 == 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_kept_with_their_time),
        cmocka_unit_test(test_unprintable_characters_do_not_pass),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_oldest_lines_make_room),
        cmocka_unit_test(test_reading_on_after_lines_were_lost),
        cmocka_unit_test(test_a_vm_has_a_budget),
        cmocka_unit_test(test_panic_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
