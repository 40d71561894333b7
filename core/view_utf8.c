/* SPDX-License-Identifier: BSD-2-Clause */
#include "view_utf8.h"

struct span {
    uint32_t first, last;
};

/* Sorted. What could hide, reorder or move text, or stack over other lines (Unicode Character
 * Database 15: categories Cc, Cf, Zl, Zp, Cs, Co, Cn; Default_Ignorable_Code_Point; the combining
 * mark blocks). */
static const struct span refused[] = {
    {0x0080, 0x009f},      /* C1 controls */
    {0x00ad, 0x00ad},      /* soft hyphen */
    {0x0300, 0x036f},      /* combining marks */
    {0x0483, 0x0489},      /* combining marks */
    {0x061c, 0x061c},      /* Arabic letter mark */
    {0x070f, 0x070f},      /* Syriac abbreviation mark */
    {0x115f, 0x1160},      /* Hangul fillers: invisible */
    {0x17b4, 0x17b5},      /* Khmer inherent vowels: invisible */
    {0x180b, 0x180f},      /* Mongolian variation selectors */
    {0x1ab0, 0x1aff},      /* combining marks */
    {0x1dc0, 0x1dff},      /* combining marks */
    {0x200b, 0x200f},      /* zero width; left-to-right and right-to-left marks */
    {0x2028, 0x202e},      /* line and paragraph separators, bidirectional overrides */
    {0x2060, 0x206f},      /* word joiner, bidirectional isolates */
    {0x20d0, 0x20ff},      /* combining marks */
    {0x3164, 0x3164},      /* Hangul filler */
    {0xd800, 0xf8ff},      /* surrogates, private use */
    {0xfe00, 0xfe0f},      /* variation selectors */
    {0xfe20, 0xfe2f},      /* combining half marks */
    {0xfeff, 0xfeff},      /* zero width no-break space */
    {0xff3b, 0xff3b},      /* full-width '[': ours is not to be imitated */
    {0xff3d, 0xff3d},      /* full-width ']' */
    {0xffa0, 0xffa0},      /* half-width Hangul filler */
    {0xfff0, 0xffff},      /* specials */
    {0x1bca0, 0x1bca3},    /* shorthand format controls */
    {0x1d165, 0x1d1ad},    /* musical combining marks and controls */
    {0xe0000, 0xffffffff}, /* tags, variation selectors, private use, no Unicode at all */
};

bool utf8_printable(uint32_t character)
{
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        if (character <= refused[i].last)
            return character < refused[i].first;
    return false;
}

unsigned utf8_length(uint8_t first)
{
    if (first >= 0xc2 && first <= 0xdf) /* 0xc0, 0xc1 would be over-long */
        return 2;
    if ((first & 0xf0) == 0xe0)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

bool utf8_shortest(uint32_t character, unsigned length)
{
    return character >= (length == 2 ? 0x80u : length == 3 ? 0x800u : 0x10000u);
}
