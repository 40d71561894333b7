// sources: core/config.c core/config_values.c core/dtb.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/config.h>
#include <cmocka.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

static struct config config;
static struct refusal why;
static struct blob blob; /* the parsed strings point into it */

static bool parse(struct blob b)
{
    free(blob.data);
    blob = b;
    return config_parse(b.data, b.bytes, &config, &why);
}

#define ROOT(text)  "/dts-v1/; / { compatible = \"bulkhead,vms-1\"; " text " };"
#define VMS(text)   ROOT("vms { " text " };")
#define GOOD        "cpus = <0>; memory = \"64M\"; kernel = \"vmlinuz\";"
/* One VM that is right but for `text`. */
#define ALPHA(text) VMS("alpha { " text " };")

static void assert_refused(struct blob b, const char *sentence)
{
    assert_false(parse(b));
    assert_string_equal(why.text, sentence);
}

/* dts_text() takes a format. */
#define REFUSED(text, sentence) assert_refused(dts_text("%s", text), sentence)

static void assert_accepted(struct blob b)
{
    if (!parse(b))
        fail_msg("refused: %s", why.text);
}

static void test_everything_that_can_be_said(void **state)
{
    const struct vm_config *vm;
    (void)state;
    assert_accepted(dts_text(
        "%s", VMS("alpha { cpus = <1 0>; memory = \"384M\"; kernel = \"vmlinuz\"; initrd = "
                  "\"initrd.img\"; bootargs = \"root=/dev/vda rw\"; console = \"shown\"; disks { "
                  "root { partition = \"alpha root\"; image = \"debian-12\"; size = \"1792M\"; };"
                  "data { partition = \"shared\"; read-only; }; }; };"
                  "b-2 { cpus = <2>; memory = \"40%\"; binary = \"test.elf\"; console = "
                  "\"hidden\"; disks { d { partition = \"shared\"; read-only; }; }; };"
                  "c { cpus = <3>; memory = \"1G\"; binary = \"x\"; disks { }; };")));
    assert_int_equal(config.nvms, 3);
    vm = &config.vms[0];
    assert_string_equal(vm->name, "alpha");
    assert_int_equal(vm->ncpus, 2);
    assert_int_equal(vm->cpus[0], 1);
    assert_int_equal(vm->cpus[1], 0);
    assert_int_equal(vm->memory, MIB(384));
    assert_int_equal(vm->memory_percent, 0);
    assert_string_equal(vm->kernel, "vmlinuz");
    assert_string_equal(vm->initrd, "initrd.img");
    assert_string_equal(vm->bootargs, "root=/dev/vda rw");
    assert_null(vm->binary);
    assert_false(vm->console_hidden);
    assert_int_equal(vm->ndisks, 2);
    assert_string_equal(vm->disks[0].name, "root");
    assert_string_equal(vm->disks[0].partition, "alpha root");
    assert_string_equal(vm->disks[0].image, "debian-12");
    assert_string_equal(vm->disks[0].size, "1792M");
    assert_false(vm->disks[0].read_only);
    assert_true(vm->disks[1].read_only);
    assert_null(vm->disks[1].image);
    vm = &config.vms[1];
    assert_string_equal(vm->name, "b-2");
    assert_int_equal(vm->memory, 0);
    assert_int_equal(vm->memory_percent, 40);
    assert_string_equal(vm->binary, "test.elf");
    assert_true(vm->console_hidden);
    assert_int_equal(config.vms[2].memory, GIB(1));
    assert_int_equal(config.vms[2].ndisks, 0);
}

