#include "relay/cmd/tray.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/quote.h"

enum { TEXT_MAX = 1024 * 1024 /* octets of a text that is printed */ };

/* Where the message is kept. The name is ours or an ident, in which no slash stands: nothing in it
 * leads elsewhere. */
static bool name(struct relay_keep *keep, const char *out, bool is_directory,
                 const char *message_id)
{
    char dir[RELAY_KEEP_PATH] = ".";
    const char *slash = strrchr(out, '/');
    if (is_directory) {
        return relay_keep_init(keep, out, message_id, ".bin");
    }
    if (slash != NULL) {
        int n = snprintf(dir, sizeof(dir), "%.*s", (int)(slash - out + (slash == out)), out);
        if (n < 0 || (size_t)n >= sizeof(dir)) {
            return false;
        }
    }
    return relay_keep_init(keep, dir, slash != NULL ? slash + 1 : out, "");
}

struct relay_tray *relay_tray_new(const char *out, bool is_directory,
                                  const struct relay_endpoint_event *event)
{
    struct relay_tray *tray = calloc(1, sizeof(*tray));
    if (tray == NULL) {
        return NULL;
    }
    tray->id = event->id;
    tray->keep.fd = -1;
    tray->is_kept = out != NULL;
    tray->is_text =
        out == NULL && msrp_str_has_prefix_nocase(msrp_str_of(event->content_type), "text/");
    if (out != NULL && !name(&tray->keep, out, is_directory, event->message_id)) {
        free(tray);
        errno = ENAMETOOLONG;
        return NULL;
    }
    return tray;
}

/* Puts octets of a text at their place; one that grows too long is not held any more. */
static int add_text(struct relay_tray *tray, const struct relay_endpoint_event *event)
{
    if (event->at > TEXT_MAX || event->at + event->n > TEXT_MAX) {
        tray->is_text = false;
        relay_octets_done(&tray->text);
        return 0;
    }
    size_t end = (size_t)event->at + event->n;
    if (end > tray->text.n) {
        size_t more = end - tray->text.n;
        if (relay_octets_reserve(&tray->text, more) != 0) {
            errno = ENOMEM;
            return -1;
        }
        memset(tray->text.p + tray->text.n, 0, more);
        tray->text.n = end;
    }
    memcpy(tray->text.p + event->at, event->data, event->n);
    return 0;
}

int relay_tray_add(struct relay_tray *tray, const struct relay_endpoint_event *event)
{
    relay_sum_add(&tray->sum, event->at, event->data, event->n, false);
    if (tray->is_kept) {
        return relay_keep_write(&tray->keep, event->at, event->data, event->n);
    }
    return tray->is_text ? add_text(tray, event) : 0;
}

int relay_tray_done(struct relay_tray *tray, const struct relay_endpoint_event *event)
{
    errno = EIO;
    if (!relay_sum_done(&tray->sum, event->total, tray->keep.fd, tray->hex) && tray->is_kept) {
        return -1;
    }
    return tray->is_kept ? relay_keep_done(&tray->keep) : 0;
}

static void print_json(const struct relay_tray *tray, const struct relay_endpoint_event *event)
{
    fputs("{\"event\":\"message\"", stdout);
    relay_quote_member(stdout, "id", event->message_id);
    relay_quote_member(stdout, "type", event->content_type);
    relay_quote_number(stdout, "bytes", event->total);
    relay_quote_member(stdout, "sha256", tray->hex);
    if (tray->is_kept) {
        relay_quote_member(stdout, "file", tray->keep.path);
    } else if (tray->is_text) {
        fputs(",\"text\":", stdout);
        relay_quote_json(stdout, tray->text.p != NULL ? tray->text.p : "", tray->text.n);
    }
    puts("}");
}

void relay_tray_print(const struct relay_tray *tray, const struct relay_endpoint_event *event,
                      bool is_json)
{
    if (is_json) {
        print_json(tray, event);
    } else if (tray->is_kept) {
        printf("%" PRIu64 " octets in %s\nsha256 %s\n", event->total, tray->keep.path, tray->hex);
    } else if (tray->is_text) {
        if (tray->text.n > 0) {
            relay_quote_text(stdout, tray->text.p, tray->text.n);
        }
        putchar('\n');
    } else {
        printf("(%" PRIu64 " octets of ", event->total);
        relay_quote_text(stdout, event->content_type, strlen(event->content_type));
        printf(", sha256 %s; --out keeps them)\n", tray->hex);
    }
    fflush(stdout);
}

struct relay_tray *relay_tray_find(struct relay_tray *first, uint64_t id)
{
    while (first != NULL && first->id != id) {
        first = first->next;
    }
    return first;
}

void relay_tray_forget(struct relay_tray **first, struct relay_tray *tray)
{
    while (*first != tray) {
        first = &(*first)->next;
    }
    *first = tray->next;
    relay_keep_drop(&tray->keep);
    relay_sum_drop(&tray->sum);
    relay_octets_done(&tray->text);
    free(tray);
}
