/* frame.h - cuts whole MSRP frames for the load generators: quickly, and without the rules that a
 * relay has to keep. */
#ifndef TESTS_LOAD_FRAME_H
#define TESTS_LOAD_FRAME_H

#include <stdbool.h>
#include <sys/types.h>

struct frame_run {
    const char *p; /* into the octets that were cut */
    size_t n;
};

struct frame {
    struct frame_run tid, word; /* the word behind the transaction id: method or code */
    struct frame_run from;      /* the first URI of From-Path */
    struct frame_run message_id, range, use_path, status;
    struct frame_run body;
    bool has_body;
    char flag;
};

/* The frame at the front of p[0..n): its octets, 0 when it is not whole yet, -1 when it is none. A
 * body that has `likely` octets is not searched. */
ssize_t frame_cut(struct frame *frame, const char *p, size_t n, size_t likely);

bool frame_is(struct frame_run run, const char *text);

#endif