static void test_boot(void **state)
{
    const char *const files[] = {"firmware.bin", "firmware.env"};
    (void)state;
#define MACHINE "cpus = <0>; memory = \"64M\"; "
    assert_accepted(dts_text("%s", ALPHA(MACHINE "boot = \"firmware\";")));
    assert_null(config.vms[0].kernel);
    assert_string_equal(config.vms[0].binary, "firmware.bin");
    assert_string_equal(config.vms[0].environment, "firmware.env");
    assert_true(config_check_files(&config.vms[0], files, 2, &why));
    assert_false(config_check_files(&config.vms[0], files, 1, &why));
    assert_string_equal(why.text, "alpha: boot: no file \"firmware.env\" was loaded from the boot "
                                  "partition; there are: firmware.bin");
    assert_accepted(dts_text("%s", ALPHA(GOOD "boot = \"kernel\";")));
    assert_null(config.vms[0].environment);
    REFUSED(ALPHA(GOOD "boot = \"disk\";"),
            "alpha: boot: \"disk\"; allowed are \"kernel\" and \"firmware\"");
    REFUSED(ALPHA(GOOD "boot = \"firmware\";"),
            "alpha: boot: \"firmware\" starts what the disk holds, no file");
    REFUSED(ALPHA(MACHINE "binary = \"x\"; boot = \"firmware\";"),
            "alpha: boot: \"firmware\" starts what the disk holds, no file");
    REFUSED(ALPHA(MACHINE "boot = \"firmware\"; bootargs = \"x\";"),
            "alpha: bootargs: are for a kernel; this VM starts a binary");
}

static void test_the_default_card(void **state)
{
    (void)state;
    assert_accepted(dts_file("guests/vms.dts"));
    assert_int_equal(config.nvms, 2);
}

static void test_structure(void **state)
{
    (void)state;
    REFUSED("/dts-v1/; / { vms { a { " GOOD " }; }; };",
            "/: compatible: is missing: \"bulkhead,vms-1\"");
    REFUSED("/dts-v1/; / { compatible = \"linux,dummy\"; };",
            "/: compatible: must be \"bulkhead,vms-1\"");
    REFUSED(ROOT(""), "/: vms: is missing: the node with a node for each VM");
    REFUSED(ROOT("wms { };"), "/: unknown node \"wms\"; allowed is one node vms");
    REFUSED(ROOT("model = \"x\"; vms { };"),
            "/: unknown property \"model\"; allowed are: compatible");
    REFUSED(VMS(""), "vms: there is no VM; at least one is needed");
    REFUSED(VMS("x = <1>;"), "vms: unknown property \"x\"; allowed are:");
    REFUSED(ALPHA(GOOD "colour = \"red\";"),
            "alpha: unknown property \"colour\"; allowed are: cpus memory console boot kernel "
            "initrd bootargs binary on-crash on-reset restart-limit stop-timeout no-autostart "
            "sets-clock");
    REFUSED(ALPHA(GOOD "nets { };"), "alpha: unknown node \"nets\"; allowed is one node disks");
    REFUSED(ALPHA(GOOD "disks { a = <1>; };"),
            "alpha: disks: unknown property \"a\"; allowed are:");
    REFUSED(ALPHA(GOOD "disks { d { partition = \"p\"; x { }; }; };"),
            "alpha: disks/d: unknown node \"x\"; none is allowed here");
    REFUSED(ALPHA(GOOD "disks { d { partition = \"p\"; label = \"q\"; }; };"),
            "alpha: disks/d: unknown property \"label\"; allowed are: partition read-only image "
            "size");
}

static void test_names(void **state)
{
    (void)state;
    REFUSED(VMS("Alpha { " GOOD " };"),
            "vms \"Alpha\": a name is a small letter, then small letters, digits and -, at most 31 "
            "characters");
    REFUSED(VMS("1st { " GOOD " };"),
            "vms \"1st\": a name is a small letter, then small letters, digits and -, at most 31 "
            "characters");
    REFUSED(VMS("alpha@1 { " GOOD " };"),
            "vms \"alpha@1\": a name is a small letter, then small letters, digits and -, at most "
            "31 characters");
    REFUSED(VMS("abcdefghijabcdefghijabcdefghijxy { " GOOD " };"),
            "vms \"abcdefghijabcdefghijabcdefghijxy\": a name is a small letter, then small "
            "letters, digits and -, at most 31 characters");
    assert_accepted(dts_text("%s", VMS("abcdefghijabcdefghijabcdefghijx { " GOOD " };")));
    REFUSED(VMS("bulkhead { " GOOD " };"),
            "bulkhead: name: is the hypervisor's own; call the VM something else");
    REFUSED(VMS("a { " GOOD " }; b { cpus = <1>; memory = \"64M\"; binary = \"b\"; };"
                "c { cpus = <2>; memory = \"64M\"; binary = \"b\"; };"
                "d { cpus = <3>; memory = \"64M\"; binary = \"b\"; };"
                "e { cpus = <3>; memory = \"64M\"; binary = \"b\"; };"),
            "e: name: is one VM too many; there can be 4");
    REFUSED(ALPHA(GOOD "disks { D { partition = \"p\"; }; };"),
            "alpha: disks \"D\": a name is a small letter, then small letters, digits and -, at "
            "most 31 characters");
}

