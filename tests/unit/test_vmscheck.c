// sources: core/config.c core/config_values.c core/config_text.c core/dtb.c core/partition.c core/board_dt.c core/board_nodes.c core/board_bus.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The program itself, its main() under another name. */
#include "dts.h"
#include "unit.h"

int vmscheck_main(int argc, char **argv);
#define main vmscheck_main
#include "tools/vmscheck.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

static char output[4096], path[] = "/tmp/bulkhead-vmscheck-XXXXXX";

static void write_dtb(struct blob b)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.data, 1, b.bytes, f), b.bytes);
    fclose(f);
    free(b.data);
}

/* Both outputs of a call land in `output`. */
static int run(const char *a, const char *b, const char *c, const char *d)
{
    char *argv[6] = {(char *)"vmscheck"};
    const char *const given[] = {a, b, c, d};
    int argc = 1, code, out = dup(1), err = dup(2);
    FILE *f = tmpfile();

    for (unsigned i = 0; i < 4 && given[i]; i++)
        argv[argc++] = (char *)given[i];
    memset(&board, 0, sizeof(board));
    fflush(stdout);
    dup2(fileno(f), 1);
    dup2(fileno(f), 2);
    code = vmscheck_main(argc, argv);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    rewind(f);
    output[fread(output, 1, sizeof(output) - 1, f)] = '\0';
    fclose(f);
    return code;
}

static void assert_says(const char *text)
{
    if (!strstr(output, text))
        fail_msg("\"%s\" is not in: %s", text, output);
}

static int setup(void **state)
{
    (void)state;
    if (strstr(path, "XXXXXX"))
        close(mkstemp(path));
    write_dtb(dts_file("guests/vms.dts"));
    return 0;
}

static void test_the_default_card_fits_every_board(void **state)
{
    static const char *const sizes[] = {"948", "1972", "3956", "8052"};
    (void)state;
    assert_int_equal(run(path, NULL, NULL, NULL), ACCEPTED);
    assert_string_equal(output, "");
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
        assert_int_equal(run(path, "--ram", sizes[i], NULL), ACCEPTED);
}

static void test_lists(void **state)
{
    (void)state;
    assert_int_equal(run(path, "--list-files", NULL, NULL), ACCEPTED);
    assert_string_equal(output, "firmware.bin\nfirmware.env\n");
    assert_int_equal(run(path, "--list-disks", NULL, NULL), ACCEPTED);
    assert_string_equal(output, "alpha-root\tdebian-12\t1792M\talpha\trw\n"
                                "beta-root\tdebian-12\t1792M\tbeta\trw\n");
}

static void test_a_shared_disk_is_listed_once(void **state)
{
    (void)state;
    write_dtb(dts_text("%s", "/dts-v1/; / { compatible = \"bulkhead,vms-1\"; vms {"
                             "a { cpus = <0>; memory = \"64M\"; binary = \"x\"; disks { d { "
                             "partition = \"p\"; read-only; }; }; };"
                             "b { cpus = <1>; memory = \"64M\"; binary = \"x\"; disks { d { "
                             "partition = \"p\"; read-only; image = \"i.img\"; }; }; }; }; };"));
    assert_int_equal(run(path, "--list-disks", NULL, NULL), ACCEPTED);
    assert_string_equal(output, "p\ti.img\t\tb\tro\n");
    assert_int_equal(run(path, "--list-files", NULL, NULL), ACCEPTED);
    assert_string_equal(output, "x\n");
}

static void test_refusals_name_the_file(void **state)
{
    (void)state;
    assert_int_equal(run(path, "--ram", "512", NULL), REFUSED);
    assert_says(path);
    assert_says(": beta: memory: 384 MiB are asked for; the board has 512 MiB");
    assert_int_equal(run(path, "--files", "firmware.bin,other", NULL), REFUSED);
    assert_says("alpha: boot: no file \"firmware.env\"");
    assert_int_equal(run(path, "--files", "firmware.env,firmware.bin", NULL), ACCEPTED);
    assert_int_equal(run(path, "--partitions", "alpha-root", NULL), REFUSED);
    assert_says("beta: disks/root: partition: the card has no partition named \"beta-root\"");
    assert_int_equal(run(path, "--partitions", "alpha-root,beta-root", NULL), ACCEPTED);
    assert_int_equal(run(path, "--kept", "200", NULL), REFUSED);
}

static void test_a_real_boards_tree(void **state)
{
    char board_path[] = "/tmp/bulkhead-board-XXXXXX";
    struct blob b = dts_file("tests/data/board-1g.dts");
    int fd = mkstemp(board_path);
    (void)state;
    assert_int_equal(write(fd, b.data, b.bytes), b.bytes);
    close(fd);
    free(b.data);
    assert_int_equal(run(path, "--board", board_path, NULL), ACCEPTED);
    assert_int_equal(run(path, "--board", path, NULL), REFUSED); /* not a board */
    unlink(board_path);
}

static void test_wrong_use(void **state)
{
    (void)state;
    assert_int_equal(run(NULL, NULL, NULL, NULL), WRONG_USE);
    assert_says("usage:");
    assert_int_equal(run(path, path, NULL, NULL), WRONG_USE);
    assert_int_equal(run(path, "--ram", "many", NULL), WRONG_USE);
    assert_int_equal(run(path, "--files", NULL, NULL), WRONG_USE);
    assert_int_equal(run(path, "--colour", NULL, NULL), WRONG_USE);
    assert_int_equal(run("/nonexistent", NULL, NULL, NULL), WRONG_USE);
    assert_says("cannot read /nonexistent");
    assert_int_equal(run("/dev/null", NULL, NULL, NULL), WRONG_USE);
    assert_says("empty");
    assert_int_equal(run("guests/vms.dts", NULL, NULL, NULL), REFUSED);
    assert_says("not a compiled vms.dts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_default_card_fits_every_board, setup),
        cmocka_unit_test_setup(test_lists, setup),
        cmocka_unit_test_setup(test_a_shared_disk_is_listed_once, setup),
        cmocka_unit_test_setup(test_refusals_name_the_file, setup),
        cmocka_unit_test_setup(test_a_real_boards_tree, setup),
        cmocka_unit_test_setup(test_wrong_use, setup),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
