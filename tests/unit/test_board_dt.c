// sources: core/board_dt.c core/board_nodes.c core/board_bus.c core/dtb.c core/refuse.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/machine.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct device_match matches[] = {
    {"arm,pl011", DEV_PL011},
    {"brcm,bcm2835-aux-uart", DEV_MINI_UART},
    {"arm,gic-400", DEV_GIC},
    {"brcm,bcm2711-emmc2", DEV_SDHCI},
    {"brcm,bcm2835-mbox", DEV_MAILBOX},
    {"brcm,bcm2711-rng200", DEV_RNG},
    {"brcm,bcm2711-pm", DEV_WATCHDOG},
    {"brcm,bcm2711-gpio", DEV_GPIO},
    {"arm,armv8-timer", DEV_TIMER},
    {"brcm,bcm2711-genet-v5", DEV_ETHERNET},
    {"test,other-parent", DEV_PCIE},
    {"test,not-addressable", DEV_USB},
    {NULL, 0},
};

static struct machine m;
static struct refusal why;

static bool read_blob(struct blob b)
{
    bool ok;
    why.text[0] = '\0';
    ok = machine_read(b.data, b.bytes, matches, &m, &why);
    free(b.data);
    return ok;
}

static void read_board(const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "tests/data/board-%s.dts", name);
    assert_true(read_blob(dts_file(path)));
}

/* board.dtsi, a memory node, and more. */
#define WITH(more) \
    dts_text("/include/ \"%s/tests/data/board-1g.dts\"\n/ {\n" more "\n};", getcwd_())

static const char *getcwd_(void)
{
    static char path[512];
    return getcwd(path, sizeof(path));
}

static void assert_range(struct range r, uint64_t base, uint64_t size)
{
    assert_int_equal(r.base, base);
    assert_int_equal(r.size, size);
}

static void test_ram_of_1_2_4_8_gb(void **state)
{
    (void)state;
    read_board("1g");
    assert_int_equal(m.nram, 1);
    assert_range(m.ram[0], 0, 0x3b400000);
    read_board("2g");
    assert_int_equal(m.nram, 2);
    assert_range(m.ram[1], 0x40000000, 0x40000000);
    read_board("4g");
    assert_int_equal(m.nram, 2);
    assert_range(m.ram[1], 0x40000000, 0xbc000000);
    read_board("8g");
    assert_int_equal(m.nram, 3);
    assert_range(m.ram[0], 0, 0x3b400000);
    assert_range(m.ram[1], 0x40000000, 0xbc000000);
    assert_range(m.ram[2], 0x100000000, 0x100000000);
}

static void test_ram_nodes_of_any_name_are_sorted_and_merged(void **state)
{
    (void)state;
    assert_true(read_blob(
        WITH("ram@80000000 { device_type = \"memory\"; reg = <0 0x80000000 0x1000>; };"
             "ram@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0x40000000>; };"
             "off@90000000 { device_type = \"memory\"; reg = <0 0x90000000 0x1000>; "
             "status = \"disabled\"; };"
             "none@0 { device_type = \"memory\"; reg = <0 0 0>; };")));
    assert_int_equal(m.nram, 2);
    assert_range(m.ram[0], 0, 0x3b400000);
    assert_range(m.ram[1], 0x40000000, 0x40001000);
}

static void test_two_size_cells(void **state)
{
    (void)state;
    assert_true(read_blob(dts_text(
        "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"
        "memory@0 { device_type = \"memory\"; reg = <1 0 1 0>, <0 0x1000 0 0x2000>; };"
        "cpus { #address-cells = <2>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <1 "
        "2>; }; }; };")));
    assert_int_equal(m.nram, 2);
    assert_range(m.ram[0], 0x1000, 0x2000);
    assert_range(m.ram[1], 0x100000000, 0x100000000);
    assert_int_equal(m.cpus[0].mpidr, 0x100000002);
    assert_null(machine_device(&m, DEV_GIC));
}

static void test_ram_beyond_the_address_space_is_cut(void **state)
{
    (void)state;
    assert_true(read_blob(dts_text(
        "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;"
        "memory@0 { device_type = \"memory\"; reg = <0 0x1000 0xffffffff 0xffffffff>, "
        "<0xffffffff 0xfffff000 0 0x2000>; };"
        "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = "
        "<0>; }; }; };")));
    assert_int_equal(m.nram, 1);
    assert_range(m.ram[0], 0x1000, (UINT64_C(1) << 44) - 0x1000);
}

