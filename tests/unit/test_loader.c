// sources: core/loader.c core/loader_image.c core/loader_elf.c tests/fake/fake_crc32.c core/guest_mem.c core/guest_dt.c core/entropy.c core/sha256.c core/board_dt.c core/board_nodes.c core/board_bus.c core/dtb.c core/refuse.c tests/fake/fake_cpu.c tests/fake/fake_cache.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "fake/fake.h"
#include <bulkhead/account.h>
#include <bulkhead/guest_mem.h>
#include <bulkhead/loader.h>
#include <bulkhead/vm.h>
#include <libfdt.h>
#include <stdlib.h>

enum { RAM = 32 << 20, RAM_PA = 0x20000000, FILE_PA = 0x04000000, FILES = 2, FILE_ROOM = 1 << 20 };

static uint8_t *ram, *store[FILES];
static struct vm_config config;
static struct vm vm;
static struct machine m;
static struct refusal why;
static ipaddr_t entry, dtb;
static unsigned steps;

static int setup(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_mem_reset();
    ram = aligned_alloc(64, RAM);
    memset(ram, 0xee, RAM);
    fake_mem_add(ram, RAM, paddr(RAM_PA));
    fake_ram_window = ram;
    memset(&m, 0, sizeof(m));
    for (unsigned i = 0; i < FILES; i++) {
        store[i] = aligned_alloc(64, FILE_ROOM);
        memset(store[i], 0x11 * (int)(i + 1), FILE_ROOM);
        fake_mem_add(store[i], FILE_ROOM, paddr(FILE_PA + i * 0x1000000));
    }
    memset(&config, 0, sizeof(config));
    memset(&vm, 0, sizeof(vm));
    strcpy(config.name, "alpha");
    vm.config = &config;
    vm.nvcpus = 1;
    vm.memory = (struct partition){1, {{RAM_PA, RAM}}, RAM};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(ram);
    for (unsigned i = 0; i < FILES; i++)
        free(store[i]);
    fake_mem_reset();
    return 0;
}

static void put(uint8_t *at, unsigned bytes, uint64_t v)
{
    for (; bytes-- > 0; v >>= 8)
        *at++ = (uint8_t)v;
}

/* store[i] becomes a boot file. */
static void add_file(unsigned i, const char *name, uint64_t size)
{
    struct boot_file *file = &m.files[m.nfiles++];
    strcpy(file->path, name);
    file->pa = paddr(FILE_PA + i * 0x1000000);
    file->size = size;
}

/* A small EFI-stub Image of `size` bytes with two sections, as a stock kernel has. */
static void make_image(uint64_t size, uint64_t memory)
{
    uint8_t *f = store[0];
    memset(f, 0, 512);
    memcpy(f, "MZ", 2);
    put(f + 8, 8, 0);
    put(f + 16, 8, memory);
    put(f + 24, 8, 0xa); /* little-endian, 4 KiB pages, anywhere */
    memcpy(f + 56, "ARM\x64", 4);
    put(f + 60, 4, 64);
    memcpy(f + 64, "PE\0", 4);
    put(f + 68, 2, 0xaa64);
    put(f + 70, 2, 2);                    /* sections */
    put(f + 84, 2, 160);                  /* optional header */
    put(f + 64 + 24 + 160 + 16, 4, 4096); /* raw size and offset of the first */
    put(f + 64 + 24 + 160 + 20, 4, 4096);
    put(f + 64 + 24 + 200 + 16, 4, size - 8192); /* and of the second, up to the end */
    put(f + 64 + 24 + 200 + 20, 4, 8192);
}

static unsigned stays;

void account_step(void)
{
    stays++;
}

/* To the end of the load, from zeroing or, `zeroed`, from behind it. */
static bool load_steps(bool zeroed)
{
    enum loader_result result;
    vm.loader = (struct loader){.stage = zeroed ? LOADER_FIRST : LOADER_ZERO};
    why.text[0] = '\0';
    steps = 0;
    do {
        result = loader_run(&vm, &m, &why);
        steps++;
    } while (result == LOADER_MORE);
    entry = vm.loader.entry;
    dtb = vm.loader.dtb;
    return result == LOADER_DONE;
}

