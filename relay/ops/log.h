/* log.h - one thing that happened, one line: JSON, or text on a terminal.
 *
 * Every octet outside 0x20..0x7e is escaped, a field ends after 256 octets, a record is one line
 * (threat T30). A reason that comes more than RELAY_LOG_BURST times in a second is written that
 * often, then counted, and the count stands in its next line; so are notes below a warning. Secrets
 * never come here: events carry a keyed hash of a session, and no token, path or payload. */
#ifndef RELAY_OPS_LOG_H
#define RELAY_OPS_LOG_H

#include <stdio.h>

#include "relay/core/event.h"
#include "relay/ops/conf.h"

enum { RELAY_LOG_FIELD = 256, RELAY_LOG_LINE = 8192, RELAY_LOG_BURST = 20 };

struct relay_log;

/* Opens settings->log_file (NULL: standard error). NULL and `why` when it cannot be opened. */
struct relay_log *relay_log_new(const struct relay_settings *settings, char *why, size_t why_n)
    __attribute__((warn_unused_result));
void relay_log_free(struct relay_log *log); /* NULL is allowed */

/* Opens the file anew, after it was renamed (SIGHUP). Keeps the old one when that fails. */
void relay_log_reopen(struct relay_log *log);

/* A row of the core at unix time now_ms (milliseconds). */
void relay_log_event(struct relay_log *log, const struct relay_event *event, int64_t now_ms);

/* A line of the daemon itself: `what` names the subject in a word, `text` is a sentence. */
void relay_log_note(struct relay_log *log, enum relay_log_level level, const char *what,
                    const char *text, int64_t now_ms);

/* The line of an event as the log would write it, without the newline; for tests. Returns its
 * octets. */
size_t relay_log_print(char *out, size_t cap, bool json, const struct relay_event *event,
                       uint64_t suppressed, int64_t now_ms);

#endif
