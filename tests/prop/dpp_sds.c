/* dpp_sds.c - generated messages: what is encoded decodes to the same, elements put between change
 * nothing, and decode-encode-decode is stable for whatever octets decode at all.
 *
 * The seed is fixed; MC_SEED gives another, MC_ROUNDS another number of rounds. */
#include "dpp/sds/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dpp/err.h"
#include "dpp/sds/print.h"

static uint64_t seed;
static unsigned long rounds;

/* xorshift64* */
static uint32_t pick(uint32_t below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d) >> 32) % below;
}

static void fill(uint8_t *p, size_t n)
{
    while (n--)
        *p++ = (uint8_t)pick(256);
}

static bool same_span(struct dpp_span a, struct dpp_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The same in every field that encode writes. */
static bool is_same(const struct dpp_msg *a, const struct dpp_msg *b)
{
    size_t at_a = 0, at_b = 0;
    struct dpp_ie ie_a, ie_b;
    int more;

    if (a->code != b->code || a->time_s != b->time_s || a->number != b->number ||
        a->payloads != b->payloads || memcmp(a->conversation_id, b->conversation_id, 16) != 0 ||
        memcmp(a->message_id, b->message_id, 16) != 0 || !same_span(a->sender, b->sender) ||
        !same_span(a->opaque, b->opaque))
        return false;
    for (int id = 0; id < DPP_IE_COUNT; id++)
        if (a->optional[id].is_present != b->optional[id].is_present ||
            a->optional[id].number != b->optional[id].number ||
            !same_span(a->optional[id].value, b->optional[id].value))
            return false;
    while ((more = dpp_msg_payload_next(a, &at_a, &ie_a)) > 0)
        if (dpp_msg_payload_next(b, &at_b, &ie_b) != 1 || ie_a.id != ie_b.id ||
            !same_span(ie_a.value, ie_b.value))
            return false;
    return more == 0 && dpp_msg_payload_next(b, &at_b, &ie_b) == 0;
}

/* A message of any kind; its octets lie in `pool`. */
static struct dpp_msg generate(uint8_t *pool, size_t cap)
{
    static const uint8_t codes[] = {
#define X(name, code, text, head, kind) code,
        DPP_MSGS(X)
#undef X
    };
    struct dpp_msg m = {.code = codes[pick(sizeof codes)]};
    const struct dpp_msg_row *row = dpp_msg_row(m.code);
    struct dpp_out o;

    fill(pool, cap);
    if (strchr(row->head, 't'))
        m.time_s = (uint64_t)pick(256) << 32 | pick(UINT32_MAX);
    if (strchr(row->head, 'c'))
        fill(m.conversation_id, 16), fill(m.message_id, 16);
    if (strchr(row->head, 'n'))
        m.number = (uint8_t)pick(256);
    if (strchr(row->head, 's'))
        m.sender = (struct dpp_span){.p = pool, .n = 1 + pick(300)};
    if (strchr(row->head, 'o'))
        m.opaque = (struct dpp_span){.p = pool, .n = pick(300)};
    for (const uint8_t *id = row->optional; *id != DPP_IE_COUNT; id++) {
        const struct dpp_ie_row *ie = dpp_ie_row(*id);
        struct dpp_msg_optional *opt = &m.optional[*id];
        bool repeats = *id == DPP_IE_PAYLOAD && strchr(row->head, 'p');
        if (repeats || pick(2))
            continue;
        *opt = (struct dpp_msg_optional){.is_present = true, .number = (uint8_t)pick(16)};
        if (ie->format == DPP_IE_HALF)
            continue;
        size_t n = ie->format == DPP_IE_TV ? ie->min : 1 + pick(pick(8) ? 40 : 3000);
        opt->value = (struct dpp_span){.p = pool + pick(500), .n = n};
        opt->number = opt->value.p[0]; /* what decode says of any element with a value */
    }
    if (strchr(row->head, 'p')) {
        m.payloads = (uint8_t)(1 + pick(pick(10) ? 4 : 255));
        dpp_cur_out(&o, pool + cap / 2, cap / 2);
        for (int i = 0; i < m.payloads; i++) {
            struct dpp_span value = {.p = pool, .n = 1 + pick(60)};
            dpp_ie_put(&o, pick(2) ? DPP_IE_PAYLOAD : DPP_IE_SECURED, 0, value);
        }
        assert_int_equal(o.err, 0);
        m.elements = (struct dpp_span){.p = o.p, .n = o.n};
    }
    return m;
}

static uint8_t pool[65536], octets[131072], again[131072], text[1 << 20];

static void test_encode_then_decode(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < rounds; i++) {
        struct dpp_msg m = generate(pool, sizeof pool), back;
        ssize_t n = dpp_msg_encode(octets, sizeof octets, &m);
        assert_true(n > 0);
        assert_int_equal(dpp_msg_parse(&back, octets, (size_t)n, NULL), 0);
        assert_true(is_same(&m, &back));
        assert_int_equal(back.ignored, 0);
        assert_int_equal(dpp_msg_encode(again, (size_t)n, &back), n);
        assert_memory_equal(again, octets, (size_t)n);
    }
}

