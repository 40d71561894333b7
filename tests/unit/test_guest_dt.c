// sources: core/guest_dt.c core/entropy.c core/sha256.c core/board_dt.c core/board_nodes.c core/board_bus.c core/dtb.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_cache.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dts.h"
#include "unit.h"

#include <bulkhead/entropy.h>
#include <bulkhead/guest_dt.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/vm.h>
#include <libfdt.h>

static struct vm_config config;
static struct vm vm;
static uint64_t buffer[GUEST_DT_MAX / 8];
static const struct range no_initrd = {0, 0};

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&vm, 0, sizeof(vm));
    memset(buffer, 0xa5, sizeof(buffer));
    strcpy(config.name, "alpha");
    config.bootargs = "root=/dev/vda rw";
    config.ndisks = 2;
    vm.config = &config;
    vm.nvcpus = 2;
    vm.memory.bytes = MIB(384);
    return 0;
}

static int write_tree(struct range initrd)
{
    size_t bytes = guest_dt_write(&vm, initrd, buffer, sizeof(buffer));
    assert_in_range(bytes, 1, sizeof(buffer));
    assert_int_equal(fdt_check_header(buffer), 0);
    return (int)bytes;
}

static int node(const char *path)
{
    int offset = fdt_path_offset(buffer, path);
    if (offset < 0)
        fail_msg("no node %s", path);
    return offset;
}

static void assert_string(const char *path, const char *name, const char *text)
{
    assert_int_equal(fdt_stringlist_search(buffer, node(path), name, text), 0);
}

static void assert_cells(const char *path, const char *name, unsigned count, const uint32_t *cells)
{
    int bytes;
    const fdt32_t *value = fdt_getprop(buffer, node(path), name, &bytes);
    assert_non_null(value);
    assert_int_equal(bytes, 4 * count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fdt32_to_cpu(value[i]), cells[i]);
}

#define CELLS(path, name, ...)                                            \
    assert_cells(path, name, sizeof((const uint32_t[]){__VA_ARGS__}) / 4, \
                 (const uint32_t[]){__VA_ARGS__})

static void test_the_machine(void **state)
{
    (void)state;
    write_tree(no_initrd);
    CELLS("/", "#address-cells", 2);
    CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, 384 << 20);
    assert_string("/memory@40000000", "device_type", "memory");
    assert_string("/reserved-memory/ramoops@57ff0000", "compatible", "ramoops");
    CELLS("/reserved-memory/ramoops@57ff0000", "reg", 0, 0x57ff0000, 0, 0x10000);
    CELLS("/reserved-memory/ramoops@57ff0000", "record-size", 0x4000);
    assert_non_null(fdt_getprop(buffer, node("/reserved-memory"), "ranges", NULL));
    CELLS("/cpus/cpu@1", "reg", 1);
    assert_string("/cpus/cpu@1", "enable-method", "psci");
    assert_int_equal(fdt_path_offset(buffer, "/cpus/cpu@2"), -FDT_ERR_NOTFOUND);
    assert_string("/psci", "compatible", "arm,psci-1.0");
    assert_string("/psci", "method", "hvc");
    CELLS("/timer", "interrupts", 1, 13, 0x304, 1, 14, 0x304, 1, 11, 0x304, 1, 10, 0x304);
    CELLS("/intc@8000000", "reg", 0, 0x08000000, 0, 0x1000, 0, 0x08010000, 0, 0x2000);
    assert_int_equal(fdt_get_phandle(buffer, node("/intc@8000000")), 1);
    CELLS("/", "interrupt-parent", 1);
    CELLS("/pl011@9000000", "reg", 0, 0x09000000, 0, 0x1000);
    CELLS("/pl011@9000000", "interrupts", 0, 1, 4);
    CELLS("/pl011@9000000", "clocks", 2, 2);
    assert_int_equal(fdt_get_phandle(buffer, node("/apb-pclk")), 2);
    assert_string("/pl031@9010000", "compatible", "arm,pl031");
    CELLS("/pl031@9010000", "reg", 0, 0x09010000, 0, 0x1000);
    CELLS("/pl031@9010000", "clocks", 2);
    CELLS("/pl061@9030000", "reg", 0, 0x09030000, 0, 0x1000);
    CELLS("/pl061@9030000", "interrupts", 0, 7, 4);
    CELLS("/gpio-keys/power", "gpios", fdt_get_phandle(buffer, node("/pl061@9030000")), 3, 0);
    CELLS("/gpio-keys/power", "linux,code", 116);
    assert_string("/watchdog@9060000", "compatible", "arm,sbsa-gwdt");
    CELLS("/watchdog@9060000", "reg", 0, 0x09060000, 0, 0x1000, 0, 0x09061000, 0, 0x1000);
    CELLS("/watchdog@9060000", "interrupts", 0, 8, 4);
    CELLS("/virtio_mmio@a000200", "reg", 0, 0x0a000200, 0, 0x200);
    CELLS("/virtio_mmio@a000200", "interrupts", 0, 17, 1);
    assert_int_equal(fdt_path_offset(buffer, "/virtio_mmio@a000400"), -FDT_ERR_NOTFOUND);
    assert_string("/chosen", "stdout-path", "/pl011@9000000");
    assert_string("/chosen", "bootargs", "root=/dev/vda rw");
    assert_string("/aliases", "serial0", "/pl011@9000000");
}