/* dtc merges nodes and properties of one name, so these are made by hand from ones of equal length.
 */
static struct blob renamed(struct blob b, const char *from, const char *to)
{
    size_t n = strlen(from);
    for (size_t i = 0; i + n <= b.bytes; i++)
        if (memcmp(b.data + i, from, n) == 0)
            memcpy(b.data + i, to, n);
    return b;
}

static void test_duplicates(void **state)
{
    (void)state;
    assert_refused(renamed(dts_text("%s", VMS("alpha { " GOOD " }; alphb { cpus = <1>; memory = "
                                              "\"64M\"; kernel = \"k\"; };")),
                           "alphb", "alpha"),
                   "alpha: name: there are two VMs of this name");
    assert_refused(
        renamed(dts_text("%s", ALPHA(GOOD "initrd = \"i\"; initre = \"i\";")), "initre", "initrd"),
        "alpha: initrd: is given twice");
    assert_refused(renamed(dts_text("%s", ALPHA(GOOD "disks { da { partition = \"p\"; }; db { "
                                                     "partition = \"q\"; }; };")),
                           "db", "da"),
                   "alpha: disks: da: there are two disks of this name");
    assert_refused(renamed(dts_text("%s", ALPHA(GOOD "disks { }; diskt { };")), "diskt", "disks"),
                   "alpha: unknown node \"disks\"; allowed is one node disks");
}

static void test_cpus(void **state)
{
    (void)state;
    REFUSED(ALPHA("memory = \"64M\"; kernel = \"k\";"),
            "alpha: cpus: is missing: the VM's cores, as <0 1>");
    REFUSED(ALPHA("cpus; memory = \"64M\"; kernel = \"k\";"),
            "alpha: cpus: must be a list of cores in angle brackets, as <0 1>");
    REFUSED(
        ALPHA("cpus = \"0-1\"; memory = \"64M\"; kernel = \"k\";") /* 4 bytes: core 0x302d3100 */,
        "alpha: cpus: there is no core 808268032; allowed are 0 to 3");
    REFUSED(ALPHA("cpus = \"01\"; memory = \"64M\"; kernel = \"k\";"),
            "alpha: cpus: must be a list of cores in angle brackets, as <0 1>");
    REFUSED(ALPHA("cpus = <0 1 2 3 0>; memory = \"64M\"; kernel = \"k\";"),
            "alpha: cpus: lists 5 cores; at most 4 are allowed");
    REFUSED(ALPHA("cpus = <4>; memory = \"64M\"; kernel = \"k\";"),
            "alpha: cpus: there is no core 4; allowed are 0 to 3");
    REFUSED(ALPHA("cpus = <2 2>; memory = \"64M\"; kernel = \"k\";"),
            "alpha: cpus: core 2 is listed twice");
    REFUSED(VMS("alpha { cpus = <2>; memory = \"64M\"; kernel = \"k\"; };"
                "beta { cpus = <1 2>; memory = \"64M\"; kernel = \"k\"; };"),
            "beta: cpus: core 2 also belongs to \"alpha\"; each core can serve one VM");
}

static void test_cores_of_the_board(void **state)
{
    (void)state;
    assert_accepted(dts_text("%s", ALPHA("cpus = <3>; memory = \"64M\"; kernel = \"k\";")));
    assert_true(config_check_cpus(&config, 4, &why));
    assert_false(config_check_cpus(&config, 3, &why));
    assert_string_equal(why.text,
                        "alpha: cpus: there is no core 3; the board has 3, counted from 0");
}