static bool load(void)
{
    loader_hash_files(&m);
    vm.starts = 0;
    return load_steps(false);
}

static void assert_refused(const char *sentence)
{
    assert_false(load());
    assert_string_equal(why.text, sentence);
}

static void assert_loaded(void)
{
    if (!load())
        fail_msg("%s", why.text);
    /* A guest with its MMU off sees DRAM: nothing may wait in the cache. */
    assert_true(fake_mem_coherent(ram, RAM));
    assert_true(fake_icache_invalidations > 0);
    assert_int_equal(fdt_check_header(ram + (dtb.v - GUEST_RAM_BASE)), 0);
    assert_int_equal(dtb.v % BLOCK_2M, 0);
}

static void assert_zeros(uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        if (ram[i])
            fail_msg("RAM is not zero at %#llx", (unsigned long long)i);
}

static void zero(uint64_t most)
{
    uint64_t before = 0;
    vm.loader = (struct loader){0};
    while (vm.loader.stage == LOADER_ZERO) {
        assert_int_equal(loader_run(&vm, &m, &why), LOADER_MORE);
        if (vm.loader.stage == LOADER_ZERO)
            assert_in_range(vm.loader.at - before, 1, most);
        before = vm.loader.at;
    }
}

static void test_zeroing_in_steps(void **state)
{
    uint8_t dram[64];
    (void)state;
    vm.memory.bytes = RAM - BLOCK_2M;
    zero(LOADER_ZERO_STEP);
    assert_zeros(0, RAM - BLOCK_2M);
    assert_int_equal(ram[RAM - BLOCK_2M], 0xee);
    assert_true(fake_mem_coherent(ram, RAM - BLOCK_2M));
    assert_true(fake_dram_read(paddr(RAM_PA + 12345), dram, sizeof(dram)));
    assert_int_equal(dram[0], 0);
}

/* A stay is a step, and a call goes on with them until an interrupt waits. */
static void test_goes_on_until_an_interrupt_waits(void **state)
{
    unsigned alone;
    (void)state;
    config.kernel = "k";
    make_image(10 * LOADER_STEP, 20 * LOADER_STEP);
    add_file(0, "k", 10 * LOADER_STEP);
    stays = 0;
    assert_true(load());
    assert_int_equal(stays, 0);
    assert_in_range(steps, RAM / LOADER_ZERO_STEP + 10, RAM / LOADER_ZERO_STEP + 15);
    alone = steps;
    fake_irq_quiet = true;
    assert_true(load());
    assert_int_equal(steps, 1);
    assert_int_equal(stays, alone - 1);
}

/* What a kernel left at the end of RAM outlives a restart, and is in DRAM for the next one. */
static void test_a_restart_keeps_the_end(void **state)
{
    (void)state;
    zero(LOADER_ZERO_STEP);
    assert_int_equal(vm.starts, 1);
    assert_zeros(0, RAM); /* nothing of an earlier boot of the board */
    memset(ram, 0x5e, RAM);
    zero(LOADER_ZERO_STEP);
    assert_int_equal(vm.starts, 2);
    assert_zeros(0, RAM - GUEST_KEPT_BYTES);
    for (unsigned i = 0; i < GUEST_KEPT_BYTES; i++)
        assert_int_equal(ram[RAM - GUEST_KEPT_BYTES + i], 0x5e);
    assert_true(fake_mem_coherent(ram, RAM));
}

/* U-Boot has its device tree at the start of RAM, itself behind it. */
static void test_firmware(void **state)
{
    (void)state;
    config.binary = "firmware.bin";
    config.environment = "firmware.env";
    add_file(0, "firmware.bin", 100000);
    assert_loaded();
    assert_int_equal(dtb.v, GUEST_RAM_BASE);
    assert_int_equal(entry.v, GUEST_RAM_BASE + BLOCK_2M);
    assert_memory_equal(ram + BLOCK_2M, store[0], 100000);
    assert_zeros(BLOCK_2M + 100000, RAM);
    /* Together with the tree it must fit. */
    vm.memory.bytes = 2 * BLOCK_2M;
    assert_refused("alpha: memory: \"firmware.bin\" (binary) and what goes with it need 5 MiB, the "
                   "VM has 4 MiB");
}

