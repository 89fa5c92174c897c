/* tray.h - a plain MSRP message on its way into a file, or into a text that is printed. */
#ifndef RELAY_CMD_TRAY_H
#define RELAY_CMD_TRAY_H

#include "relay/client/endpoint.h"
#include "relay/client/octets.h"
#include "relay/cmd/keep.h"
#include "relay/cmd/sum.h"

struct relay_tray {
    struct relay_tray *next;
    uint64_t id;
    struct relay_keep keep;
    struct relay_sum sum;
    char hex[RELAY_SUM_HEX + 1]; /* the sum, after relay_tray_done */
    struct relay_octets text;
    bool is_kept, is_text;
};

/* Of a MESSAGE event. out: a file, or a directory where the message gets its Message-ID as its
 * name; NULL: texts up to 1 MiB are held, the rest only summed. NULL with errno set. */
struct relay_tray *relay_tray_new(const char *out, bool is_directory,
                                  const struct relay_endpoint_event *event)
    __attribute__((warn_unused_result));

/* Takes a DATA event. 0, or -1 (errno). */
int relay_tray_add(struct relay_tray *tray, const struct relay_endpoint_event *event)
    __attribute__((warn_unused_result));

/* DONE: a file is on the disk now, under its name. 0, or -1 (errno). */
int relay_tray_done(struct relay_tray *tray, const struct relay_endpoint_event *event)
    __attribute__((warn_unused_result));

/* Prints what came, after relay_tray_done. */
void relay_tray_print(const struct relay_tray *tray, const struct relay_endpoint_event *event,
                      bool is_json);

/* The one of that number; NULL: none. */
struct relay_tray *relay_tray_find(struct relay_tray *first, uint64_t id);

/* Takes it off the list and frees it; a file that is not done goes with it. */
void relay_tray_forget(struct relay_tray **first, struct relay_tray *tray);

#endif