#define MEMORY(text) ALPHA("cpus = <0>; kernel = \"k\"; memory = \"" text "\";")

static void test_memory(void **state)
{
    static const char *const bad[] = {"",    "M",    "64",        "64K",   "64m",
                                      "-1M", "1.5G", "12345678M", "64MiB", " 64M"};
    (void)state;
    for (unsigned i = 1; i < ARRAY_SIZE(bad); i++) {
        assert_false(parse(dts_text(MEMORY("%s"), bad[i])));
        assert_non_null(strstr(why.text, "is not an amount; allowed are MiB as \"384M\""));
    }
    REFUSED(MEMORY(""), "alpha: memory: must be one string in double quotes, not empty");
    REFUSED(ALPHA("cpus = <0>; kernel = \"k\";"),
            "alpha: memory: is missing: as \"384M\", \"1G\" or \"40%\"");
    REFUSED(ALPHA("cpus = <0>; kernel = \"k\"; memory = <0x40000000>;"),
            "alpha: memory: must be one string in double quotes, not empty");
    REFUSED(MEMORY("30M"), "alpha: memory: \"30M\" is too little; at least 32M are needed");
    REFUSED(MEMORY("0G"), "alpha: memory: \"0G\" is too little; at least 32M are needed");
    REFUSED(MEMORY("33M"), "alpha: memory: \"33M\" is not a multiple of 2 MiB");
    REFUSED(MEMORY("0%"), "alpha: memory: \"0%\": a share is from 1% to 100%");
    REFUSED(MEMORY("101%"), "alpha: memory: \"101%\": a share is from 1% to 100%");
    assert_accepted(dts_text("%s", MEMORY("32M")));
    assert_accepted(dts_text("%s", MEMORY("100%")));
    assert_accepted(dts_text("%s", MEMORY("9999999G")));
    assert_int_equal(config.vms[0].memory, GIB(9999999));
}

static void test_what_to_start(void **state)
{
    (void)state;
    REFUSED(ALPHA("cpus = <0>; memory = \"64M\";"),
            "alpha: kernel: is missing: a kernel or a binary is what the VM starts");
    REFUSED(ALPHA(GOOD "binary = \"b\";"),
            "alpha: binary: stands beside kernel; a VM starts one of the two");
    REFUSED(ALPHA("cpus = <0>; memory = \"64M\"; binary = \"b\"; initrd = \"i\";"),
            "alpha: initrd: is for a kernel; this VM starts a binary");
    REFUSED(ALPHA("cpus = <0>; memory = \"64M\"; binary = \"b\"; bootargs = \"i\";"),
            "alpha: bootargs: are for a kernel; this VM starts a binary");
    REFUSED(ALPHA(GOOD "initrd = \"a/b\";"),
            "alpha: initrd: \"a/b\" is not a file's name on the boot partition; allowed are "
            "letters, digits and . _ + -");
    REFUSED(ALPHA(GOOD "initrd = \"a;reset\";"),
            "alpha: initrd: \"a;reset\" is not a file's name on the boot partition; allowed are "
            "letters, digits and . _ + -");
    REFUSED(ALPHA(GOOD "initrd = \"..\";"),
            "alpha: initrd: \"..\" is not a file's name on the boot partition; allowed are "
            "letters, digits and . _ + -");
    REFUSED(ALPHA(GOOD "initrd = \"Seed.BIN\";"),
            "alpha: initrd: \"Seed.BIN\" is a file of the hypervisor's own");
    REFUSED(ALPHA(GOOD "initrd = \"abcdefghijabcdefghijabcdefghijxy\";"),
            "alpha: initrd: is 32 characters long; at most 31 are allowed");
    REFUSED(ALPHA(GOOD "initrd = \"a\", \"b\";"),
            "alpha: initrd: must be one string in double quotes, not empty");
}

