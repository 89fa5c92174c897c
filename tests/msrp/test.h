/* test.h - what every test of this folder includes, in the order cmocka wants. */
#ifndef TESTS_MSRP_TEST_H
#define TESTS_MSRP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/msrp/trace.h"
#include "tests/row.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TO       "To-Path: msrps://relay.example:2855/r1;tcp\r\n"
#define FROM     "From-Path: msrps://alice.example:7777/a1;tcp\r\n"
#define PATHS    TO FROM
#define ID       "Message-ID: m123\r\n"
#define PLAIN    "Content-Type: text/plain\r\n\r\n"

/* The trace of a NUL-terminated stream read in one piece. */
static inline struct trace *trace_of(const char *wire)
{
    return trace_run(wire, strlen(wire), NULL, trace_all, NULL);
}

/* The stream gives exactly these events. */
static inline void expect_events(const char *wire, const char *events)
{
    struct trace *t = trace_of(wire);

    assert_string_equal(t->text, events);
    trace_free(t);
}

/* The stream ends with this fatal error; is_answerable as told. */
static inline void expect_fatal(const char *wire, int err, bool is_answerable)
{
    struct trace *t = trace_of(wire);

    assert_string_equal(err_name(t->error), err_name(err));
    assert_true(msrp_err_is_fatal(err));
    assert_int_equal(t->is_answerable, is_answerable);
    assert_int_equal(t->frames, 0);
    trace_free(t);
}

/* One frame with this plain fault, told in HEAD and END; a good frame behind it is read. */
static inline void expect_plain(const char *wire, int err)
{
    static const char good[] = "MSRP good SEND\r\n" PATHS ID "-------good$\r\n";
    char *both = malloc(strlen(wire) + sizeof(good));
    struct trace *t;

    t = trace_of(wire);
    assert_string_equal(err_name(t->last_err), err_name(err));
    assert_false(msrp_err_is_fatal(err));
    assert_int_equal(t->frames, 1);
    assert_true(t->is_between);
    trace_free(t);
    strcpy(both, wire);
    strcat(both, good);
    t = trace_of(both);
    assert_int_equal(t->frames, 2);
    assert_int_equal(t->last_err, 0);
    trace_free(t);
    free(both);
}

#endif