static void test_reservations(void **state)
{
    (void)state;
    read_board("1g");
    assert_int_equal(m.nreserved, 2);
    assert_range(m.reserved[0], 0x3b3f0000, 0x1000);
    assert_range(m.reserved[1], 0, 0x1000);
}

static void test_cores(void **state)
{
    (void)state;
    read_board("1g");
    assert_int_equal(m.ncpus, 4);
    assert_int_equal(m.cpus[1].mpidr, 1);
    assert_int_equal(m.cpus[1].release_addr, 0xe0);
    assert_string_equal(m.cpus[1].enable_method, "spin-table");
    assert_true(m.cpus[1].enabled);
    assert_string_equal(m.cpus[2].enable_method, "psci");
    assert_int_equal(m.cpus[2].release_addr, 0);
    assert_int_equal(m.cpus[3].release_addr, 0xf0); /* a 32-bit one */
    assert_false(m.cpus[3].enabled);
}

static void test_devices_are_translated_through_their_buses(void **state)
{
    const struct device *d;
    (void)state;
    read_board("4g");
    d = machine_device(&m, DEV_PL011);
    assert_non_null(d);
    assert_range(d->reg[0], 0xfe201000, 0x200);
    assert_int_equal(d->nirqs, 1);
    assert_int_equal(d->intid[0], 153);
    assert_string_equal(d->path, "/soc/serial@7e201000");
    assert_string_equal(d->compatible, "arm,pl011");
    assert_true(d->enabled);
    d = machine_device(&m, DEV_MINI_UART);
    assert_range(d->reg[0], 0xfe215040, 0x40);
    assert_int_equal(d->intid[0], 125);
    assert_true(d->enabled);
    d = machine_device(&m, DEV_GIC);
    assert_int_equal(d->nregs, 4);
    assert_range(d->reg[0], 0xff841000, 0x1000);
    assert_range(d->reg[3], 0xff846000, 0x2000);
    assert_int_equal(d->intid[0], 25);
    d = machine_device(&m, DEV_ETHERNET);
    assert_range(d->reg[0], 0xfd580000, 0x10000);
    assert_int_equal(d->intid[1], 190);
    assert_false(machine_device(&m, DEV_RNG)->enabled);
    assert_int_equal(machine_device(&m, DEV_GPIO)->nirqs, 4); /* as many as there is room for */
    assert_int_equal(machine_device(&m, DEV_USB)->nregs, 0);
}

static void test_private_interrupts_and_foreign_parents(void **state)
{
    const struct device *timer;
    (void)state;
    read_board("1g");
    timer = machine_device(&m, DEV_TIMER);
    assert_int_equal(timer->nirqs, 4);
    assert_int_equal(timer->intid[2], 27);
    assert_int_equal(timer->intid[3], 26);
    assert_int_equal(timer->nregs, 0);
    assert_int_equal(machine_device(&m, DEV_PCIE)->nirqs, 0);
}

static void test_dma_windows(void **state)
{
    const struct device *d;
    (void)state;
    read_board("1g");
    d = machine_device(&m, DEV_SDHCI);
    assert_range(d->reg[0], 0xfe340000, 0x100);
    assert_int_equal(d->intid[0], 158);
    assert_int_equal(d->dma_offset, 0xc0000000);
    assert_range(d->dma, 0, 0x40000000);
    d = machine_device(&m, DEV_ETHERNET); /* its bus says nothing: the same addresses */
    assert_int_equal(d->dma_offset, 0);
    assert_int_equal(d->dma.size, 0);
}

static void test_dma_window_as_a_later_stepping_has_it(void **state)
{
    const struct device *d;
    (void)state;
    assert_true(read_blob(WITH("emmc2bus { dma-ranges = <0 0 0 0 0xfc000000>; };")));
    d = machine_device(&m, DEV_SDHCI);
    assert_int_equal(d->dma_offset, 0);
    assert_range(d->dma, 0, 0xfc000000);
}

static void test_windows_cover_every_device_and_no_ram(void **state)
{
    static const char *const boards[] = {"1g", "2g", "4g", "8g"};
    (void)state;
    for (unsigned b = 0; b < ARRAY_SIZE(boards); b++) {
        read_board(boards[b]);
        assert_int_equal(m.nwindows, 1); /* the three of soc and emmc2bus and scb touch */
        assert_range(m.windows[0], 0xfc000000, 0x04000000);
        for (unsigned i = 0; i < m.nram; i++)
            assert_false(
                ranges_overlap(m.windows[0].base, m.windows[0].size, m.ram[i].base, m.ram[i].size));
    }
}

