// sources: core/config.c core/config_values.c core/config_text.c core/dtb.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/config.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct config config;
static struct refusal why;
static struct blob blob;

static int setup(void **state)
{
    (void)state;
    free(blob.data);
    blob = dts_text("%s", "/dts-v1/; / { compatible = \"bulkhead,vms-1\"; vms {"
                          "alpha { cpus = <0 1>; memory = \"64M\"; kernel = \"vmlinuz\"; };"
                          "b-2 { cpus = <2>; memory = \"40%\"; binary = \"x\"; }; }; };");
    return config_parse(blob.data, blob.bytes, &config, &why) ? 0 : -1;
}

static bool apply(const char *text)
{
    struct blob copy = blob_copy(text, strlen(text)); /* of its very size */
    bool ok = config_override((const char *)copy.data, copy.bytes, &config, &why);
    free(copy.data);
    return ok;
}

static void assert_refused(const char *text, const char *sentence)
{
    assert_int_equal(setup(NULL), 0);
    assert_false(apply(text));
    assert_string_equal(why.text, sentence);
}

static void test_lines(void **state)
{
    (void)state;
    assert_true(apply("# mine\n\n  alpha.memory = 128M # more\nb-2.memory=1G\r\n"
                      "alpha.console=hidden\nalpha.cpus=0,3"));
    assert_int_equal(config.vms[0].memory, MIB(128));
    assert_int_equal(config.vms[1].memory, GIB(1));
    assert_int_equal(config.vms[1].memory_percent, 0);
    assert_true(config.vms[0].console_hidden);
    assert_int_equal(config.vms[0].ncpus, 2);
    assert_int_equal(config.vms[0].cpus[1], 3);
    assert_int_equal(config.vms[1].ncpus, 1);
}

static void test_a_share_replaces_an_amount(void **state)
{
    (void)state;
    assert_true(apply("\xef\xbb\xbf"
                      "alpha.memory=30%\n"));
    assert_int_equal(config.vms[0].memory, 0);
    assert_int_equal(config.vms[0].memory_percent, 30);
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    assert_true(apply(""));
    assert_true(apply("\n\n# alpha.memory=1M"));
    assert_int_equal(config.vms[0].memory, MIB(64));
}

static void test_cores_are_exchanged(void **state)
{
    (void)state;
    assert_true(apply("alpha.cpus=2\nb-2.cpus=1,0"));
    assert_int_equal(config.vms[0].cpus[0], 2);
    assert_int_equal(config.vms[1].cpus[0], 1);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused("alpha.memory=7M",
                   "bulkhead.txt: alpha: memory: \"7M\" is too little; at least 32M are "
                   "needed");
    assert_refused("alpha.cpus=2",
                   "b-2: cpus: core 2 also belongs to \"alpha\"; each core can serve one VM");
    assert_refused("alpha.cpus=0,0", "bulkhead.txt: alpha: cpus: core 0 is listed twice");
    assert_refused("alpha.cpus=4",
                   "bulkhead.txt: alpha: cpus: there is no core 4; allowed are 0 to 3");
    assert_refused("alpha.cpus=-1",
                   "bulkhead.txt: alpha: cpus: there is no core 4; allowed are 0 to 3");
    assert_refused("alpha.cpus=",
                   "bulkhead.txt: alpha: cpus: there is no core 4; allowed are 0 to 3");
    assert_refused("alpha.cpus=0,1,2,3,0,1,2",
                   "bulkhead.txt: alpha: cpus: lists 5 cores; at most 4 are "
                   "allowed");
    assert_refused("alpha.memory=",
                   "bulkhead.txt: alpha: memory: must be one string in double quotes, not "
                   "empty");
    assert_refused("alpha.console=loud",
                   "bulkhead.txt: alpha: console: \"loud\"; allowed are \"shown\" and "
                   "\"hidden\"");
    assert_refused("alpha.kernel=mine",
                   "bulkhead.txt: alpha: kernel: not here; memory, cpus and console");
    assert_refused("\ngamma.memory=1G", "bulkhead.txt: gamma: memory: no such VM");
    assert_refused("\n\nmemory", "bulkhead.txt: line 3 is not VM.PROPERTY=VALUE");
    assert_refused("alpha=1.0", "bulkhead.txt: line 1 is not VM.PROPERTY=VALUE");
    assert_refused("memory=1G", "bulkhead.txt: line 1 is not VM.PROPERTY=VALUE");
}

static void test_what_is_no_text(void **state)
{
    char line[200];
    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    assert_refused(line, "bulkhead.txt: line 1 is not VM.PROPERTY=VALUE");
    assert_false(config_override("\n\0a", 3, &config, &why));
    assert_string_equal(why.text, "bulkhead.txt: line 2 is not VM.PROPERTY=VALUE");
    line[0] = '#'; /* a comment may be long */
    assert_true(apply(line));
    assert_refused("al\033[2J.memory=1G", "bulkhead.txt: line 1 is not VM.PROPERTY=VALUE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines, setup),
        cmocka_unit_test_setup(test_a_share_replaces_an_amount, setup),
        cmocka_unit_test_setup(test_nothing_to_do, setup),
        cmocka_unit_test_setup(test_cores_are_exchanged, setup),
        cmocka_unit_test_setup(test_refusals, setup),
        cmocka_unit_test_setup(test_what_is_no_text, setup),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(blob.data);
    return failed;
}
