#include "nibble/formats/c_header_code.h"

namespace nibble {

const std::string_view kCodeOfFloatLayer = R"(
static inline void @_float_layer(const float *x, size_t inputs, const float *weights, const float *bias,
                                 size_t outputs, float *y)
{
    size_t i, o;
    for (o = 0; o < outputs; ++o)
        y[o] = bias[o];
    for (i = 0; i < inputs; ++i, weights += outputs) {
        if (x[i] == 0.0f)
            continue;
        for (o = 0; o < outputs; ++o)
            y[o] += x[i] * weights[o];
    }
}
)";

const std::string_view kCodeOfHalf = R"(
/* The number that 16 bits of an IEEE 754 half stand for. */
static inline float @_half(uint16_t code)
{
    const unsigned fraction = code & 1023u, exponent = (code >> 10) & 31u;
    const float size = exponent == 0 ? (float)fraction * @_power_of_2[1]
                                     : (float)(1024u + fraction) * @_power_of_2[exponent];
    return code & 32768u ? -size : size;
}

static inline void @_half_layer(const float *x, size_t inputs, const uint16_t *weights, const float *bias,
                                size_t outputs, float *y)
{
    size_t i, o;
    for (o = 0; o < outputs; ++o)
        y[o] = bias[o];
    for (i = 0; i < inputs; ++i, weights += outputs) {
        if (x[i] == 0.0f)
            continue;
        for (o = 0; o < outputs; ++o)
            y[o] += x[i] * @_half(weights[o]);
    }
}
)";

const std::string_view kCodeOfIntegers = R"(
/* Rounds to a whole number, ties to even, for less than 2^22 in size. */
static inline float @_rounded(float x)
{
    volatile float sum = x + 12582912.0f;
    return sum - 12582912.0f;
}

/* x ~ scale * q: whole numbers of up to 8 bits as they are, others in 255 steps, or 127 on each side. */
static inline float @_integers(const float *x, size_t count, int16_t *q)
{
    float low = 0.0f, high = 0.0f, largest, scale, steps;
    size_t i;
    int whole = 1;
    for (i = 0; i < count; ++i) {
        if (x[i] < low)
            low = x[i];
        if (x[i] > high)
            high = x[i];
    }
    steps = low < 0.0f ? 127.0f : 255.0f;
    largest = -low > high ? -low : high;
    for (i = 0; i < count && whole; ++i)
        whole = largest <= steps && @_rounded(x[i]) == x[i];
    scale = whole ? 1.0f : largest / steps;
    if (1.0f / scale > 3.402823466e38f) /* infinite */
        scale = 1.0f;
    for (i = 0; i < count; ++i) {
        const float code = @_rounded(x[i] * (1.0f / scale));
        const float least = low < 0.0f ? -127.0f : 0.0f;
        q[i] = (int16_t)(code > steps ? steps : code < least ? least : code);
    }
    return scale;
}
)";

const std::string_view kCodeOfInt8Layer = R"(
static inline void @_int8_layer(const float *x, size_t inputs, const int8_t *codes, const float *scales,
                                const float *bias, size_t outputs, float *y)
{
    int16_t q[@_WIDEST];
    int32_t sums[@_WIDEST_OUTPUT];
    const float scale = @_integers(x, inputs, q);
    size_t i, o;
    for (o = 0; o < outputs; ++o)
        sums[o] = 0;
    for (i = 0; i < inputs; ++i, codes += outputs) {
        if (q[i] == 0)
            continue;
        for (o = 0; o < outputs; ++o)
            sums[o] += q[i] * codes[o];
    }
    for (o = 0; o < outputs; ++o)
        y[o] = (float)sums[o] * (scale * scales[o]) + bias[o];
}
)";

const std::string_view kCodeOfInt4Layers = R"(
/* Two codes lie in a byte, each with 8 added, the first in the low half. */
static inline int @_code(const uint8_t *row, size_t output)
{
    return (int)((row[output / 2] >> (4 * (output % 2))) & 15u) - 8;
}

