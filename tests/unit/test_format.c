// sources: core/format.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The hypervisor's snprintf beside the C library's: same text, same length. */
#include "unit.h"

#include "../../core/format.h"

#include <bulkhead/types.h>
#include <stdio.h>

static char ours[128], theirs[128];

#define SAME(size, ...)                                            \
    do {                                                           \
        memset(ours, '?', sizeof(ours));                           \
        memset(theirs, '?', sizeof(theirs));                       \
        int n_ = format_snprintf(ours, size, __VA_ARGS__);         \
        assert_int_equal(n_, snprintf(theirs, size, __VA_ARGS__)); \
        assert_memory_equal(ours, theirs, sizeof(ours));           \
    } while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void texts(void **state)
{
    (void)state;
    for (size_t size = 0; size < 40; size++) {
        SAME(size, "plain");
        SAME(size, "%s: %s", "alpha", "is off");
        SAME(size, "[%5llu.%06u] %s", 12ull, 34u, "text");
        SAME(size, "%-9s|%9s|%.3s|%.*s|%-12.4s|", "ab", "cd", "efghij", 2, "klm", "nopqrst");
        SAME(size, "100%% %c%-3c%3c|", 'x', 'y', 'z');
    }
    SAME(64, "%s%s", "", "");
    SAME(64, "%.0s|%*s|%-*s|", "x", 5, "y", 5, "z");
}

static void unterminated_text_is_read_to_its_precision(void **state)
{
    static const char three[3] = {'a', 'b', 'c'};
    (void)state;
    SAME(64, "%.3s", three);
    SAME(64, "%.2s", three);
}

static void numbers(void **state)
{
    static const uint64_t values[] = {
        0,          1,          9,         10,         255,        4096,         INT32_MAX,
        0x80000000, UINT32_MAX, INT64_MAX, 1ull << 63, UINT64_MAX, 1234567890123};
    static const char *const formats[] = {"%llu",   "%llx",     "%#llx",   "%lld",      "%016llx",
                                          "%5llu",  "%-8llx|",  "%#14llx", "%-#14llx|", "%#014llx",
                                          "%09llx", "%-20lld|", "%020lld", "%20lld"};
    static const char *const narrow[] = {"%u",    "%d",  "%x",   "%08x", "%02u",
                                         "%-4u|", "%4d", "%04d", "%#x"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(formats); k++)
            SAME(64, formats[k], values[i]);
        for (unsigned k = 0; k < ARRAY_SIZE(narrow); k++)
            SAME(64, narrow[k], (unsigned)values[i]);
        SAME(64, "%lu %ld %lx", (unsigned long)values[i], (long)values[i],
             (unsigned long)values[i]);
    }
}

/* A format that ends in the middle of a conversion does not lead past its end. */
static void cut_formats(void **state)
{
    static const char *const cut[] = {"%", "a%", "%-", "%5", "%.", "%l", "%#0-12.3ll"};
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cut); i++) {
        int n = format_snprintf(ours, sizeof(ours), cut[i]);
        assert_in_range(n, 0, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(unterminated_text_is_read_to_its_precision),
        cmocka_unit_test(numbers),
        cmocka_unit_test(cut_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
