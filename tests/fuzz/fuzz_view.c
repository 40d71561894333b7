// sources: core/view.c core/view_escape.c core/view_utf8.c
/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's console output beside others': the judge of the unit test (tests/unit/terminal.h) finds
 * no line, and no wrapped row, that seems to be another's. */
#include "fuzz.h"

#include <core/view.h>
#include <unit/terminal.h>

static const char *const others[] = {"bulkhead", "beta", NULL};
static const char *const prefixes[] = {"[alpha] ", "[beta] ", "[bulkhead] ", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct terminal terminal;
    struct view view;

    view_init(&view, "alpha", others);
    terminal_init(&terminal, prefixes);
    for (size_t i = 0; i < bytes; i++) {
        struct view_out out = {0};
        view_put(&view, data[i], &out);
        REQUIRE(out.count <= VIEW_OUT_MAX);
        for (unsigned k = 0; k < out.count; k++)
            terminal_put(&terminal, out.bytes[k]);
    }
    REQUIRE(terminal.lines == terminal.lines_of[0]);
    return 0;
}
