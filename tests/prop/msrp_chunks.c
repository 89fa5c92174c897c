/* msrp_chunks.c - seeded messages through split, writer, reader and join: the identity, whatever
 * the cuts, the order of the chunks, their repetition, and a relay that cuts them anew. */
#include "tests/msrp/test.h"

#define BIG 20000

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Chunks as they stand on the wire, one frame each. */
struct chunks {
    char wire[BIG * 3];
    size_t from[BIG], n[BIG];
    size_t count;
};

/* One SEND per chunk, cut at random; every chunk has the same Message-ID and flags. */
static void send_message(struct chunks *out, const char *body, size_t size, bool is_known,
                         uint32_t *seed)
{
    struct msrp_writer w;
    struct msrp_split s;
    unsigned number = 0;
    size_t most = 1 + next(seed) % 6000;
    char flag;

    most = most < size / 100 ? size / 100 : most; /* not too many */
    out->count = 0;
    msrp_writer_init(&w, out->wire, sizeof(out->wire));
    msrp_split_init(&s, is_known ? size : MSRP_UNKNOWN);
    do {
        struct msrp_chunk c;
        char tid[8];
        size_t written, before = w.n;

        snprintf(tid, sizeof(tid), "t%05u", number++);
        msrp_split_open(&s, &c, next(seed) % 4 == 0 ? 1 + next(seed) % most : most);
        written = c.octets;
        if (written > size - c.from) {
            written = size - c.from; /* the source has run dry */
        }
        if (!is_known && c.from + written == size) {
            msrp_split_set_total(&s, size);
        }
        if (written > MSRP_CHUNK_STEP && c.range.end == MSRP_UNKNOWN && next(seed) % 2) {
            size_t cut = MSRP_CHUNK_STEP + next(seed) % (written - MSRP_CHUNK_STEP);

            written = msrp_split_may_cut(&s, cut) ? cut : written;
        }
        assert_int_equal(msrp_split_close(&s, written, &flag), 0);
        msrp_writer_request(&w, msrp_str_of(tid), "SEND");
        msrp_writer_text(&w, PATHS ID "Success-Report: no\r\n");
        msrp_writer_range(&w, &c.range);
        msrp_writer_text(&w, PLAIN);
        msrp_writer_put(&w, (struct msrp_str){body + c.from, written});
        msrp_writer_end(&w, msrp_str_of(tid), flag, true);
        out->from[out->count] = before;
        out->n[out->count++] = w.n - before;
    } while (!msrp_split_is_done(&s));
    assert_int_equal(w.err, 0);
}

/* The receiver: reads one frame and joins it. */
struct box {
    struct msrp_join j;
    struct msrp_run runs[MSRP_RANGE_RUNS + 200];
    char held[BIG];
    char got[BIG];
    size_t n;
};

static void box_init(struct box *b)
{
    b->n = 0;
    msrp_join_init(&b->j, b->runs, COUNT(b->runs), BIG, BIG);
}

static void receive(struct box *b, const char *wire, size_t len)
{
    struct msrp_reader r;
    struct msrp_event ev;
    size_t at = 0;

    msrp_reader_init(&r, NULL);
    do {
        ssize_t used = msrp_reader_next(&r, wire + at, len - at, &ev);

        assert_true(used >= 0);
        at += (size_t)used;
        if (ev.kind == MSRP_EV_HEAD) {
            assert_int_equal(ev.err, 0);
            /* row C2: the same on every chunk */
            assert_true(msrp_str_is(ev.head->message_id, "m123"));
            assert_int_equal(ev.head->success_report, MSRP_NO);
            assert_true(ev.head->has_range);
            assert_int_equal(msrp_join_begin(&b->j, &ev.head->range, 0), 0);
        }
        while (ev.kind == MSRP_EV_BODY && ev.body.n > 0) {
            struct msrp_piece piece;
            struct msrp_run run;

            assert_int_equal(msrp_join_feed(&b->j, ev.body.n, &piece), 0);
            if (piece.kind == MSRP_JOIN_DELIVER) {
                memcpy(b->got + b->n, ev.body.p, piece.n);
                b->n += piece.n;
            } else if (piece.kind == MSRP_JOIN_HOLD) {
                memcpy(b->held + piece.from, ev.body.p, piece.n);
            }
            ev.body.p += piece.n;
            ev.body.n -= piece.n;
            while (msrp_join_take(&b->j, &run)) {
                assert_int_equal(run.from, b->n);
                memcpy(b->got + run.from, b->held + run.from, run.to - run.from);
                b->n = run.to;
            }
        }
    } while (ev.kind != MSRP_EV_END);
    assert_int_equal(msrp_join_end(&b->j, ev.flag, 0), 0);
}

static void expect_whole(const struct box *b, const char *body, size_t size)
{
    assert_true(msrp_join_is_complete(&b->j));
    assert_int_equal(b->n, size);
    assert_memory_equal(b->got, body, size);
}

static size_t random_body(char *body, uint32_t *seed)
{
    size_t size = next(seed) % 4 == 0 ? next(seed) % 50 : next(seed) % BIG;

    for (size_t i = 0; i < size; i++) {
        body[i] = (char)next(seed);
    }
    return size;
}

/* row C2, and split then join is the identity: in order, shuffled, with repeats. */
static void split_then_join(void **state)
{
    static struct chunks chunks;
    static struct box box;
    static char body[BIG];

    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t seed = round;
        size_t size = random_body(body, &seed), order[BIG];

        send_message(&chunks, body, size, round % 3 != 0, &seed);
        for (size_t i = 0; i < chunks.count; i++) {
            order[i] = i;
        }
        if (round % 2) {
            for (size_t i = chunks.count; i-- > 1;) {
                size_t k = next(&seed) % (i + 1), o = order[i];

                order[i] = order[k];
                order[k] = o;
            }
        }
        box_init(&box);
        for (size_t i = 0; i < chunks.count; i++) {
            size_t c = order[i];

            receive(&box, chunks.wire + chunks.from[c], chunks.n[c]);
            if (next(&seed) % 4 == 0) {
                receive(&box, chunks.wire + chunks.from[c], chunks.n[c]); /* repeated */
            }
        }
        expect_whole(&box, body, size);
    }
    row_passed("C2");
}

/* row C13: a relay joins what it gets and cuts it anew; the far side sees the same message. */
static void resplit(void **state)
{
    static struct chunks first, second;
    static struct box relay, peer;
    static char body[BIG];

    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t seed = 9000 + round;
        size_t size = random_body(body, &seed);

        send_message(&first, body, size, true, &seed);
        box_init(&relay);
        for (size_t i = 0; i < first.count; i++) {
            receive(&relay, first.wire + first.from[i], first.n[i]);
        }
        expect_whole(&relay, body, size);
        send_message(&second, relay.got, relay.n, round % 2, &seed);
        box_init(&peer);
        for (size_t i = second.count; i-- > 0;) {
            receive(&peer, second.wire + second.from[i], second.n[i]);
        }
        expect_whole(&peer, body, size);
    }
    row_passed("C13");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_then_join),
        cmocka_unit_test(resplit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