static void test_a_device_beyond_its_bus_window(void **state)
{
    (void)state;
    assert_true(read_blob(WITH("soc { gpu@7f900000 { compatible = \"test,not-addressable\"; "
                               "reg = <0x7f900000 0x1000>; }; };")));
    for (unsigned i = 0; i < m.ndevices; i++)
        if (m.devices[i].kind == DEV_USB)
            assert_int_equal(m.devices[i].nregs, 0);
    assert_int_equal(m.nwindows, 1);
}

/* It begins inside the window that the bus decodes, and ends outside. */
static void test_a_device_across_its_bus_windows_end(void **state)
{
    (void)state;
    assert_true(read_blob(WITH("soc { gpu@7effff00 { compatible = \"test,not-addressable\"; "
                               "reg = <0x7e000000 0x7fffffff>; }; };")));
    for (unsigned i = 0; i < m.ndevices; i++)
        if (m.devices[i].kind == DEV_USB)
            assert_int_equal(m.devices[i].nregs, 0);
}

static void test_children_of_a_disabled_bus_are_disabled(void **state)
{
    (void)state;
    assert_true(read_blob(WITH("scb { status = \"disabled\"; };")));
    assert_false(machine_device(&m, DEV_ETHERNET)->enabled);
    assert_true(machine_device(&m, DEV_SDHCI)->enabled);
}

static void test_stdout_by_alias_and_by_path(void **state)
{
    (void)state;
    read_board("1g");
    assert_string_equal(m.stdout_path, "/soc/serial@7e215040");
    assert_true(read_blob(WITH("chosen { stdout-path = \"/soc/serial@7e201000:115200\"; };")));
    assert_string_equal(m.stdout_path, "/soc/serial@7e201000");
    assert_true(read_blob(WITH("chosen { stdout-path = \"serial9\"; };")));
    assert_string_equal(m.stdout_path, "");
}

static void test_identity_and_seed(void **state)
{
    static const uint8_t seed[24] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
                                     0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    (void)state;
    read_board("1g");
    assert_string_equal(m.model, "Raspberry Pi 4 Model B Rev 1.4");
    assert_string_equal(m.compatible[0], "raspberrypi,4-model-b");
    assert_string_equal(m.compatible[1], "brcm,bcm2711");
    assert_string_equal(m.compatible[2], "");
    assert_int_equal(m.seed_bytes, sizeof(seed));
    assert_memory_equal(m.seed, seed, sizeof(seed));
}

static void test_boot_files(void **state)
{
    (void)state;
    assert_true(read_blob(
        WITH("chosen { bulkhead {"
             "file0 { path = \"vmlinuz\"; reg = <0x04000000 0x1234567>; };"
             "file1 { path = \"initrd.img\"; reg = <0x06000000 0x1000>; };"
             "outside { path = \"outside\"; reg = <0x3b3ff000 0x2000>; };"
             "empty { path = \"empty\"; reg = <0x07000000 0>; };"
             "long { path = \"a-name-that-is-longer-than-any-could-be\"; reg = <0x07000000 1>; };"
             "short { path = \"short\"; reg = <0x07000000>; };"
             "nameless { reg = <0x07000000 1>; };"
             "}; };")));
    assert_int_equal(m.nfiles, 2);
    assert_non_null(machine_file(&m, "initrd.img"));
    assert_int_equal(machine_file(&m, "vmlinuz")->pa.v, 0x04000000);
    assert_int_equal(machine_file(&m, "vmlinuz")->size, 0x1234567);
    assert_null(machine_file(&m, "outside"));
}

static void test_garbage_is_refused(void **state)
{
    struct blob b;
    (void)state;
    assert_false(
        read_blob(blob_copy("not a device tree at all, only some text of 60 characters", 56)));
    assert_non_null(strstr(why.text, "no valid header"));
    assert_false(read_blob(blob_copy("short", 6)));
    b = dts_file("tests/data/board-1g.dts");
    b.bytes -= 1;
    assert_false(read_blob(blob_copy(b.data, b.bytes)));
    assert_non_null(strstr(why.text, "truncated"));
    free(b.data);
    assert_false(read_blob(dts_file("tests/data/board.dtsi")));
    assert_non_null(strstr(why.text, "no RAM"));
    assert_false(read_blob(
        dts_text("/dts-v1/; / { memory@0 { device_type = \"memory\"; reg = <0 0 0x1000>; }; };")));
    assert_non_null(strstr(why.text, "no cores"));
}