/* No step copies more than its bound, whatever the file. */
static void test_loading_in_steps(void **state)
{
    (void)state;
    config.kernel = "k";
    config.initrd = "i";
    make_image(10 * LOADER_STEP, 20 * LOADER_STEP);
    add_file(0, "k", 10 * LOADER_STEP);
    add_file(1, "i", 3 * LOADER_STEP + 1);
    loader_hash_files(&m);
    assert_true(load_steps(true));
    assert_int_equal(steps, 10 + 4 + 1);
    config.kernel = config.initrd = NULL;
    config.binary = "i";
    assert_true(load_steps(true));
    assert_int_equal(steps, 4 + 1 + 1);
}

static void test_kernel_and_initrd(void **state)
{
    int chosen, bytes;
    const void *fdt;
    (void)state;
    config.kernel = "vmlinuz";
    config.initrd = "initrd.img";
    config.bootargs = "quiet";
    make_image(100000, MIB(3));
    add_file(0, "vmlinuz", 100000);
    add_file(1, "initrd.img", 5000);
    assert_loaded();
    assert_int_equal(entry.v, GUEST_RAM_BASE);
    assert_int_equal(dtb.v, GUEST_RAM_BASE + RAM - BLOCK_2M);
    assert_memory_equal(ram, store[0], 100000);
    assert_zeros(100000, MIB(4)); /* its bss */
    assert_memory_equal(ram + MIB(4), store[1], 5000);
    assert_zeros(MIB(4) + 5000, RAM - BLOCK_2M);
    fdt = ram + RAM - BLOCK_2M;
    chosen = fdt_path_offset(fdt, "/chosen");
    assert_int_equal(fdt64_ld(fdt_getprop(fdt, chosen, "linux,initrd-start", &bytes)),
                     GUEST_RAM_BASE + MIB(4));
    assert_int_equal(fdt64_ld(fdt_getprop(fdt, chosen, "linux,initrd-end", &bytes)),
                     GUEST_RAM_BASE + MIB(4) + 5000);
    assert_string_equal(fdt_getprop(fdt, chosen, "bootargs", &bytes), "quiet");
}

static void test_an_image_that_wants_an_offset(void **state)
{
    (void)state;
    config.kernel = "k";
    make_image(20000, 30000);
    put(store[0] + 8, 8, 0x80000);
    add_file(0, "k", 20000);
    assert_loaded();
    assert_int_equal(entry.v, GUEST_RAM_BASE + 0x80000);
    assert_memory_equal(ram + 0x80000, store[0], 20000);
    assert_zeros(0, 0x80000);
}

/* Every length short of the whole. */
static void test_a_truncated_kernel(void **state)
{
    (void)state;
    config.kernel = "vmlinuz";
    make_image(100000, MIB(3));
    for (uint64_t size = 64; size < 100000; size += size < 1000 ? 1 : 997) {
        m.nfiles = 0;
        add_file(0, "vmlinuz", size);
        loader_hash_files(&m);
        assert_false(load_steps(true));
        assert_string_equal(why.text, "alpha: kernel: \"vmlinuz\" is truncated");
    }
    m.nfiles = 0;
    add_file(0, "vmlinuz", 63);
    assert_refused("alpha: kernel: \"vmlinuz\" is too short for an arm64 Image");
    m.nfiles = 0;
    add_file(0, "vmlinuz", 100000);
    assert_loaded();
}

