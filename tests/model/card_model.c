/* SPDX-License-Identifier: BSD-2-Clause */
#include "card_model.h"
#include <string.h>

enum { RCA = 0x4567, ACMD = 64 };

static const uint32_t out_of_range = 1u << 31, wp_violation = 1u << 26, illegal = 1u << 22;
static const uint32_t ocr_ready = 1u << 31, ocr_ccs = 1u << 30;

void card_power_on(struct card_model *c)
{
    c->state = CARD_IDLE;
    c->app = c->multi = c->high_speed = c->dead = false;
    c->rca = 0;
    c->width = 1;
    c->pending_status = 0;
    c->programming = 0;
    c->commands = c->reads = c->writes = 0;
}

bool card_is_busy(const struct card_model *c)
{
    return c->state == CARD_PRG;
}

/* ---- Responses ---- */

static enum card_answer r1(struct card_model *c)
{
    bool ready = c->state != CARD_PRG;
    c->response[0] =
        c->pending_status | (uint32_t)c->state << 9 | (uint32_t)ready << 8 | (uint32_t)c->app << 5;
    c->pending_status = 0;
    return CARD_R1;
}

static void put_csd(uint32_t r[4], unsigned low, unsigned count, uint32_t value)
{
    for (unsigned i = 0; i < count; i++)
        if (value >> i & 1)
            r[(low - 8 + i) / 32] |= 1u << (low - 8 + i) % 32;
}

static enum card_answer csd(struct card_model *c)
{
    memset(c->response, 0, sizeof(c->response));
    if (c->standard) {
        put_csd(c->response, 80, 4, 9);                     /* READ_BL_LEN: 512 */
        put_csd(c->response, 62, 12, c->nblocks / 512 - 1); /* C_SIZE */
        put_csd(c->response, 47, 3, 7);                     /* C_SIZE_MULT: 512 */
    } else {
        put_csd(c->response, 126, 2, 1);
        put_csd(c->response, 48, 22, c->nblocks / 1024 - 1);
    }
    return CARD_R2;
}

/* A command that the state does not allow is not answered, and the next R1 says so (4.6.1). */
static enum card_answer illegal_command(struct card_model *c)
{
    c->pending_status |= illegal;
    return CARD_SILENT;
}

/* ---- Commands ---- */

static enum card_answer op_cond(struct card_model *c, uint32_t argument)
{
    if (c->state != CARD_IDLE)
        return illegal_command(c);
    bool wants = argument & ocr_ccs;
    c->response[0] = 0x00ff8000;
    if (c->slow_start) {
        c->slow_start--;
    } else if (c->standard || wants) {
        c->response[0] |= ocr_ready | (c->standard ? 0 : ocr_ccs);
        c->state = CARD_READY;
    }
    return CARD_R3;
}

static enum card_answer transfer(struct card_model *c, unsigned index, uint32_t argument)
{
    uint32_t block = c->standard ? argument / 512 : argument;
    bool write = index >= 24;
    if (c->state != CARD_TRAN)
        return illegal_command(c);
    if (block >= c->nblocks) {
        c->pending_status |= out_of_range;
        return r1(c);
    }
    if (write && c->write_protected) {
        c->pending_status |= wp_violation;
        return r1(c);
    }
    c->cursor = block;
    c->multi = index == 18 || index == 25;
    enum card_answer answer = r1(c);
    c->state = write ? CARD_RCV : CARD_DATA;
    return answer;
}

static enum card_answer identification(struct card_model *c, unsigned index)
{
    if (index == 2 && c->state == CARD_READY) {
        c->state = CARD_IDENT;
        memset(c->response, 0x5a, sizeof(c->response));
        return CARD_R2;
    }
    if (index == 3 && (c->state == CARD_IDENT || c->state == CARD_STBY)) {
        c->state = CARD_STBY;
        c->rca = RCA;
        c->response[0] = RCA << 16 | 0x520;
        return CARD_R1;
    }
    return illegal_command(c);
}

