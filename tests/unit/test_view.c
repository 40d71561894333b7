// sources: core/view.c core/view_escape.c core/view_utf8.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "terminal.h"
#include "unit.h"

#include "core/view.h"

static const char *const others[] = {"bulkhead", "beta", NULL};
static const char *const prefixes[] = {"[alpha] ", "[beta] ", "[bulkhead] ", NULL};

static char shown[1 << 16];
static size_t shown_bytes;
static struct view view;

static void put(uint8_t byte)
{
    struct view_out out = {0};
    view_put(&view, byte, &out);
    assert_true(out.count <= 100); /* well below what is silently left out */
    memcpy(shown + shown_bytes, out.bytes, out.count);
    shown_bytes += out.count;
    shown[shown_bytes] = '\0';
}

static void begin(void)
{
    view_init(&view, "alpha", others);
    shown_bytes = 0;
    shown[0] = '\0';
}

static const char *show_bytes(const char *bytes, size_t count)
{
    begin();
    for (size_t i = 0; i < count; i++)
        put((uint8_t)bytes[i]);
    return shown;
}

#define SHOW(text)            show_bytes(text, sizeof(text) - 1)
#define EXPECT(input, output) assert_string_equal(SHOW(input), output)

static void test_lines_get_a_prefix(void **state)
{
    (void)state;
    EXPECT("one\ntwo\n", "[alpha] one\r\n[alpha] two\r\n");
    EXPECT("one\r\ntwo\r\n", "[alpha] one\r\n[alpha] two\r\n");
    EXPECT("one\n\rtwo\n", "[alpha] one\r\n[alpha] two\r\n");
    EXPECT("\n\n", "[alpha] \r\n[alpha] \r\n");
    EXPECT("login: ", "[alpha] login: ");
    EXPECT("a\vb\fc", "[alpha] a\r\n[alpha] b\r\n[alpha] c");
}

static void test_carriage_return_overwrites_nothing(void **state)
{
    (void)state;
    EXPECT("10%\r20%\r", "[alpha] 10%\r\n[alpha] 20%");
    EXPECT("10%\r\r\r\n", "[alpha] 10%\r\n");
    EXPECT("\r\rx", "[alpha] x");
    EXPECT("x\r\033[K\n", "[alpha] x\r\n");
    EXPECT("x\r\033[31my", "[alpha] x\r\n[alpha] \033[31my");
}

static void test_colours_end_with_the_line(void **state)
{
    (void)state;
    EXPECT("\033[1;31mred\nplain\n", "[alpha] \033[1;31mred\033[0m\r\n[alpha] plain\r\n");
    EXPECT("\033[1;31mred\033[0m\n", "[alpha] \033[1;31mred\033[0m\r\n");
    EXPECT("\033[31mred\033[m\n", "[alpha] \033[31mred\033[m\r\n");
    EXPECT("\033[38:2::1:2:3mx\n", "[alpha] \033[38:2::1:2:3mx\033[0m\r\n");
    EXPECT("\033[>4;2mx\033[?1mx\033[1$mx", "[alpha] xxx"); /* these only end like a colour */
}

static void test_other_sequences_are_swallowed(void **state)
{
    (void)state;
    EXPECT("a\033[2Jb\033[10;10Hc\033[?1049hd\033[6ne", "[alpha] abcde");
    EXPECT("a\033]0;title\ab\033]52;c;AAAA\033\\c", "[alpha] abc");
    EXPECT("a\033P$q\"p\033\\b\033_apc\033\\c\033^pm\033\\d\033Xsos\033\\e", "[alpha] abcde");
    EXPECT("a\033cb\0337c\033(0d\016e\017f\033#8g", "[alpha] abcdefg");
    EXPECT("a\ab\0c\005d\177e", "[alpha] abcde");
    EXPECT("a\033\033[31\033[2Jb", "[alpha] ab");
    EXPECT("a\033[1\030b\033]x\032c", "[alpha] abc");
    EXPECT("a\033[1\nb", "[alpha] a\r\n[alpha] b"); /* broken off by the line's end */
}

