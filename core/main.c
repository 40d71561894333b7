/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot, from the first line on the console to guests on their own cores: boot_main() is its
 * order. */
#include <bulkhead/arch.h>
#include <bulkhead/block.h>
#include <bulkhead/board.h>
#include <bulkhead/console.h>
#include <bulkhead/cpu.h>
#include <bulkhead/entropy.h>
#include <bulkhead/loader.h>
#include <bulkhead/log.h>
#include <bulkhead/machine.h>
#include <bulkhead/memmap.h>
#include <bulkhead/report.h>
#include <bulkhead/version.h>

#include <libfdt.h>

#include "vm_internal.h"

enum { DTB_MAX = 2 << 20 }; /* booting.rst, section 2 */

struct machine machine;

static const struct board *const board = &this_board;
static struct config config;
static struct gpt gpt;
static struct partition shares[MAX_VMS];
static struct range dtb_range;

/* ---- The board ---- */

static void read_board(paddr_t dtb)
{
    struct refusal why = {""};
    const void *header = map_file(dtb, sizeof(struct fdt_header));
    uint32_t bytes = header ? fdt_totalsize(header) : 0;

    dtb_range = (struct range){dtb.v, bytes};
    if (!header || fdt_magic(header) != FDT_MAGIC || bytes > DTB_MAX)
        cpu_halt(); /* it is the tree that names a console */
    if (!machine_read(map_file(dtb, bytes), bytes, board->matches, &machine, &why))
        arch_refuse(map_file(dtb, bytes), why.text);
    memmap_note("board device tree", dtb_range);
}

static void say_hello(void)
{
    uint64_t ram = 0;
    for (unsigned i = 0; i < machine.nram; i++)
        ram += machine.ram[i].size;
    log_line("Bulkhead %s on %s", BULKHEAD_VERSION, machine.model);
    board_say_last_words();
    log_line("%u cores, %llu MiB of RAM in %u ranges, %u boot files", machine.ncpus,
             (unsigned long long)(ram >> 20), machine.nram, machine.nfiles);
}

static void prepare_board(void)
{
    struct refusal why = {""};
    uint64_t before = 0, after = 0;
    uint8_t noise[32];

    if (!arch_init_boot_core(&machine, &why))
        panic("%s", why.text);
    board->quiesce(&machine);
    if (board->raise_arm_clock(&machine, &before, &after))
        log_line("ARM clock: %llu MHz, raised from %llu MHz", (unsigned long long)(after / 1000000),
                 (unsigned long long)(before / 1000000));
    else
        log_line("ARM clock: the firmware did not answer; it stays as it is");
    entropy_init(&machine, noise, board->entropy(&machine, noise, sizeof noise));
}

/* ---- The card ---- */

static bool read_card(void *unused, uint64_t sector, uint32_t count, void *buffer)
{
    (void)unused;
    return block_boot_io(BLOCK_READ, sector, count, buffer);
}

/* Without a card, or with a bad table, VMs that need a disk are refused one by one; others run. */
static void open_card(void)
{
    struct refusal why = {""};
    const struct block_driver *card = board->card(&machine, &why);

    block_init(card);
    if (!card)
        log_line("SD card: %s", why.text);
    else if (!gpt_load(read_card, NULL, block_capacity(), &gpt, &why))
        log_line("SD card: %s", why.text);
    else
        log_line("SD card: %llu MiB, %u partitions", (unsigned long long)(block_capacity() >> 11),
                 gpt.count);
}

/* ---- The VMs ---- */

/* What the card's owner has written beside the configuration. */
static bool override(struct refusal *why)
{
    const struct boot_file *file = machine_file(&machine, "bulkhead.txt");
    return !file || config_override(map_file(file->pa, file->size), file->size, &config, why);
}

static bool plan(struct refusal *why)
{
    const struct boot_file *file = machine_file(&machine, "vms.dtb");
    struct range kept[MAX_FILES + 2] = {arch_image(), dtb_range};
    unsigned nkept = 2;

    if (!file) {
        refuse(why, "vms.dtb: not on the card's boot partition; `make sdcard` puts it there");
        return false;
    }
    for (unsigned i = 0; i < machine.nfiles; i++)
        kept[nkept++] = (struct range){machine.files[i].pa.v, machine.files[i].size};
    return config_parse(map_file(file->pa, file->size), file->size, &config, why) &&
           override(why) && config_check_cpus(&config, cpu_count(), why) &&
           partition_memory(&machine, &config, kept, nkept, shares, why) &&
           partition_check(&machine, &config, kept, nkept, shares, why);
}

static void set_up_vms(void)
{
    struct refusal why = {""};

    if (!plan(&why)) {
        log_line("configuration refused: %s", why.text);
        log_line("no VM is started; mend vms.dts and write the card again");
        return;
    }
    vm_count = config.nvms;
    for (unsigned i = 0; i < vm_count; i++) {
        vm_setup(i, &config.vms[i], &shares[i], &gpt);
        report_init(&vms[i]);
        if (vms[i].state == VM_REFUSED)
            log_line("%s", vms[i].why.text);
    }
}

static void start_cores(void)
{
    const struct partition *ram[MAX_CPUS] = {0};
    struct refusal why = {""};
    unsigned up = 0;

    for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
        if (vcpu_on(cpu))
            ram[cpu] = &vcpu_on(cpu)->vm->memory;
    watchdog_init();
    if (!arch_finish_tables(ram, &why) || !arch_start_secondaries(&machine, &why))
        panic("%s", why.text);
    for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
        up += machine.cpus[cpu].enabled;
    log_line("%u cores are up at EL2", up);
}

static void start_vms(void)
{
    for (unsigned i = 0; i < vm_count; i++)
        if (vms[i].state == VM_LOADING)
            cpu_post(vms[i].vcpus[0].cpu, EVENT_VM);
}

noreturn void boot_main(paddr_t dtb)
{
    read_board(dtb);
    console_init(board->console(&machine));
    say_hello();
    prepare_board();
    loader_hash_files(&machine);
    open_card();
    set_up_vms();
    start_cores();
    pl031_set(BULKHEAD_BUILD_TIME);
    console_go_live();
    board_booted();
    watchdog_run();
    start_vms();
    vcpu_park();
}

noreturn void secondary_main(void)
{
    watchdog_run();
    vcpu_park();
}