static enum card_answer addressed(struct card_model *c, unsigned index, uint32_t argument)
{
    if (argument >> 16 != c->rca || c->rca == 0)
        return CARD_SILENT;
    if (index == 13) {
        if (c->flaky_status) {
            c->flaky_status--;
            return CARD_SILENT;
        }
        if (c->state == CARD_PRG && !c->busy_for_ever && c->programming-- == 0)
            c->state = CARD_TRAN;
        return r1(c);
    }
    if (c->state != CARD_STBY)
        return illegal_command(c);
    if (index == 9)
        return csd(c);
    enum card_answer answer = r1(c);
    c->state = CARD_TRAN;
    return answer;
}

static enum card_answer application(struct card_model *c, unsigned index, uint32_t argument)
{
    if (index == 41)
        return op_cond(c, argument);
    if (index == 6 && c->state == CARD_TRAN) {
        c->width = (argument & 3) == 2 ? 4 : 1;
        return r1(c);
    }
    return illegal_command(c);
}

static enum card_answer stop(struct card_model *c)
{
    if (c->state != CARD_DATA && c->state != CARD_RCV)
        return illegal_command(c);
    enum card_answer answer = r1(c);
    card_end(c);
    return answer;
}

static enum card_answer plain(struct card_model *c, unsigned index, uint32_t argument)
{
    switch (index) {
    case 0:
        c->state = CARD_IDLE;
        c->rca = 0;
        return CARD_R3; /* there is no response; the controller expects none */
    case 2:
    case 3:
        return identification(c, index);
    case 8:
        c->response[0] = argument & 0xfff;
        return c->version1 || c->state != CARD_IDLE ? CARD_SILENT : CARD_R1;
    case 7:
    case 9:
    case 13:
        return addressed(c, index, argument);
    case 12:
        return stop(c);
    case 16:
        return c->state == CARD_TRAN && argument == 512 ? r1(c) : illegal_command(c);
    case 6:
        if (c->state != CARD_TRAN)
            return illegal_command(c);
        c->multi = false;
        c->cursor = UINT32_MAX; /* the switch status */
        c->state = CARD_DATA;
        c->high_speed = !c->no_high_speed && argument == 0x80fffff1;
        return r1(c);
    case 17:
    case 18:
    case 24:
    case 25:
        return transfer(c, index, argument);
    default:
        return illegal_command(c);
    }
}

enum card_answer card_command(struct card_model *c, unsigned index, uint32_t argument)
{
    bool app = c->app;
    c->commands++;
    c->last_index = index + (app ? ACMD : 0u);
    if ((c->dies_at && c->commands >= c->dies_at) || (int)c->last_index == c->silent_at)
        c->dead = true;
    if (c->dead)
        return CARD_SILENT;
    c->app = false;
    if (index == 55) {
        if (argument >> 16 != c->rca)
            return CARD_SILENT;
        c->app = true;
        return r1(c);
    }
    return app ? application(c, index, argument) : plain(c, index, argument);
}

/* ---- Data ---- */

void card_end(struct card_model *c)
{
    bool wrote = c->state == CARD_RCV;
    c->state = CARD_TRAN;
    if (wrote && (c->busy_for_ever || c->slow_program)) {
        c->state = CARD_PRG;
        c->programming = c->slow_program;
    }
}

bool card_read_block(struct card_model *c, uint8_t *out)
{
    uint32_t at = c->cursor;
    if (at == UINT32_MAX) { /* CMD6: 64 bytes; byte 16: function of group 1 (4.3.10.4) */
        memset(out, 0, 64);
        out[16] = c->high_speed ? 1 : 0xf;
        return true;
    }
    c->cursor++;
    c->reads++;
    if (at >= c->nblocks || at == c->bad_sector)
        return false;
    memcpy(out, c->blocks + (size_t)at * 512, 512);
    if (c->bad_reads) {
        c->bad_reads--;
        out[3] ^= 0x10; /* what arrives is not what was sent */
        return false;
    }
    return true;
}

bool card_write_block(struct card_model *c, const uint8_t *in)
{
    uint32_t at = c->cursor++;
    if (at >= c->nblocks)
        return false;
    if (c->bad_writes) {
        c->bad_writes--;
        return false;
    }
    c->writes++;
    memcpy(c->blocks + (size_t)at * 512, in, 512);
    return true;
}
