// sources: vdev/pl061.c vdev/sbsa_gwdt.c tests/fake/fake_cpu.c tests/fake/fake_time.c tests/fake/fake_timer.c tests/fake/fake_log.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* The power key's GPIO and the watchdog, from both cores of a VM, with time passing: lines are told
 * when they change, timers stay on the VM's first core and do not run wild, and the watchdog ends
 * its own VM only. */
#include "fuzz.h"

#include <bulkhead/cpu.h>
#include <bulkhead/vm.h>
#include <fake/fake.h>

enum { FIRST = 2, OTHER = 3, MAX_OPERATIONS = 400, MAX_ALARMS = 16 };

static struct vm vm;
static bool key_line, dog_line;

void vgic_set_level(struct vm *v, unsigned intid, bool level)
{
    bool *line = intid == VGIC_PRIVATE + GUEST_PL061_SPI ? &key_line : &dog_line;
    REQUIRE(v == &vm);
    REQUIRE(intid == VGIC_PRIVATE + GUEST_PL061_SPI || intid == VGIC_PRIVATE + GUEST_GWDT_SPI);
    REQUIRE(level != *line);
    *line = level;
}

void vm_end(struct vm *v, enum vm_end_kind kind, const char *reason)
{
    REQUIRE(v == &vm && kind == VM_END_WATCHDOG && reason[0] && cpu_this() == FIRST);
    REQUIRE(vm.state == VM_RUNNING);
    vm.state = VM_STOPPING;
}

static void access(struct input *in, bool dog)
{
    static const uint16_t keys[] = {0x400, 0x404, 0x408, 0x40c, 0x410, 0x41c, 0x3fc, 0x020};
    static const uint16_t dogs[] = {0x000, 0x008, 0x010, 0x014, 0x1000, 0xfcc, 0x1fcc, 0x000};
    unsigned how = (unsigned)take(in, 1);
    uint32_t room = dog ? 2 * SBSA_GWDT_FRAME : PAGE_SIZE;
    struct mmio_access a = {.size = (uint8_t)(how & 8 ? 1u << (how & 3) : 4), .write = how & 4};

    fake_cpu = how & 1 ? FIRST : OTHER;
    a.offset = how & 0x80 ? (uint32_t)take(in, 2) % room : (dog ? dogs : keys)[how >> 4 & 7];
    if (a.write)
        a.value = how & 2 ? take(in, 4) : take(in, 1);
    if (a.offset + a.size > room)
        return;
    if (dog)
        sbsa_gwdt_access(&vm.vcpus[0], &vm.watchdog, &a);
    else
        pl061_access(&vm.vcpus[0], &vm.gpio, &a);
}

static void run_events(void)
{
    fake_cpu = FIRST;
    REQUIRE(!(fake_posted[FIRST] & ~(unsigned)EVENT_WATCHDOG) && !fake_posts[OTHER]);
    if (fake_posted[FIRST])
        sbsa_gwdt_run_event(&vm.watchdog);
    fake_posted[FIRST] = 0;
}

/* Whatever the guest has asked for, some time needs few interrupts. */
static void pass_time(uint64_t ticks)
{
    uint64_t until = fake_time + ticks;
    unsigned alarms = 0;
    while (fake_alarm[FIRST] <= until && alarms < MAX_ALARMS) {
        fake_run_next();
        alarms++;
    }
    REQUIRE(alarms < MAX_ALARMS);
    fake_time = MAX(fake_time, until);
}

static void check(void)
{
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        REQUIRE(cpu == FIRST || fake_alarm[cpu] == UINT64_MAX);
    REQUIRE(vm.gpio.line == key_line && vm.watchdog.ws0 == dog_line);
    REQUIRE(vm.gpio.lock.next == vm.gpio.lock.owner);
    REQUIRE(vm.watchdog.lock.next == vm.watchdog.lock.owner);
}

static void operation(struct input *in)
{
    unsigned what = (unsigned)take(in, 1);
    switch (what & 7) {
    case 0:
    case 1:
        access(in, false);
        break;
    case 2:
    case 3:
    case 4:
        access(in, true);
        break;
    case 5:
        pass_time(take(in, 4));
        break;
    case 6:
        run_events();
        break;
    default:
        fake_cpu = FIRST;
        pl061_press_power(&vm.gpio);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    fake_cpu_reset();
    fake_time_reset();
    fake_timer_reset();
    memset(&vm, 0, sizeof(vm));
    vm.state = VM_RUNNING;
    vm.nvcpus = 2;
    vm.vcpus[0].cpu = FIRST;
    vm.vcpus[1].cpu = OTHER;
    key_line = dog_line = false;
    fake_cpu = FIRST;
    pl061_reset(&vm.gpio, &vm);
    sbsa_gwdt_reset(&vm.watchdog, &vm);
    for (unsigned i = 0; i < MAX_OPERATIONS && in.left && vm.state == VM_RUNNING; i++) {
        operation(&in);
        check();
    }
    return 0;
}
