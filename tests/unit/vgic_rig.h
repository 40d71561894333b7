/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM of up to four vCPUs on four fake cores, all in one thread: the test says whose turn it is.
 */
#ifndef TESTS_VGIC_RIG_H
#define TESTS_VGIC_RIG_H

#include <bulkhead/cpu.h>
#include <bulkhead/vm.h>
#include <fake/fake_gich.h>

extern struct vm rig_vm;
extern unsigned rig_posts; /* cpu_post() calls */

/* vCPU n is on core (n + 1) % 4, so that mixing the two shows. All started; GICV on, PMR 0xf8. */
void rig_start(unsigned nvcpus);
void rig_vcpu_start(unsigned n);
void rig_vcpu_stop(unsigned n);

static inline unsigned rig_core(unsigned n)
{
    return (n + 1) % MAX_CPUS;
}

/* Act as vCPU n's core; the former one is the answer. */
unsigned rig_on(unsigned n);

/* One thing for EL2 to do on vCPU n's core (event, maintenance, timer). False: nothing. */
bool rig_step(unsigned n);
/* Until no core has anything to do; more than a bounded number of steps fails the test. */
void rig_settle(void);

/* A guest's access to GICD from vCPU n. False: refused. Reads that must be retried are, with the
 * other cores running meanwhile. */
bool rig_access(unsigned n, uint32_t offset, unsigned size, bool write, uint32_t *value);
uint32_t rig_read(unsigned n, uint32_t offset);
void rig_write(unsigned n, uint32_t offset, uint32_t value); /* and settle */
uint8_t rig_read8(unsigned n, uint32_t offset);
void rig_write8(unsigned n, uint32_t offset, uint8_t value);
/* Without letting other cores run. */
void rig_write_only(unsigned n, uint32_t offset, uint32_t value);
/* Does a read of `offset` have to be run again? */
bool rig_read_retries(unsigned n, uint32_t offset, uint32_t *value);

uint32_t rig_ack(unsigned n);
void rig_eoi(unsigned n, uint32_t value);
void rig_dir(unsigned n, uint32_t value);
/* The virtual timer's line on vCPU n's core. */
void rig_timer(unsigned n, bool level);

/* hot_rig.c, in tests that are linked with it: the fast path's answer on vCPU n's core, if it has
 * one; how often it had. */
bool rig_hot_access(unsigned n, struct mmio_access *a);
bool rig_hot_receive(unsigned n);
bool rig_hot_timer(unsigned n);
bool rig_hot_pulse(unsigned n, unsigned id);
extern unsigned long rig_hot_answers;
/* Of the accesses every n-th is held to its word; all would triple the time of the long tests. */
extern unsigned rig_hot_every;

enum {
    R_CTLR = 0,
    R_ISENABLER = 0x100,
    R_ICENABLER = 0x180,
    R_ISPENDR = 0x200,
    R_ICPENDR = 0x280,
    R_ISACTIVER = 0x300,
    R_ICACTIVER = 0x380,
    R_IPRIORITYR = 0x400,
    R_ITARGETSR = 0x800,
    R_ICFGR = 0xc00,
    R_SGIR = 0xf00,
    R_CPENDSGIR = 0xf10,
    R_SPENDSGIR = 0xf20,
};

#endif