static void test_unfinished_string_does_not_silence_for_ever(void **state)
{
    (void)state;
    EXPECT("a\033]0;half\nb\n", "[alpha] a\r\n[alpha] b\r\n");
    begin();
    for (const char *c = "\033]0;"; *c; c++)
        put((uint8_t)*c);
    for (unsigned i = 0; i < 2 * ESCAPE_SWALLOW_MAX && shown_bytes == 0; i++)
        put('x');
    assert_string_equal(shown, "[alpha] x");
    begin();
    for (const char *c = "\033["; *c; c++)
        put((uint8_t)*c);
    for (unsigned i = 0; i < 2 * ESCAPE_SWALLOW_MAX && shown_bytes == 0; i++)
        put('1');
    assert_string_equal(shown, "[alpha] 1");
}

static void test_overlong_colour_is_swallowed(void **state)
{
    char sequence[200] = "\033[";
    (void)state;
    memset(sequence + 2, '1', 150);
    strcpy(sequence + 152, "mx");
    assert_string_equal(show_bytes(sequence, strlen(sequence)), "[alpha] x");
}

static void test_utf8(void **state)
{
    (void)state;
    EXPECT("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
           "[alpha] gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    EXPECT("\xc2\x9b"
           "31m",
           "[alpha] ?31m"); /* C1 CSI as UTF-8 */
    EXPECT("\x9b"
           "31m\x90",
           "[alpha] ?31m?"); /* and as a byte */
    EXPECT("a\xe2\x80\xae"
           "b",
           "[alpha] a?b"); /* right-to-left override */
    EXPECT("a\xe2\x80\x8b"
           "b\xef\xbb\xbf",
           "[alpha] a?b?");                                         /* invisible */
    EXPECT("\xe2\x80\xa8", "[alpha] ?");                            /* line separator */
    EXPECT("\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "[alpha] ????"); /* over-long */
    EXPECT("\xed\xa0\x80\xf4\x90\x80\x80\xff", "[alpha] ???");
    EXPECT("\xe2\x82\n\xf0\x9f", "[alpha] ?\r\n"); /* cut short */
    EXPECT("\xe2\x82\033[31mx", "[alpha] ?\033[31mx");
    EXPECT("e\xcc\x81", "[alpha] e?");
}

static void test_tabs_become_spaces(void **state)
{
    (void)state;
    EXPECT("\tx\ty", "[alpha]         x       y");
    EXPECT("1234567\tx", "[alpha] 1234567 x");
}

static void test_backspace_stays_in_the_own_text(void **state)
{
    (void)state;
    EXPECT("ab\b \b", "[alpha] ab\b \b");
    EXPECT("\b\b\bx", "[alpha] x");
    EXPECT("a\b\b\b\bx", "[alpha] a\bx");
    EXPECT("\xc3\xbc\b\bx", "[alpha] \xc3\xbcx"); /* how wide was it? */
}

static void test_no_backspace_beyond_a_narrow_terminals_margin(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < 80; i++)
        put('a');
    shown_bytes = 0;
    put('\b');
    assert_int_equal(shown_bytes, 0);
}

static void test_long_lines_are_broken(void **state)
{
    unsigned lines = 0;
    (void)state;
    begin();
    for (unsigned i = 0; i < 1000; i++)
        put('a');
    put('\n');
    for (char *line = strtok(shown, "\n"); line; line = strtok(NULL, "\n")) {
        assert_int_equal(strncmp(line, "[alpha] a", 9), 0);
        assert_true(strlen(line) <= VIEW_COLUMNS + 1);
        lines++;
    }
    assert_int_equal(lines, 1000 / (VIEW_COLUMNS - 8) + 1);
}

static void test_endless_colours_end_a_line_too(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < 1000; i++)
        for (const char *c = "\033[31m"; *c; c++)
            put((uint8_t)*c);
    assert_non_null(strstr(shown, VIEW_LINE_END "[alpha] "));
}