static void test_what_is_no_kernel(void **state)
{
    uint8_t *f = store[0];
    (void)state;
    config.kernel = "k";
    add_file(0, "k", 100000);
    assert_refused("alpha: kernel: \"k\" is not an arm64 Image");
    memcpy(f, "\x1f\x8b", 2);
    assert_refused(
        "alpha: kernel: \"k\" is compressed by gzip; put the unpacked Image on the card");
    make_image(100000, MIB(3));
    memcpy(f + 4, "zimg", 4);
    assert_refused("alpha: kernel: \"k\" is a compressed EFI image (zboot); put the unpacked Image "
                   "on the card");
    make_image(100000, MIB(3));
    put(f + 24, 8, 0xb);
    assert_refused("alpha: kernel: \"k\" is big-endian, which is not supported");
    put(f + 24, 8, 0xc);
    assert_refused("alpha: kernel: \"k\" needs 16 KiB pages, which a Cortex-A72 does not have");
    make_image(100000, MIB(3));
    f[64] = 'p';
    assert_refused("alpha: kernel: \"k\" has no PE header where its first bytes say");
    make_image(100000, MIB(3));
    put(f + 70, 2, 97); /* a check of each would take long */
    assert_refused("alpha: kernel: \"k\" has no PE header where its first bytes say");
    make_image(100000, UINT64_MAX);
    assert_refused("alpha: kernel: \"k\" has a size in its header that cannot be");
    make_image(100000, MIB(3));
    put(f + 8, 8, UINT64_MAX - 4095);
    assert_refused("alpha: kernel: \"k\" has a size in its header that cannot be");
}

static void test_too_little_memory(void **state)
{
    (void)state;
    config.kernel = "k";
    add_file(0, "k", 100000);
    make_image(100000, RAM - BLOCK_2M);
    assert_loaded();
    make_image(100000, RAM - BLOCK_2M + 1);
    assert_refused(
        "alpha: memory: \"k\" (kernel) and what goes with it need 33 MiB, the VM has 32 MiB");
    config.initrd = "i";
    make_image(100000, RAM - 2 * BLOCK_2M);
    add_file(1, "i", 4096);
    assert_loaded();
    make_image(100000, RAM - 2 * BLOCK_2M + 1);
    assert_refused(
        "alpha: memory: \"i\" (initrd) and what goes with it need 33 MiB, the VM has 32 MiB");
}

static void test_a_pristine_copy_that_changed(void **state)
{
    (void)state;
    config.kernel = "k";
    config.initrd = "i";
    make_image(100000, MIB(1));
    add_file(0, "k", 100000);
    add_file(1, "i", 4096);
    assert_loaded();
    store[1][4095] ^= 1;
    assert_false(load_steps(true));
    assert_string_equal(why.text,
                        "alpha: initrd: \"i\" has changed in memory since the board started");
    store[1][4095] ^= 1;
    assert_true(load_steps(true));
}

static void test_a_missing_file(void **state)
{
    (void)state;
    config.kernel = "k";
    assert_refused("alpha: kernel: \"k\" was not loaded from the boot partition");
}

static void test_a_flat_binary(void **state)
{
    (void)state;
    config.binary = "b";
    add_file(0, "b", 12345);
    assert_loaded();
    assert_int_equal(entry.v, GUEST_RAM_BASE);
    assert_memory_equal(ram, store[0], 12345);
    assert_zeros(12345, RAM - BLOCK_2M);
}

/* An ELF file with two PT_LOADs and one other header. */
static void make_elf(void)
{
    uint8_t *f = store[0];
    memset(f, 0, 4096);
    memcpy(f,
           "\x7f"
           "ELF\x02\x01\x01",
           7);
    put(f + 16, 2, 2);
    put(f + 18, 2, 183);
    put(f + 24, 8, 0x1000); /* entry, virtual */
    put(f + 32, 8, 64);
    put(f + 54, 2, 56);
    put(f + 56, 2, 3);
    put(f + 64, 4, 6); /* PT_PHDR */
    for (unsigned i = 1; i < 3; i++) {
        uint8_t *p = f + 64 + 56 * i;
        put(p, 4, 1);
        put(p + 8, 8, 4096 * i);
        put(p + 16, 8, 0x1000 * i);                       /* virtual */
        put(p + 24, 8, GUEST_RAM_BASE + MIB(1) + MIB(i)); /* physical */
        put(p + 32, 8, 1000 * i);
        put(p + 40, 8, 2000 * i);
    }
}

