/* One outgoing message: what it is made of, at every size where its form changes. */
#include "relay/client/letter.h"
#include "tests/relay/client_kit.h"

static struct kit seeded; /* the random source */

struct source {
    uint64_t at, end;
    size_t step;
};

static ssize_t source_read(void *ctx, void *p, size_t n)
{
    struct source *source = ctx;
    uint8_t *out = p;
    n = n < source->step ? n : source->step;
    n = n < source->end - source->at ? n : (size_t)(source->end - source->at);
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(source->at++ * 13);
    }
    return (ssize_t)n;
}

/* Everything the letter gives, `most` octets at a time. */
static size_t drain(struct relay_letter *letter, const struct relay_client_random *random,
                    uint8_t *out, size_t cap, size_t most)
{
    const char *p;
    size_t all = 0;
    for (;;) {
        ssize_t n = relay_letter_peek(letter, random, &p);
        assert_true(n >= 0);
        if (n == 0) {
            return all;
        }
        size_t take = (size_t)n < most ? (size_t)n : most;
        assert_true(all + take <= cap);
        memcpy(out + all, p, take);
        relay_letter_took(letter, take);
        all += take;
    }
}

/* The payload part of a drained letter, opened: data octets that agree with the source. */
static uint64_t open_payload(const uint8_t *part, size_t n, const struct dpp_key *key)
{
    struct dpp_payload payload;
    struct dpp_seal seal;
    const uint8_t *frame;
    size_t frame_n;
    uint64_t data = 0;
    uint8_t *plain = malloc(70000);
    assert_int_equal(dpp_payload_init(&payload, part, n, DPP_ROLE_PCK), 0);
    assert_int_equal(dpp_seal_init(&seal, key, dpp_key_id(key), DPP_USE_ONE, payload.alg), 0);
    while (dpp_payload_next(&payload, &frame, &frame_n)) {
        ssize_t got = payload.many ? dpp_payload_open_part(&seal, frame, frame_n, plain, 70000)
                                   : dpp_payload_open_one(&seal, DPP_FRAMING_STRIPPED, frame,
                                                          frame_n, plain, 70000);
        assert_true(got > 0);
        for (ssize_t i = payload.many ? 1 : 6; i < got; i++) {
            assert_int_equal(plain[i], (uint8_t)(data * 13));
            data++;
        }
    }
    dpp_seal_done(&seal);
    free(plain);
    return data;
}

static void sizes(void **state)
{
    static const struct {
        uint64_t size;
        unsigned frames; /* 0: one protected message */
    } rows[] = {
        {0, 0},
        {1, 0},
        {65513, 0},
        {65514, 0},
        {65515, 2},
        {2 * 65483, 2},
        {2 * 65483 + 1, 3},
        {1048576, 17},
        {16698165 - 1, 255},
        {16698165, 255},
    };
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_random random = {kit_random, &seeded};
    struct relay_letter_from from = {&random, NULL, KIT_UNIX_S, NULL};
    size_t cap = 17 * 1024 * 1024;
    uint8_t *out = malloc(cap);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct source source = {.end = rows[i].size, .step = 10007 + i};
        struct relay_client_sds sds = {.to = KIT_BOB,
                                       .key = kit_key(keys, KIT_PCK_ID),
                                       .content_type = DPP_CONTENT_BINARY,
                                       .size = rows[i].size,
                                       .read = source_read,
                                       .ctx = &source};
        int err;
        struct relay_letter *letter = relay_letter_sds(&from, &sds, &err);
        assert_non_null(letter);
        size_t n = drain(letter, &random, out, cap, 4096 + i);
        /* the total that Byte-Range declares is the true one */
        assert_int_equal(n, letter->split.total);
        const uint8_t *part = out + letter->label_n;
        size_t tail = strlen(letter->boundary) + 6;
        assert_memory_equal(out, "--", 2);
        assert_memory_equal(out + n - tail, "\r\n--", 4);
        assert_memory_equal(out + n - 2, "--", 2);
        assert_int_equal(part[0], rows[i].frames == 0 ? 0x43 : 0x03);
        if (rows[i].frames > 0) {
            assert_int_equal(part[1], rows[i].frames);
        }
        assert_int_equal(open_payload(part, n - tail - letter->label_n, sds.key), rows[i].size);
        relay_letter_free(letter);
    }
    free(out);
    dpp_store_free(keys);
}

static void wrong_letters(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_random random = {kit_random, &seeded};
    struct relay_letter_from from = {&random, NULL, KIT_UNIX_S, NULL};
    struct relay_client_sds sds = {.size = 1, .data = "x"};
    int err;
    (void)state;
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, RELAY_E_SDS_TARGET); /* none */
    sds.to = KIT_BOB;
    sds.group = KIT_GROUP;
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, RELAY_E_SDS_TARGET); /* both */
    sds.group = NULL;
    sds.to = "bob";
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, RELAY_E_SDS_TARGET);
    sds.to = KIT_BOB;
    sds.size = (uint64_t)RELAY_CLIENT_DATA_MAX + 1;
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, RELAY_E_TOO_LARGE);
    sds.size = 1;
    sds.key = kit_key(keys, KIT_GMK_ID); /* a group's key for one user */
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, DPP_E_ROLE);
    sds.key = kit_key(keys, KIT_PCK_ID);
    sds.data = NULL; /* no source at all */
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, RELAY_E_IO);
    sds.data = "x";
    seeded.is_random_broken = true;
    assert_null(relay_letter_sds(&from, &sds, &err));
    assert_int_equal(err, RELAY_E_RANDOM);
    seeded.is_random_broken = false;
    struct relay_letter *letter = relay_letter_sds(&from, &sds, &err);
    assert_non_null(letter);
    relay_letter_free(letter);
    dpp_store_free(keys);
}

/* No IV twice: 100 letters, each with one frame. profile section 4, dpp/seal/seal.h */
static void every_frame_has_its_own_iv(void **state)
{
    struct dpp_store *keys = kit_keys(0);
    struct relay_client_random random = {kit_random, &seeded};
    struct relay_letter_from from = {&random, NULL, KIT_UNIX_S, NULL};
    uint8_t ivs[100][16];
    int err;
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct relay_client_sds sds = {
            .to = KIT_BOB, .key = kit_key(keys, KIT_PCK_ID), .size = 1, .data = "x"};
        struct relay_letter *letter = relay_letter_sds(&from, &sds, &err);
        assert_non_null(letter);
        memcpy(ivs[i], letter->head.p + letter->label_n + 12, 16);
        for (int j = 0; j < i; j++) {
            assert_memory_not_equal(ivs[i], ivs[j], 16);
        }
        relay_letter_free(letter);
    }
    dpp_store_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(wrong_letters),
        cmocka_unit_test(every_frame_has_its_own_iv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