/* A scale for each 32 inputs of an output. */
static inline void @_int4_layer(const float *x, size_t inputs, const uint8_t *codes, const uint16_t *scales,
                                const float *bias, size_t outputs, float *y)
{
    int16_t q[@_WIDEST];
    int32_t sums[@_WIDEST_OUTPUT];
    const float scale = @_integers(x, inputs, q);
    size_t i = 0, o;
    for (o = 0; o < outputs; ++o)
        y[o] = 0.0f;
    while (i < inputs) {
        const size_t end = inputs - i < 32 ? inputs : i + 32;
        for (o = 0; o < outputs; ++o)
            sums[o] = 0;
        for (; i < end; ++i, codes += (outputs + 1) / 2) {
            if (q[i] == 0)
                continue;
            for (o = 0; o < outputs; ++o)
                sums[o] += q[i] * @_code(codes, o);
        }
        for (o = 0; o < outputs; ++o)
            y[o] += (float)sums[o] * @_half(scales[o]);
        scales += outputs;
    }
    for (o = 0; o < outputs; ++o)
        y[o] = y[o] * scale + bias[o];
}

/* A scale for each 32 outputs of an input. */
static inline void @_int4_sparse_layer(const float *x, size_t inputs, const uint8_t *codes,
                                       const uint16_t *scales, const float *bias, size_t outputs, float *y)
{
    int16_t q[@_WIDEST];
    const float scale = @_integers(x, inputs, q);
    size_t i, o;
    for (o = 0; o < outputs; ++o)
        y[o] = 0.0f;
    for (i = 0; i < inputs; ++i, codes += (outputs + 1) / 2, scales += (outputs + 31) / 32) {
        if (q[i] == 0)
            continue;
        for (o = 0; o < outputs; ++o)
            y[o] += (float)q[i] * @_half(scales[o / 32]) * (float)@_code(codes, o);
    }
    for (o = 0; o < outputs; ++o)
        y[o] = y[o] * scale + bias[o];
}
)";

const std::string_view kCodeOfEnd = R"(
static inline void @_relu(float *values, size_t count)
{
    size_t i;
    for (i = 0; i < count; ++i)
        if (values[i] < 0.0f)
            values[i] = 0.0f;
}

static inline int @_largest(const float *values, size_t count)
{
    size_t i, best = 0;
    for (i = 1; i < count; ++i)
        if (values[i] > values[best])
            best = i;
    return (int)best;
}
)";

const std::string_view kCodeOfText = R"(
/* One character of UTF-8 at *at, which moves behind it; a byte that starts none is U+FFFD. */
static inline uint32_t @_character(const char *text, size_t bytes, size_t *at)
{
    const unsigned first = (unsigned char)text[*at];
    const unsigned more = first < 0x80u ? 0u : first < 0xC2u ? 4u : first < 0xE0u ? 1u : first < 0xF0u ? 2u
                                      : first < 0xF5u ? 3u : 4u;
    uint32_t value = more == 0 ? first : first & (0x3Fu >> more);
    unsigned i;
    if (more == 4 || bytes - *at <= more) {
        ++*at;
        return more == 0 ? first : 0xFFFDu;
    }
    for (i = 1; i <= more; ++i) {
        const unsigned next = (unsigned char)text[*at + i];
        if ((next & 0xC0u) != 0x80u)
            break;
        value = (value << 6) | (next & 0x3Fu);
    }
    if (i <= more || (more == 2 && (value < 0x800u || (value >= 0xD800u && value < 0xE000u))) ||
        (more == 3 && (value < 0x10000u || value > 0x10FFFFu))) {
        ++*at;
        return 0xFFFDu;
    }
    *at += more + 1;
    return value;
}