static void test_an_elf_file(void **state)
{
    (void)state;
    config.binary = "e";
    make_elf();
    add_file(0, "e", 3 * 4096);
    assert_loaded();
    assert_int_equal(entry.v, GUEST_RAM_BASE + MIB(2));
    assert_memory_equal(ram + MIB(2), store[0] + 4096, 1000);
    assert_zeros(MIB(2) + 1000, MIB(3));
    assert_memory_equal(ram + MIB(3), store[0] + 8192, 2000);
    assert_zeros(MIB(3) + 2000, RAM - BLOCK_2M);
    assert_zeros(0, MIB(2));
}

static void test_bad_elf_files(void **state)
{
    static const char *const fits = "alpha: binary: \"e\" does not fit: a segment lies outside of "
                                    "the VM's RAM";
    static const char *const cut =
        "alpha: binary: \"e\" is truncated: a segment is not in the file";
    const struct {
        unsigned at, bytes;
        uint64_t value;
        const char *sentence;
    } faults[] = {
        {18, 2, 62,
         "alpha: binary: \"e\" is an ELF file, but not a 64-bit little-endian AArch64 "
         "executable"},
        {4, 1, 1,
         "alpha: binary: \"e\" is an ELF file, but not a 64-bit little-endian AArch64 "
         "executable"},
        {54, 2, 32, "alpha: binary: \"e\" has an unusual table of program headers"},
        {56, 2, 65, "alpha: binary: \"e\" has an unusual table of program headers"},
        {32, 8, UINT64_MAX - 10, "alpha: binary: \"e\" is truncated"},
        {24, 8, 0x4000, "alpha: binary: \"e\" starts outside of what it loads"},
        {24, 8, 0x1002, "alpha: binary: \"e\" starts at an address that is not aligned"},
        {64 + 112 + 8, 8, UINT64_MAX - 999, cut},
        {64 + 112 + 8, 8, 3 * 4096 - 1999, cut},
        {64 + 112 + 32, 8, 4001, cut},
        {64 + 112 + 24, 8, GUEST_RAM_BASE - 1, fits},
        {64 + 112 + 24, 8, 0, fits},
        {64 + 112 + 24, 8, GUEST_RAM_BASE + RAM - BLOCK_2M - 3999, fits},
        {64 + 112 + 24, 8, UINT64_MAX - 1, fits},
        {64 + 112 + 40, 8, UINT64_MAX - GUEST_RAM_BASE, fits},
    };
    (void)state;
    config.binary = "e";
    add_file(0, "e", 3 * 4096);
    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++) {
        make_elf();
        put(store[0] + faults[i].at, faults[i].bytes, faults[i].value);
        loader_hash_files(&m);
        assert_false(load_steps(true));
        assert_string_equal(why.text, faults[i].sentence);
    }
    make_elf();
    m.files[0].size = 63;
    assert_refused("alpha: binary: \"e\" is truncated");
}

/* The file at the end of its memory, so that a sanitizer sees a read beyond it. */
static void damage(uint64_t size)
{
    uint8_t *end = store[0] + FILE_ROOM - size;
    uint64_t random = 99;

    m.nfiles = 0;
    add_file(0, "f", size);
    m.files[0].pa.v += FILE_ROOM - size;
    for (unsigned i = 0; i < 3000; i++) {
        memcpy(end, store[0], size);
        for (unsigned k = 0; k < 3; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            end[(random >> 33) % 300] ^= (uint8_t)(1u << (random >> 60 & 7));
        }
        loader_hash_files(&m);
        why.text[0] = '\0';
        if (!load_steps(true))
            assert_non_null(strstr(why.text, "alpha: "));
    }
}

static void test_damaged_headers(void **state)
{
    (void)state;
    config.kernel = "f";
    make_image(12288, 20000);
    damage(12288);
    config.kernel = NULL;
    config.binary = "f";
    make_elf();
    damage(12288);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_zeroing_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_on_until_an_interrupt_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_restart_keeps_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loading_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_firmware, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kernel_and_initrd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_that_wants_an_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_truncated_kernel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_kernel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_little_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pristine_copy_that_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_missing_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flat_binary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_elf_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_elf_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_headers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
