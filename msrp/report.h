/* report.h - the Success-Report / Failure-Report decision table. rfc4975#7.1.1-#7.1.4, #7.2,
 * rfc4976#6.4.1; rows P1-P4, R6-R8, G1, G2
 *
 * A SEND asks with two headers who has to be told what. The table answers for every pair of values
 * and everything that can become of the request; it has one cell for each, and one test per cell.
 * Other methods ask for nothing: their requests are always answered, but a REPORT never. */
#ifndef MSRP_REPORT_H
#define MSRP_REPORT_H

#include "msrp/head.h"

/* What became of a SEND. */
enum msrp_fate {
    MSRP_FATE_TAKEN,     /* it came whole and was accepted by us */
    MSRP_FATE_REFUSED,   /* we refuse it with an error code, at its end-line */
    MSRP_FATE_DROPPED,   /* a relay discards it: its path leads nowhere */
    MSRP_FATE_PASSED,    /* a relay has handed its last octet to the next hop */
    MSRP_FATE_NEXT_OK,   /* the next hop answered 200 */
    MSRP_FATE_NEXT_BAD,  /* the next hop answered an error */
    MSRP_FATE_SILENCE,   /* 30 s after PASSED there was no answer */
    MSRP_FATE_LOST,      /* the way to the next hop broke, or was never there */
    MSRP_FATE_DELIVERED, /* an endpoint has every octet of the message */
    MSRP_FATES
};

/* What is owed, as bits. */
enum msrp_duty {
    MSRP_DUTY_ANSWER = 1, /* a response to the previous hop, at once */
    MSRP_DUTY_TIMER = 2,  /* wait 30 s for the next hop, and treat silence as a failure */
    MSRP_DUTY_REPORT = 4, /* a REPORT to the whole From-Path, with the true Byte-Range */
};

/* The duties (bits of enum msrp_duty) of one cell. success and failure as in the head: absent
 * counts as no and yes (row P1); Success-Report `partial` does not exist and counts as absent.
 * Never fails. */
unsigned msrp_report_duty(enum msrp_fate fate, enum msrp_asked success, enum msrp_asked failure);

/* Is a response to this request with `code` legal? The table for SEND; never for a response or a
 * REPORT (G2); for other methods refusals obey Failure-Report no (G1) and a 200 is always sent:
 * without it AUTH would have no use. */
bool msrp_report_is_answered(const struct msrp_head *head, int code);

#endif
