/* SPDX-License-Identifier: BSD-2-Clause */
/* How the hypervisor's own run ends, and what the next one says about it. */
#include <bulkhead/arch.h>
#include <bulkhead/board.h>
#include <bulkhead/console.h>
#include <bulkhead/crc32.h>
#include <bulkhead/log.h>
#include <bulkhead/timer.h>
#include <stdio.h>
#include <string.h>

enum {
    WORDS_MAX = 192,
    DRAIN_US = 20000, /* a UART's FIFO: 32 bytes at 115,200 baud are 3 ms */
};

static const char without_a_word[] =
    "the board was reset without a word: by its watchdog as EL2 hung, or from outside";

/* Not zeroed at boot (bulkhead.lds), so whatever RAM holds at power-on: believed if the sum fits.
 */
__attribute__((section(".bss..kept"), aligned(64))) static struct {
    char text[WORDS_MAX];
    uint32_t sum;
} words;

/* From a start of our own: zeros do not sum up to zero. */
static uint32_t sum_of(const char *text)
{
    return crc32(0xb01c4ead, text, WORDS_MAX);
}

void board_note_end(const char *text)
{
    if (!text)
        text = without_a_word;
    memset(words.text, 0, WORDS_MAX);
    snprintf(words.text, WORDS_MAX, "%s", text);
    words.sum = sum_of(words.text);
    cache_clean(&words, sizeof(words)); /* a reset loses what is in caches */
}

void board_say_last_words(void)
{
    if (words.sum == sum_of(words.text))
        log_line("the last run ended: %.*s", WORDS_MAX - 1, words.text);
    board_note_end(NULL);
}

void board_reset(const char *text, struct refusal *why)
{
    board_note_end(text);
    wait_us(DRAIN_US);
    this_board.reset(&machine);
    board_note_end(NULL);
    refuse(why, "this board has no way to reset itself: its watchdog is not in the device tree, or "
                "disabled there");
}

static bool booted;

void board_booted(void)
{
    booted = true;
}

noreturn void board_fail(const char *text)
{
    struct refusal why = {"not while booting: it would only be repeated"};

    if (booted) {
        board_reset(text, &why);
        board_note_end(text);
    }
    console_emergency("all cores are stopped; the board is not reset:");
    console_emergency(why.text);
    cpu_halt();
}