static void test_bootargs_and_console(void **state)
{
    char text[MAX_BOOTARGS + 1];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[MAX_BOOTARGS - 1] = '\0';
    assert_accepted(dts_text(ALPHA(GOOD "bootargs = \"%s\";"), text));
    assert_string_equal(config.vms[0].bootargs, text);
    text[MAX_BOOTARGS - 1] = 'x';
    text[MAX_BOOTARGS] = '\0';
    assert_refused(dts_text(ALPHA(GOOD "bootargs = \"%s\";"), text),
                   "alpha: bootargs: is 512 characters long; at most 511 are allowed");
    REFUSED(ALPHA(GOOD "bootargs = [61 1b 62 00];"),
            "alpha: bootargs: has a character that is not printable ASCII");
    REFUSED(ALPHA(GOOD "bootargs = [61 62];"),
            "alpha: bootargs: must be one string in double quotes, not empty");
    REFUSED(ALPHA(GOOD "console = \"loud\";"),
            "alpha: console: \"loud\"; allowed are \"shown\" and \"hidden\"");
}

#define DISK(text) ALPHA(GOOD "disks { root { " text " }; };")

static void test_disks(void **state)
{
    (void)state;
    REFUSED(DISK(""),
            "alpha: disks/root: partition: is missing: the name of a partition of the card");
    REFUSED(DISK("partition = \"abcdefghijabcdefghijabcdefghij1234567\";"),
            "alpha: disks/root: partition: is 37 characters long; at most 36 are allowed");
    assert_accepted(dts_text("%s", DISK("partition = \"abcdefghijabcdefghijabcdefghij123456\";")));
    REFUSED(DISK("partition = \"a/b\";"),
            "alpha: disks/root: partition: \"a/b\" has a character that is not allowed: letters, "
            "digits, spaces and . _ + - are");
    REFUSED(DISK("partition = \"bulkhead-boot\"; read-only;"),
            "alpha: disks/root: partition: \"bulkhead-boot\" is the hypervisor's own boot "
            "partition");
    REFUSED(DISK("partition = \"p\"; read-only = <1>;"),
            "alpha: disks/root: read-only: takes no value: it is there or it is not");
    REFUSED(DISK("partition = \"p\"; size = \"lots\";"),
            "alpha: disks/root: size: \"lots\" is not a size; allowed are MiB as \"1792M\", GiB as "
            "\"2G\"");
    REFUSED(DISK("partition = \"p\"; size = \"50%\";"),
            "alpha: disks/root: size: \"50%\" is not a size; allowed are MiB as \"1792M\", GiB as "
            "\"2G\"");
    REFUSED(ALPHA(GOOD "disks { a { partition = \"a\"; }; b { partition = \"b\"; }; c { partition "
                       "= \"c\"; }; d { partition = \"d\"; }; e { partition = \"e\"; }; };"),
            "alpha: disks: e: is one disk too many; a VM can have 4");
}

#define TWO(first, second)                                                                       \
    VMS("alpha { " GOOD " disks { root { partition = \"p\"; " first " }; }; };"                  \
        "beta { cpus = <1>; memory = \"64M\"; kernel = \"k\"; disks { own { partition = \"q\"; " \
        "}; same { partition = \"p\"; " second " }; }; };")

static void test_shared_partitions(void **state)
{
    static const char *const sentence =
        "beta: disks/same: partition: \"p\" is also alpha: disks/root; one is shared only if all "
        "its uses are read-only";
    (void)state;
    assert_accepted(dts_text("%s", TWO("read-only;", "read-only;")));
    REFUSED(TWO("", "read-only;"), sentence);
    REFUSED(TWO("read-only;", ""), sentence);
    REFUSED(TWO("", ""), sentence);
    REFUSED(ALPHA(GOOD "disks { a { partition = \"p\"; }; b { partition = \"p\"; }; };"),
            "alpha: disks/b: partition: \"p\" is also alpha: disks/a; one is shared only if all "
            "its uses are read-only");
}