static void test_more_than_fits_is_refused_or_left_out(void **state)
{
    char text[8192];
    size_t used = 0;
    (void)state;
    for (unsigned i = 0; i < MAX_RESERVED + 1; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "/memreserve/ 0x%x 0x1000;\n",
                                 0x10000 + i * 0x10000);
    assert_false(read_blob(dts_text("/dts-v1/; %s / { cpus { #address-cells = <1>; #size-cells = "
                                    "<0>; cpu@0 { device_type = \"cpu\"; reg = <0>; }; }; };",
                                    text)));
    assert_non_null(strstr(why.text, "reservations"));

    used = 0;
    for (unsigned i = 0; i < MAX_RAM_REGIONS + 1; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "<0 0x%x 0x1000>%s", i * 0x10000,
                                 i < MAX_RAM_REGIONS ? ", " : "");
    assert_false(read_blob(
        dts_text("/dts-v1/; / { memory@0 { device_type = \"memory\"; reg = %s; }; };", text)));
    assert_non_null(strstr(why.text, "pieces"));
}

static void test_an_enabled_device_takes_a_disabled_ones_place(void **state)
{
    char text[8192];
    size_t used = 0;
    (void)state;
    for (unsigned i = 0; i < MAX_DEVICES; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "aux@%x { compatible = \"brcm,bcm2835-aux-uart\"; reg = <0 %u 1>; "
                                 "status = \"disabled\"; };",
                                 i, i);
    assert_true(read_blob(
        dts_text("/dts-v1/; / { cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { "
                 "device_type = \"cpu\"; reg = <0>; }; }; memory@0 { device_type = \"memory\"; reg "
                 "= <0 0 0x1000>; }; %s gic { compatible = \"arm,gic-400\"; }; };",
                 text)));
    assert_int_equal(m.ndevices, MAX_DEVICES);
    assert_non_null(machine_device(&m, DEV_GIC));
}

static void test_deep_nesting_is_refused(void **state)
{
    char open[1024] = "", close[1024] = "";
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        strcat(open, "n { ");
        strcat(close, "}; ");
    }
    assert_false(read_blob(dts_text("/dts-v1/; / { %s %s };", open, close)));
    assert_non_null(strstr(why.text, "too deep"));
}

static void put32(uint8_t *to, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A blob by hand: its structure block last, so that a step beyond leaves the memory block. */
static struct blob handmade(const char *strings, uint32_t strings_bytes, const char *structure,
                            uint32_t structure_bytes)
{
    uint8_t b[256] = {0};
    const uint32_t at = 40 + 16 + 16, total = at + structure_bytes;
    const uint32_t header[10] = {0xd00dfeed,    total,          at, 56, 40, 17, 16, 0,
                                 strings_bytes, structure_bytes};
    for (unsigned i = 0; i < 10; i++)
        put32(b + 4 * i, header[i]);
    memcpy(b + 56, strings, strings_bytes);
    memcpy(b + at, structure, structure_bytes);
    return blob_copy(b, total);
}

#define HANDMADE(strings, structure) \
    handmade(strings, sizeof(strings) - 1, structure, sizeof(structure) - 1)

static void test_blobs_that_end_early(void **state)
{
    (void)state;
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1name")));
    assert_non_null(strstr(why.text, "malformed"));
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\5\0\0\0\0aaaa")));
    assert_non_null(strstr(why.text, "malformed"));
    assert_false(
        read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0\0\0\0\3\xff\xff\xff\xf8\0\0\0\0aaaa")));
    assert_non_null(strstr(why.text, "malformed"));
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0")));
    assert_non_null(strstr(why.text, "malformed"));
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0")));
    assert_non_null(strstr(why.text, "malformed"));
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0\0\0\0\1aliases")));
    assert_non_null(strstr(why.text, "malformed"));
    /* A length that would wrap the offset back to the value. */
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0\0\0\0\3\xff\xff\xff\xfd\0\0\0\0"
                                             "\0\0\0\2\0\0\0\x9")));
    assert_non_null(strstr(why.text, "malformed"));
    assert_false(read_blob(HANDMADE("reg", "\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\x9")));
    assert_non_null(strstr(why.text, "not terminated"));
    assert_false(read_blob(HANDMADE("reg\0", "\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\x9")));
    assert_non_null(strstr(why.text, "no RAM"));
}