/* U-Boot would move itself over what is kept, whatever says that it is reserved. */
static void test_firmware_is_not_told_of_what_is_kept(void **state)
{
    (void)state;
    config.environment = "firmware.env";
    write_tree(no_initrd);
    CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, (384 << 20) - 0x10000);
    CELLS("/reserved-memory/ramoops@57ff0000", "reg", 0, 0x57ff0000, 0, 0x10000);
}

static void test_more_than_4_gib(void **state)
{
    (void)state;
    vm.memory.bytes = GIB(7);
    write_tree(no_initrd);
    CELLS("/memory@40000000", "reg", 0, 0x40000000, 1, 0xc0000000);
    CELLS("/reserved-memory/ramoops@1ffff0000", "reg", 1, 0xffff0000, 0, 0x10000);
}

static void test_initrd(void **state)
{
    (void)state;
    write_tree(no_initrd);
    assert_null(fdt_getprop(buffer, node("/chosen"), "linux,initrd-start", NULL));
    write_tree((struct range){0x13ffff000, 0x2000});
    CELLS("/chosen", "linux,initrd-start", 1, 0x3ffff000);
    CELLS("/chosen", "linux,initrd-end", 1, 0x40001000);
}

/* The largest machine that a configuration can ask for. */
static void test_it_never_exceeds_its_limit(void **state)
{
    char bootargs[MAX_BOOTARGS];
    int bytes;
    (void)state;
    memset(bootargs, 'x', sizeof(bootargs) - 1);
    bootargs[sizeof(bootargs) - 1] = '\0';
    config.bootargs = bootargs;
    config.ndisks = MAX_DISKS;
    vm.nvcpus = MAX_CPUS;
    bytes = write_tree((struct range){GUEST_RAM_BASE, MIB(8)});
    assert_in_range(bytes, 1, GUEST_DT_MAX - 1024);
    CELLS("/timer", "interrupts", 1, 13, 0xf04, 1, 14, 0xf04, 1, 11, 0xf04, 1, 10, 0xf04);
}

static void test_too_little_room(void **state)
{
    size_t bytes;
    (void)state;
    bytes = (size_t)write_tree(no_initrd);
    for (size_t room = 0; room < bytes; room += 4) {
        struct blob exact = {malloc(room ? room : 1), room};
        assert_int_equal(guest_dt_write(&vm, no_initrd, exact.data, room), 0);
        free(exact.data);
    }
}

/* dtc's own checks: unit addresses, cells, interrupt and clock references. */
static void test_dtc_has_no_complaint(void **state)
{
    char line[256] = "";
    int bytes = write_tree((struct range){GUEST_RAM_BASE + MIB(64), MIB(8)});
    FILE *f = fopen("build/unit/guest.dtb", "wb");
    (void)state;
    assert_non_null(f);
    assert_int_equal(fwrite(buffer, 1, (size_t)bytes, f), bytes);
    fclose(f);
    f = popen("dtc -I dtb -O dts -o /dev/null build/unit/guest.dtb 2>&1", "r");
    assert_non_null(f);
    if (fgets(line, sizeof(line), f))
        print_message("%s", line);
    assert_int_equal(pclose(f), 0);
    assert_string_equal(line, "");
}

static void seeds(uint8_t out[72])
{
    int bytes;
    write_tree(no_initrd);
    memcpy(out, fdt_getprop(buffer, node("/chosen"), "rng-seed", &bytes), 64);
    assert_int_equal(bytes, 64);
    memcpy(out + 64, fdt_getprop(buffer, node("/chosen"), "kaslr-seed", &bytes), 8);
    assert_int_equal(bytes, 8);
}

static void test_seeds_differ_by_vm_and_start(void **state)
{
    uint8_t first[72], again[72], next[72], other[72];
    (void)state;
    seeds(first);
    seeds(again);
    assert_memory_equal(first, again, sizeof(first));
    vm.starts++;
    seeds(next);
    strcpy(config.name, "beta");
    vm.starts--;
    seeds(other);
    assert_memory_not_equal(first, next, 64);
    assert_memory_not_equal(first + 64, next + 64, 8);
    assert_memory_not_equal(first, other, 64);
    assert_memory_not_equal(next, other, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_machine, setup),
        cmocka_unit_test_setup(test_firmware_is_not_told_of_what_is_kept, setup),
        cmocka_unit_test_setup(test_more_than_4_gib, setup),
        cmocka_unit_test_setup(test_initrd, setup),
        cmocka_unit_test_setup(test_it_never_exceeds_its_limit, setup),
        cmocka_unit_test_setup(test_too_little_room, setup),
        cmocka_unit_test_setup(test_dtc_has_no_complaint, setup),
        cmocka_unit_test_setup(test_seeds_differ_by_vm_and_start, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