/* Elements nobody knows, put behind the known ones. mcdata-messages 1.4 */
static void test_unknown_elements_change_nothing(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < rounds; i++) {
        struct dpp_msg m = generate(pool, sizeof pool), back, plain;
        struct dpp_out o;
        if (*dpp_msg_row(m.code)->head == 'o')
            continue;
        ssize_t n = dpp_msg_encode(octets, sizeof octets, &m);
        assert_true(n > 0);
        assert_int_equal(dpp_msg_parse(&plain, octets, (size_t)n, NULL), 0);
        memcpy(again, octets, (size_t)n);
        dpp_cur_out(&o, again, sizeof again);
        o.n = (size_t)n;
        for (uint32_t k = pick(5); k; k--) {
            uint8_t value[64];
            uint8_t length = (uint8_t)pick(sizeof value);
            fill(value, sizeof value);
            if (pick(2)) {
                dpp_cur_put_u8(&o, (uint8_t)(0xe0 + pick(32)));
                continue;
            }
            static const uint8_t unknown[] = {0x50, 0x54, 0x5f, 0x70, 0x77};
            dpp_cur_put_u8(&o, unknown[pick(sizeof unknown)]);
            dpp_cur_put_u16(&o, length);
            dpp_cur_put(&o, value, length);
        }
        size_t rest = pick(2) ? pick(40) : 0; /* ... and what ends the walk */
        if (rest) {
            dpp_cur_put_u8(&o, 0x33);
            dpp_cur_put(&o, pool, rest - 1);
        }
        assert_int_equal(dpp_msg_parse(&back, again, o.n, NULL), 0);
        assert_true(is_same(&plain, &back));
        assert_int_equal(back.ignored, rest);
    }
}

/* Whatever decodes: the octets of a message that were changed here and there. */
static void test_decode_encode_decode(void **state)
{
    unsigned long decoded = 0;

    (void)state;
    for (unsigned long i = 0; i < rounds; i++) {
        struct dpp_msg m = generate(pool, sizeof pool), first, second;
        struct dpp_out o;
        ssize_t n = dpp_msg_encode(octets, sizeof octets, &m);
        assert_true(n > 0);
        for (uint32_t k = 1 + pick(3); k; k--) {
            size_t at = pick(pick(2) || n < 45 ? (uint32_t)n : 45);
            octets[at] = pick(3) ? (uint8_t)(octets[at] ^ 1 << pick(8)) : (uint8_t)pick(256);
        }
        if (pick(4) == 0)
            n -= pick((uint32_t)n);
        size_t at = 0;
        uint8_t *exact = memcpy(malloc((size_t)n), octets, (size_t)n);
        int err = dpp_msg_parse(&first, exact, (size_t)n, &at);
        assert_in_range(at, 0, n);
        dpp_cur_out(&o, text, sizeof text);
        if (!err)
            assert_int_equal(dpp_print_json(&o, &first), 0);
        if (!err && !first.is_protected && !first.is_authenticated) {
            ssize_t k = dpp_msg_encode(again, (size_t)n, &first); /* never longer */
            assert_true(k > 0);
            assert_int_equal(dpp_msg_parse(&second, again, (size_t)k, NULL), 0);
            assert_true(is_same(&first, &second));
            assert_int_equal(dpp_msg_encode(octets, sizeof octets, &second), k);
            assert_memory_equal(octets, again, (size_t)k);
            decoded++;
        }
        free(exact);
    }
    assert_true(decoded > rounds / 20);
}

static int set_up(void **state)
{
    const char *s = getenv("MC_SEED"), *r = getenv("MC_ROUNDS");

    (void)state;
    seed = s ? strtoull(s, NULL, 0) : 24282;
    seed += !seed;
    rounds = r ? strtoul(r, NULL, 0) : 3000;
    printf("MC_SEED=%llu MC_ROUNDS=%lu\n", (unsigned long long)seed, rounds);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_then_decode),
        cmocka_unit_test(test_unknown_elements_change_nothing),
        cmocka_unit_test(test_decode_encode_decode),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