/* Random damage: whatever comes out, the sanitizers see a step outside the blob. */
static void damage(struct blob original, unsigned rounds)
{
    uint64_t random = 2711;
    unsigned accepted = 0;
    for (unsigned i = 0; i < rounds; i++) {
        struct blob b = blob_copy(original.data, original.bytes);
        unsigned flips = 1 + next_random(&random) % 8;
        for (unsigned k = 0; k < flips; k++) {
            /* Often in the header and the first nodes, else anywhere. */
            uint32_t reach = next_random(&random) % 2 ? 64 : (uint32_t)b.bytes;
            b.data[next_random(&random) % reach] ^= (uint8_t)(1u << next_random(&random) % 8);
        }
        if (next_random(&random) % 4 == 0)
            b.bytes = next_random(&random) % (b.bytes + 1);
        b = (struct blob){b.data, b.bytes};
        accepted += read_blob(blob_copy(b.data, b.bytes ? b.bytes : 1));
        free(b.data);
    }
    assert_in_range(accepted, 1, rounds - 1);
}

static void test_damaged_trees(void **state)
{
    struct blob b = dts_file("tests/data/board-8g.dts");
    (void)state;
    damage(b, 3000);
    free(b.data);
}

/* Debian's own file, where the build has it. Its memory node is empty: the firmware fills it in. */
static void test_debians_tree(void **state)
{
    const char *cache = getenv("BULKHEAD_CACHE");
    char path[512];
    struct blob b;
    (void)state;
    snprintf(path, sizeof(path), "%s/firmware/bcm2711-rpi-4-b.dtb", cache ? cache : "build/cache");
    b = blob_file(path);
    if (!b.data)
        skip();
    assert_false(machine_read(b.data, b.bytes, matches, &m, &why));
    assert_non_null(strstr(why.text, "no RAM"));
    assert_string_equal(m.stdout_path, "/soc/serial@7e215040");
    assert_int_equal(m.ncpus, 4);
    assert_int_equal(m.cpus[3].release_addr, 0xf0);
    assert_range(machine_device(&m, DEV_SDHCI)->reg[0], 0xfe340000, 0x100);
    assert_int_equal(machine_device(&m, DEV_SDHCI)->dma_offset, 0xc0000000);
    assert_range(machine_device(&m, DEV_GIC)->reg[2], 0xff844000, 0x2000);
    assert_int_equal(machine_device(&m, DEV_TIMER)->intid[3], 26);
    assert_range(machine_device(&m, DEV_ETHERNET)->reg[0], 0xfd580000, 0x10000);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ram_of_1_2_4_8_gb),
        cmocka_unit_test(test_ram_nodes_of_any_name_are_sorted_and_merged),
        cmocka_unit_test(test_two_size_cells),
        cmocka_unit_test(test_ram_beyond_the_address_space_is_cut),
        cmocka_unit_test(test_reservations),
        cmocka_unit_test(test_cores),
        cmocka_unit_test(test_devices_are_translated_through_their_buses),
        cmocka_unit_test(test_private_interrupts_and_foreign_parents),
        cmocka_unit_test(test_dma_windows),
        cmocka_unit_test(test_dma_window_as_a_later_stepping_has_it),
        cmocka_unit_test(test_windows_cover_every_device_and_no_ram),
        cmocka_unit_test(test_a_device_beyond_its_bus_window),
        cmocka_unit_test(test_a_device_across_its_bus_windows_end),
        cmocka_unit_test(test_blobs_that_end_early),
        cmocka_unit_test(test_children_of_a_disabled_bus_are_disabled),
        cmocka_unit_test(test_stdout_by_alias_and_by_path),
        cmocka_unit_test(test_identity_and_seed),
        cmocka_unit_test(test_boot_files),
        cmocka_unit_test(test_garbage_is_refused),
        cmocka_unit_test(test_more_than_fits_is_refused_or_left_out),
        cmocka_unit_test(test_an_enabled_device_takes_a_disabled_ones_place),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_damaged_trees),
        cmocka_unit_test(test_debians_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
