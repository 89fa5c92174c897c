/* report.c - see report.h. */
#include "msrp/report.h"

#define NONE   0
#define ANSWER MSRP_DUTY_ANSWER
#define TIMER  MSRP_DUTY_TIMER
#define REPORT MSRP_DUTY_REPORT

/* Three columns without and three with Success-Report; in each three Failure-Report yes, partial,
 * no. rfc4975#7.1.1: which of them an absent header means is told by the columns below. */
enum { YES, PARTIAL, NO };

/* clang-format off */
static const unsigned char duties[MSRP_FATES][2][3] = {
    /*                        Failure-Report:  yes     partial no          yes     partial no   */
    /* rfc4975#7.2, rfc4976#6.4.1: a 200 only where all is to be told */
    [MSRP_FATE_TAKEN]     = {/* no success */ {ANSWER, NONE,   NONE},     {ANSWER, NONE,   NONE}},
    /* rfc4975#7.1.4: an error also for partial; the previous hop makes a REPORT of it */
    [MSRP_FATE_REFUSED]   = {                 {ANSWER, ANSWER, NONE},     {ANSWER, ANSWER, NONE}},
    /* rfc4976#6.3: not a word to the previous hop, which may not be who it says */
    [MSRP_FATE_DROPPED]   = {                 {REPORT, REPORT, NONE},     {REPORT, REPORT, NONE}},
    /* rfc4976#6.4.1: whoever is not answered a 200 cannot tell silence from success */
    [MSRP_FATE_PASSED]    = {                 {TIMER,  NONE,   NONE},     {TIMER,  NONE,   NONE}},
    /* the next hop has it now, and is no endpoint */
    [MSRP_FATE_NEXT_OK]   = {                 {NONE,   NONE,   NONE},     {NONE,   NONE,   NONE}},
    /* rfc4976#6.4.3 */
    [MSRP_FATE_NEXT_BAD]  = {                 {REPORT, REPORT, NONE},     {REPORT, REPORT, NONE}},
    [MSRP_FATE_SILENCE]   = {                 {REPORT, NONE,   NONE},     {REPORT, NONE,   NONE}},
    /* rfc4976#6.4.1: a problem of our own */
    [MSRP_FATE_LOST]      = {                 {REPORT, REPORT, NONE},     {REPORT, REPORT, NONE}},
    /* rfc4975#7.1.3: whatever is said of failures */
    [MSRP_FATE_DELIVERED] = {                 {NONE,   NONE,   NONE},     {REPORT, REPORT, REPORT}},
};
/* clang-format on */

unsigned msrp_report_duty(enum msrp_fate fate, enum msrp_asked success, enum msrp_asked failure)
{
    int column = failure == MSRP_NO ? NO : failure == MSRP_PARTIAL ? PARTIAL : YES;

    return duties[fate][success == MSRP_YES][column];
}

bool msrp_report_is_answered(const struct msrp_head *head, int code)
{
    if (head->is_response || head->method == MSRP_REPORT) {
        return false; /* row G2 */
    }
    if (head->method == MSRP_SEND) {
        enum msrp_fate fate = code == 200 ? MSRP_FATE_TAKEN : MSRP_FATE_REFUSED;

        return msrp_report_duty(fate, head->success_report, head->failure_report) &
               MSRP_DUTY_ANSWER;
    }
    return code == 200 || head->failure_report != MSRP_NO;
}