static inline int @_is_word(uint32_t value)
{
    size_t low = 0, high = sizeof @_word_runs / sizeof @_word_runs[0];
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (value > @_word_runs[middle][1])
            low = middle + 1;
        else if (value < @_word_runs[middle][0])
            high = middle;
        else
            return 1;
    }
    return 0;
}

static inline uint32_t @_lower(uint32_t value)
{
    size_t low = 0, high = sizeof @_case_runs / sizeof @_case_runs[0];
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if ((int32_t)value > @_case_runs[middle][1])
            low = middle + 1;
        else if ((int32_t)value < @_case_runs[middle][0])
            high = middle;
        else if (((int32_t)value - @_case_runs[middle][0]) % @_case_runs[middle][2] == 0)
            return (uint32_t)((int32_t)value + @_case_runs[middle][3]);
        else
            return value;
    }
    return value;
}

static inline size_t @_put(uint32_t value, char *to)
{
    if (value < 0x80u) {
        to[0] = (char)value;
        return 1;
    }
    if (value < 0x800u) {
        to[0] = (char)(0xC0u | (value >> 6));
        to[1] = (char)(0x80u | (value & 0x3Fu));
        return 2;
    }
    if (value < 0x10000u) {
        to[0] = (char)(0xE0u | (value >> 12));
        to[1] = (char)(0x80u | ((value >> 6) & 0x3Fu));
        to[2] = (char)(0x80u | (value & 0x3Fu));
        return 3;
    }
    to[0] = (char)(0xF0u | (value >> 18));
    to[1] = (char)(0x80u | ((value >> 12) & 0x3Fu));
    to[2] = (char)(0x80u | ((value >> 6) & 0x3Fu));
    to[3] = (char)(0x80u | (value & 0x3Fu));
    return 4;
}

/* Less than, equal to or more than 0 as the word stands before, at or after the entry. */
static inline int @_compare(const char *word, size_t bytes, const char *entry)
{
    size_t i;
    for (i = 0; i < bytes; ++i) {
        const int difference = (int)(unsigned char)word[i] - (int)(unsigned char)entry[i];
        if (difference != 0)
            return difference;
    }
    return entry[bytes] == '\0' ? 0 : -1;
}

static inline void @_count(const char *word, size_t bytes, float *counts)
{
    size_t low = 0, high = @_INPUTS;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = @_compare(word, bytes, @_words[middle]);
        if (order == 0) {
            counts[@_COLUMN(middle)] += 1.0f;
            return;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
}

/* Counts the words of UTF-8 text: lower case, then runs of at least two letters, digits or '_'. */
static inline void @_count_words(const char *text, size_t bytes, float *counts)
{
    char word[@_LONGEST_WORD + 8];
    size_t at = 0, filled = 0, characters = 0, i;
    for (i = 0; i < @_INPUTS; ++i)
        counts[i] = 0.0f;
    for (;;) {
        uint32_t value = ' ', second = 0;
        const int end = at == bytes;
        if (!end) {
            value = @_character(text, bytes, &at);
            if (value == 0x3A3u) { /* a capital sigma is a final one at the end of a word */
                size_t next = at;
                const int more = at < bytes && @_is_word(@_character(text, bytes, &next));
                value = filled > 0 && !more ? 0x3C2u : 0x3C3u;
            } else if (value == 0x130u) { /* a capital i with a dot: i, and a dot that is no letter */
                value = 'i';
                second = 0x307u;
            } else {
                value = @_lower(value);
            }
        }
        if (!end && @_is_word(value)) {
            ++characters;
            if (filled <= @_LONGEST_WORD)
                filled += @_put(value, word + filled);
            if (second == 0)
                continue;
        }
        if (characters >= 2 && filled <= @_LONGEST_WORD)
            @_count(word, filled, counts);
        filled = characters = 0;
        if (end)
            return;
    }
}
)";

std::string named(std::string_view code, std::string_view name) {
  std::string text;
  for (const char character : code) {
    if (character == '@') {
      text += name;
    } else {
      text += character;
    }
  }
  return text;
}

}  // namespace nibble
