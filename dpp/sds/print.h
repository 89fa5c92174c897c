/* print.h - a message for people (text) and for programs (one JSON object).
 *
 * Both come from one walk over the rows of msg.h and ie.h. Of a protected message only the clear
 * header is shown. Text from the wire is escaped: no control, no bidirectional override reaches a
 * terminal; text that is not UTF-8 is shown as hex. */
#ifndef DPP_SDS_PRINT_H
#define DPP_SDS_PRINT_H

#include "dpp/sds/msg.h"

/* Appends `m` to `o` as lines "name: value\n", the first being the message's name; long octet
 * strings are cut after 64 octets and say so. Returns 0, or DPP_E_SPACE when it did not fit: what
 * was written then is the beginning of the text. */
int dpp_print_text(struct dpp_out *o, const struct dpp_msg *m) __attribute__((warn_unused_result));

/* Appends `m` to `o` as one JSON object without line breaks; nothing is cut. Keys are the names in
 * lower case with underscores. Returns 0 or DPP_E_SPACE. */
int dpp_print_json(struct dpp_out *o, const struct dpp_msg *m) __attribute__((warn_unused_result));

/* Appends Unix time as RFC 3339 in UTC ("2026-09-30T12:00:00Z"), up to the year 9999; a later time
 * as its number of seconds. Errors stick to `o`. */
void dpp_print_time(struct dpp_out *o, uint64_t time_s);

/* Appends 16 octets in UUID form. */
void dpp_print_uuid(struct dpp_out *o, const uint8_t id[16]);

#endif