static void test_files(void **state)
{
    static const char *const files[] = {"vms.dtb", "vmlinuz", "initrd.img"};
    (void)state;
    assert_accepted(dts_text("%s", ALPHA(GOOD "initrd = \"initrd.img\";")));
    assert_true(config_check_files(&config.vms[0], files, 3, &why));
    assert_false(config_check_files(&config.vms[0], files, 2, &why));
    assert_string_equal(why.text, "alpha: initrd: no file \"initrd.img\" was loaded from the boot "
                                  "partition; there are: vms.dtb vmlinuz");
    assert_false(config_check_files(&config.vms[0], files, 0, &why));
    assert_string_equal(why.text, "alpha: kernel: no file \"vmlinuz\" was loaded from the boot "
                                  "partition; there are: none");
    assert_accepted(dts_text("%s", ALPHA("cpus = <0>; memory = \"64M\"; binary = \"b\";")));
    assert_false(config_check_files(&config.vms[0], files, 3, &why));
}

static void test_sentences_leave_the_terminal_alone(void **state)
{
    (void)state;
    assert_refused(
        renamed(dts_text("%s", ALPHA(GOOD "colour = <1>;")), "colour", "col\033[m"),
        "alpha: unknown property \"col?[m\"; allowed are: cpus memory console boot kernel "
        "initrd bootargs binary on-crash on-reset restart-limit stop-timeout "
        "no-autostart sets-clock");
}

static void test_random_bytes_are_refused(void **state)
{
    uint64_t random = 1;
    (void)state;
    assert_refused(blob_copy("", 0), "vms.dtb is not a compiled vms.dts: it has no valid header");
    for (unsigned i = 0; i < 500; i++) {
        struct blob b = {malloc(4096), 4096};
        for (unsigned k = 0; k < b.bytes; k++)
            b.data[k] = (uint8_t)next_random(&random);
        assert_false(parse(b));
    }
}

static void test_damaged_files(void **state)
{
    struct blob good = dts_file("guests/vms.dts");
    uint64_t random = 12;
    unsigned accepted = 0, rounds = 20000;
    (void)state;
    for (unsigned i = 0; i < rounds; i++) {
        struct blob b = blob_copy(good.data, good.bytes);
        for (unsigned flips = 1 + next_random(&random) % 4; flips > 0; flips--)
            b.data[next_random(&random) % b.bytes] ^= (uint8_t)(1u << next_random(&random) % 8);
        if (parse(b))
            accepted++;
        else
            assert_true(why.text[0] != '\0');
    }
    assert_in_range(accepted, 1, rounds - 1);
    free(good.data);
}

static void test_truncated_files(void **state)
{
    struct blob good = dts_file("guests/vms.dts");
    (void)state;
    for (size_t n = 0; n < good.bytes; n++)
        assert_false(parse(blob_copy(good.data, n)));
    free(good.data);
}

/* libfdt would not look at these, and so not refuse them. */
static void test_a_property_after_a_node(void **state)
{
    static uint8_t buffer[1024];
    (void)state;
    fdt_create(buffer, sizeof(buffer));
    fdt_finish_reservemap(buffer);
    fdt_begin_node(buffer, "");
    fdt_property_string(buffer, "compatible", "bulkhead,vms-1");
    fdt_begin_node(buffer, "vms");
    fdt_begin_node(buffer, "alpha");
    fdt_property_u32(buffer, "cpus", 0);
    fdt_property_string(buffer, "memory", "64M");
    fdt_property_string(buffer, "kernel", "k");
    fdt_begin_node(buffer, "disks");
    fdt_end_node(buffer);
    fdt_property_string(buffer, "colour", "red");
    fdt_end_node(buffer);
    fdt_end_node(buffer);
    fdt_end_node(buffer);
    assert_int_equal(fdt_finish(buffer), 0);
    assert_refused(blob_copy(buffer, fdt_totalsize(buffer)),
                   "vms.dtb is not a compiled vms.dts: a property is out of its place");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_that_can_be_said),
        cmocka_unit_test(test_boot),
        cmocka_unit_test(test_the_default_card),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_cpus),
        cmocka_unit_test(test_cores_of_the_board),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_what_to_start),
        cmocka_unit_test(test_bootargs_and_console),
        cmocka_unit_test(test_disks),
        cmocka_unit_test(test_shared_partitions),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_sentences_leave_the_terminal_alone),
        cmocka_unit_test(test_random_bytes_are_refused),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_truncated_files),
        cmocka_unit_test(test_a_property_after_a_node),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(blob.data);
    return failed;
}
