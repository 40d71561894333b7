/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdhci_rig.h"
#include <string.h>

uint8_t rig_storage[RIG_BLOCKS * 512];
struct card_model rig_card;
struct sdhci_model rig_model;
struct sdhci rig_driver;
struct sdhci_board rig_board;
struct refusal rig_why;

uint8_t rig_pattern(uint64_t byte)
{
    return (uint8_t)(byte * 7 + byte / 512 * 13 + byte / 65536);
}

void rig_reset(void)
{
    fake_cpu_reset();
    fake_time_reset();
    fake_time_step = 3; /* loops that watch the clock end */
    fake_mmio_reset();
    fake_irq_reset();
    fake_log_reset();
    for (size_t i = 0; i < sizeof(rig_storage); i++)
        rig_storage[i] = rig_pattern(i);
    rig_card = (struct card_model){
        .blocks = rig_storage, .nblocks = RIG_BLOCKS, .silent_at = -1, .bad_sector = UINT32_MAX};
    card_power_on(&rig_card);
    sdhci_model_init(&rig_model, &rig_card);
    fake_mem_reset();
    rig_why.text[0] = '\0';
    rig_board = (struct sdhci_board){
        .base = paddr(SDHCI_MODEL_BASE), .intid = SDHCI_MODEL_INTID, .min_hz = 200000};
}

bool rig_open(void)
{
    timer_cancel(&rig_driver.timer); /* of the test before */
    if (!sdhci_open(&rig_driver, &rig_board, &rig_why))
        return false;
    block_init(&rig_driver.driver);
    return true;
}

static void done(struct block_request *r, enum block_status status)
{
    struct rig_request *q = (struct rig_request *)r;
    q->calls++;
    q->status = status;
    q->when = fake_time;
    q->cpu = fake_cpu;
}

void rig_request(struct rig_request *q, enum block_op op, uint64_t sector, uint32_t sectors,
                 void *data)
{
    *q = (struct rig_request){.r = {.op = op, .sector = sector, .sectors = sectors, .done = done}};
    if (sectors) {
        q->r.nsegments = 1;
        q->r.segments[0] = (struct block_segment){data, sectors * 512};
    }
}

/* One thing happens: the controller's interrupt, an event, else the next timer. */
static bool happen(void)
{
    unsigned before = fake_cpu;
    fake_time += FAKE_TICKS_PER_US;
    if (sdhci_model_irq(&rig_model) && fake_irq_raise(SDHCI_MODEL_INTID))
        return true;
    for (fake_cpu = 0; fake_cpu < MAX_CPUS; fake_cpu++) {
        if (fake_posted[fake_cpu]) {
            fake_posted[fake_cpu] = 0;
            block_run_event();
            fake_cpu = before;
            return true;
        }
    }
    fake_cpu = before;
    return fake_run_next();
}

bool rig_run(const unsigned *calls, unsigned seconds)
{
    unsigned was = *calls;
    uint64_t limit = fake_time + (uint64_t)seconds * FAKE_HZ;
    while (*calls == was)
        if (fake_time > limit || !happen())
            return false;
    return true;
}

bool rig_io(unsigned client, unsigned cpu, enum block_op op, uint64_t sector, uint32_t sectors,
            void *data)
{
    struct rig_request q;
    rig_request(&q, op, sector, sectors, data);
    fake_cpu = cpu;
    block_submit(client, &q.r);
    bool ended = q.calls || rig_run(&q.calls, 120);
    fake_cpu = 0;
    return ended && q.calls == 1 && q.status == BLOCK_OK;
}