static void test_anothers_prefix_is_not_spelt(void **state)
{
    (void)state;
    EXPECT("[beta] hello", "[alpha] [beta) hello");
    EXPECT("x[bulkhead] x", "[alpha] x[bulkhead) x");
    EXPECT("[\033[1mbe\033[0mta]", "[alpha] [\033[1mbe\033[0mta)");
    EXPECT("[bXeta]\b\b", "[alpha] [bXeta]"); /* nothing before a bracket is changed later */
    EXPECT("[betX\ba]", "[alpha] [betX\ba)");
    EXPECT("[[beta]", "[alpha] [[beta)");
    EXPECT("[b\xd0\xb5ta]", "[alpha] [b\xd0\xb5ta)"); /* Cyrillic ie */
    EXPECT("[    1.234567] x [alpha] [ OK ] a[0]", "[alpha] [    1.234567] x [alpha] [ OK ] a[0]");
}

static void test_cut_line_goes_on_with_a_prefix(void **state)
{
    (void)state;
    SHOW("login: \033[31m");
    view_cut(&view);
    shown_bytes = 0;
    put('x');
    assert_string_equal(shown, "[alpha] x");
    put('\n');
    SHOW("login: ");
    view_cut(&view);
    shown_bytes = 0;
    shown[0] = '\0';
    put('\r');
    put('\n'); /* only ends what was ended */
    assert_string_equal(shown, "");
    put('\n');
    assert_string_equal(shown, "[alpha] \r\n");
}

static uint32_t seed;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

/* What an attacker would try, in random order, with random bytes between. */
static void attack(char *out)
{
    static const char *const pieces[] = {
        "[beta] ",
        "[bulkhead] ",
        "[be",
        "ta] ",
        "\b",
        "\b\b\b\b\b\b\b\b\b\b",
        "\r",
        "\n",
        "\t",
        "\033[31m",
        "\033[0m",
        "\033[",
        "\033]0;",
        "\033\\",
        "\a",
        "\033[1A",
        "\033[G",
        "\033[80D",
        "\033c",
        "\033[8m",
        "\033[7;5m",
        "\xc2\x9b",
        "\x9b",
        "\xe2\x80\xae",
        "\xe4\xb8\xad",
        "\xc3\xbc",
        "m",
        "K",
        "a",
        "[",
        "]",
        " ",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "\033P",
        "\016",
        "\v",
        "\f",
        "\xf0",
        "\xe2\x82",
        "\033(0",
        "\0337",
        "\033#8",
    };
    if (random_below(4) == 0) {
        out[0] = (char)random_below(256);
        out[1] = '\0';
    } else {
        strcpy(out, pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))]);
    }
}

static void test_hostile_streams_never_forge(void **state)
{
    char piece[128];
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct terminal terminal;
        seed = round;
        begin();
        terminal_init(&terminal, prefixes);
        for (unsigned i = 0; i < 400; i++) {
            attack(piece);
            for (const char *c = piece; *c; c++)
                put((uint8_t)*c);
            for (size_t j = 0; j < shown_bytes; j++)
                terminal_put(&terminal, (uint8_t)shown[j]);
            shown_bytes = 0;
        }
        assert_true(terminal.lines > 10);
        assert_int_equal(terminal.lines, terminal.lines_of[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_get_a_prefix),
        cmocka_unit_test(test_carriage_return_overwrites_nothing),
        cmocka_unit_test(test_colours_end_with_the_line),
        cmocka_unit_test(test_other_sequences_are_swallowed),
        cmocka_unit_test(test_unfinished_string_does_not_silence_for_ever),
        cmocka_unit_test(test_overlong_colour_is_swallowed),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_tabs_become_spaces),
        cmocka_unit_test(test_backspace_stays_in_the_own_text),
        cmocka_unit_test(test_no_backspace_beyond_a_narrow_terminals_margin),
        cmocka_unit_test(test_long_lines_are_broken),
        cmocka_unit_test(test_endless_colours_end_a_line_too),
        cmocka_unit_test(test_anothers_prefix_is_not_spelt),
        cmocka_unit_test(test_cut_line_goes_on_with_a_prefix),
        cmocka_unit_test(test_hostile_streams_never_forge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
