/* cmd_recv.c - mcrelay recv: prints what arrives, answers dispositions. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dpp/sds/ie.h"
#include "dpp/sds/print.h"
#include "relay/client/octets.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/keep.h"
#include "relay/cmd/person.h"
#include "relay/cmd/quote.h"
#include "relay/err.h"

enum { TIMEOUT_MAX_S = 31536000, COUNT_MAX = 1000000000 };

static const char help[] =
    "usage: mcrelay recv --relay URI --token FILE --me URI [options]\n"
    "       mcrelay recv --path ...        as a plain MSRP endpoint; recv --path --help\n"
    "\n"
    "Receives messages, opens them and prints them, one after the other. DELIVERED is answered\n"
    "where it was asked for. \"listening as URI\" on standard error: the relay delivers from now\n"
    "on.\n"
    "\n" RELAY_PERSON_HELP "  --read            answer READ as well\n"
    "  --out DIR         write files and binary data to DIR/<message ID>.bin, never over a file "
    "that is there\n"
    "  --count N         end after N messages\n"
    "  --timeout SECONDS end after so long\n"
    "  --json            one JSON object per line\n"
    "\n"
    "exit: 0 N messages came, or stopped (SIGTERM, SIGINT, timeout) without --count; 1 failed or\n"
    "      stopped before N messages came; 2 usage; 3 refused by the relay\n"
    "\n"
    "example:\n"
    "  mcrelay recv --relay msrps://relay.iops.example:2855 --connect 192.0.2.1:2855 --ca ca.pem "
    "\\\n"
    "      --token bob.jwt --me sip:bob@iops.example --keys bob.keys --kek bob.kek --read --json\n";

/* A message on its way in. */
struct arriving {
    struct arriving *next;
    uint64_t id;
    uint8_t content_type; /* of its first piece */
    bool has_type;
    struct relay_octets text; /* text pieces */
    size_t last_n;            /* octets of the last text piece */
    struct relay_keep keep;   /* other pieces, with --out */
    uint64_t kept;            /* octets of it */
    bool has_file;
    const char *failed; /* why the file could not be written */
};

struct receiving {
    struct relay_person person;
    const char *out;
    uint64_t count, timeout_s;
    bool is_read, is_json;

    struct relay_line *line;
    struct arriving *arriving;
    uint64_t messages;
    bool is_listening;
    int exit;
};

static struct arriving *find(struct receiving *receiving, uint64_t id)
{
    struct arriving *message = receiving->arriving;
    while (message != NULL && message->id != id) {
        message = message->next;
    }
    return message;
}

static void begin(struct receiving *receiving, const struct relay_client_event *event)
{
    char id[37];
    struct arriving *message = calloc(1, sizeof(*message));
    if (message == NULL) {
        return;
    }
    message->id = event->id;
    message->keep.fd = -1;
    message->next = receiving->arriving;
    receiving->arriving = message;
    if (receiving->out != NULL) {
        relay_quote_uuid(id, event->message);
        if (!relay_keep_init(&message->keep, receiving->out, id, ".bin")) {
            message->failed = strerror(ENAMETOOLONG);
        }
    }
}

static void forget(struct receiving *receiving, struct arriving *message)
{
    struct arriving **at = &receiving->arriving;
    while (*at != message) {
        at = &(*at)->next;
    }
    *at = message->next;
    relay_keep_drop(&message->keep);
    relay_octets_done(&message->text);
    free(message);
}

static void add_text(struct arriving *message, const void *p, size_t n)
{
    if (relay_octets_put(&message->text, p, n) != 0) {
        message->failed = "out of memory";
    }
}

static void add_octets(const struct receiving *receiving, struct arriving *message,
                       const struct relay_client_event *event)
{
    if (receiving->out == NULL || message->failed != NULL) {
        return;
    }
    message->has_file = true;
    if (relay_keep_write(&message->keep, message->kept, event->data, event->n) != 0) {
        message->failed = strerror(errno);
    }
    message->kept += event->n;
}

/* A piece: text is joined line by line (the pieces of one long text as they are), a status or a
 * place becomes text, the rest is octets. ts24282#9.2.1.2 */
static void add(struct receiving *receiving, const struct relay_client_event *event)
{
    struct arriving *message = find(receiving, event->id);
    struct dpp_span data = {event->data, event->n};
    char line[80];
    int32_t latitude, longitude;
    int n = 0;
    if (message == NULL) {
        return;
    }
    if (!message->has_type) {
        message->content_type = event->content_type;
        message->has_type = true;
    }
    bool goes_on = message->last_n == DPP_PAYLOAD_PART_MAX;
    message->last_n = event->n;
    switch (event->content_type) {
    case DPP_CONTENT_TEXT:
    case DPP_CONTENT_HYPERLINKS:
    case DPP_CONTENT_FILEURL:
    case DPP_CONTENT_CODED_TEXT:
        break;
    case DPP_CONTENT_LOCATION:
        if (dpp_ie_location(data, &latitude, &longitude) == 0) {
            n = snprintf(line, sizeof(line), "location %.6f %.6f", latitude / 1e6, longitude / 1e6);
        }
        break;
    case DPP_CONTENT_STATUS:
        if (event->n == 2) {
            n = snprintf(line, sizeof(line), "status %d", event->data[0] << 8 | event->data[1]);
        }
        break;
    default:
        add_octets(receiving, message, event);
        return;
    }
    if (message->text.n > 0 && !goes_on) {
        add_text(message, "\n", 1);
    }
    if (n > 0) {
        add_text(message, line, (size_t)n);
    } else {
        add_text(message, event->data, event->n);
    }
}

static void print_label(const struct relay_client_event *event)
{
    char id[37];
    relay_quote_member(stdout, "from", event->from);
    relay_quote_member(stdout, "group", event->group);
    relay_quote_uuid(id, event->conversation);
    relay_quote_member(stdout, "conversation", id);
    relay_quote_uuid(id, event->message);
    relay_quote_member(stdout, "message", id);
    relay_quote_number(stdout, "date", (uint64_t)event->date_s);
}

static void print_json(const struct arriving *message, const struct relay_client_event *event)
{
    const char *type = dpp_ie_number_name(DPP_KIND_CONTENT, message->content_type);
    const char *asked = dpp_ie_number_name(DPP_KIND_SDS_REQUEST, event->disposition);
    fputs("{\"event\":\"message\"", stdout);
    print_label(event);
    relay_quote_member(stdout, "disposition", asked != NULL ? asked : "");
    relay_quote_member(stdout, "type", type != NULL ? type : "");
    relay_quote_number(stdout, "bytes", event->bytes);
    if (message->text.p != NULL) {
        fputs(",\"text\":", stdout);
        relay_quote_json(stdout, message->text.p, message->text.n);
    }
    if (message->has_file) {
        relay_quote_member(stdout, "file", message->keep.path);
    }
    puts("}");
}

static void print_text(const struct arriving *message, const struct relay_client_event *event)
{
    uint8_t date[32];
    struct dpp_out out;
    dpp_cur_out(&out, date, sizeof(date));
    dpp_print_time(&out, (uint64_t)event->date_s);
    printf("[%.*s] %s", (int)out.n, (const char *)date, event->from);
    if (event->group[0] != '\0') {
        printf(" to %s", event->group);
    }
    fputs(": ", stdout);
    if (message->text.p != NULL) {
        relay_quote_text(stdout, message->text.p, message->text.n);
    }
    if (message->has_file) {
        printf("%" PRIu64 " octets in %s", event->bytes, message->keep.path);
    } else if (message->text.p == NULL) {
        printf("(%" PRIu64 " octets of data; --out DIR keeps them)", event->bytes);
    }
    putchar('\n');
}

static void complete(struct receiving *receiving, const struct relay_client_event *event)
{
    struct arriving *message = find(receiving, event->id);
    if (message == NULL) { /* there was no memory for it */
        relay_line_disown(receiving->line);
        return;
    }
    /* on the disk, under its name: only then the sender may hear of it */
    if (message->has_file && message->failed == NULL && relay_keep_done(&message->keep) != 0) {
        message->failed = strerror(errno);
    }
    if (message->failed != NULL) {
        relay_line_disown(receiving->line);
        receiving->exit = relay_cmd_fail("recv", RELAY_EXIT_FAILED, "a message from %s: %s: %s",
                                         event->from, message->keep.path, message->failed);
        relay_line_close(receiving->line);
    } else if (receiving->is_json) {
        print_json(message, event);
    } else {
        print_text(message, event);
    }
    fflush(stdout);
    receiving->messages += message->failed == NULL ? 1 : 0;
    forget(receiving, message);
    if (receiving->count > 0 && receiving->messages >= receiving->count && receiving->exit < 0) {
        receiving->exit = RELAY_EXIT_OK;
        relay_line_close(receiving->line);
    }
}

static void lost(struct receiving *receiving, const struct relay_client_event *event)
{
    struct arriving *message = find(receiving, event->id);
    const char *from = event->from[0] != '\0' ? event->from : "somebody";
    if (message != NULL) {
        forget(receiving, message);
    }
    fprintf(stderr, "mcrelay recv: a message from %s is lost: %s\n", from, event->text);
    if (receiving->is_json) {
        fputs("{\"event\":\"lost\"", stdout);
        print_label(event);
        relay_quote_member(stdout, "reason", event->text);
        puts("}");
        fflush(stdout);
    }
}

static void disposition(const struct receiving *receiving, const struct relay_client_event *event)
{
    const char *name = dpp_ie_number_name(DPP_KIND_SDS_DISPOSITION, event->notification);
    char id[37];
    name = name != NULL ? name : "UNKNOWN";
    if (receiving->is_json) {
        fputs("{\"event\":\"disposition\"", stdout);
        relay_quote_member(stdout, "type", name);
        print_label(event);
        puts("}");
    } else {
        relay_quote_uuid(id, event->message);
        printf("%s: %s, message %s\n", name, event->from, id);
    }
    fflush(stdout);
}

/* A key came, was made for an answer, or went. */
static void print_key(const struct receiving *receiving, const struct relay_client_event *event)
{
    char id[9];
    const char *peer = event->group[0] != '\0' ? event->group : event->from;
    snprintf(id, sizeof(id), "%08x", event->key_id);
    if (receiving->is_json) {
        fputs("{\"event\":\"keyed\"", stdout);
        relay_quote_member(stdout, "role", dpp_role_name((int)event->role));
        relay_quote_member(stdout, "id", id);
        relay_quote_member(stdout, "from", event->from);
        relay_quote_member(stdout, "group", event->group);
        printf(",\"dropped\":%s}\n", event->is_dropped ? "true" : "false");
        fflush(stdout);
    } else {
        fprintf(stderr, "%s %s %s %s\n", event->is_dropped ? "dropped" : "keyed",
                dpp_role_name((int)event->role), id, peer);
    }
}

static void told(void *ctx, struct relay_line *line, const struct relay_client_event *event)
{
    struct receiving *receiving = ctx;
    int code;
    if (relay_person_told(&receiving->person, event, &code)) {
        if (code != RELAY_EXIT_OK && receiving->exit < 0) {
            receiving->exit = code;
            relay_line_close(line);
        } else if (event->kind == RELAY_CLIENT_KEYED) {
            print_key(receiving, event);
        }
        return;
    }
    switch (event->kind) {
    case RELAY_CLIENT_READY:
        if (!receiving->is_listening) {
            fprintf(stderr, "listening as %s\n", receiving->person.me);
            receiving->is_listening = true;
        }
        break;
    case RELAY_CLIENT_MESSAGE:
        begin(receiving, event);
        break;
    case RELAY_CLIENT_DATA:
        add(receiving, event);
        break;
    case RELAY_CLIENT_DONE:
        complete(receiving, event);
        break;
    case RELAY_CLIENT_LOST:
        lost(receiving, event);
        break;
    case RELAY_CLIENT_NOTIFICATION:
        disposition(receiving, event);
        break;
    case RELAY_CLIENT_REFUSED:
        fprintf(stderr, "mcrelay recv: a disposition or a key was refused, %d: %s\n", event->status,
                event->text);
        break;
    case RELAY_CLIENT_CLOSED:
        receiving->line = NULL;
        if (receiving->exit < 0 && event->status != 0) {
            receiving->exit = relay_cmd_fail(
                "recv", event->status == 408 ? RELAY_EXIT_FAILED : RELAY_EXIT_REFUSED, "%d: %s",
                event->status, event->text);
        } else if (receiving->exit < 0) {
            receiving->exit = relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s", event->text);
        }
        break;
    default:
        break;
    }
}

static void stop(struct receiving *receiving)
{
    if (receiving->exit < 0) {
        receiving->exit = receiving->count == 0 ? RELAY_EXIT_OK : RELAY_EXIT_FAILED;
    }
    if (receiving->line != NULL) {
        relay_line_close(receiving->line);
    }
}

static void timed_out(void *ctx)
{
    struct receiving *receiving = ctx;
    if (receiving->count > 0 && receiving->exit < 0) {
        fprintf(stderr, "mcrelay recv: %" PRIu64 " of %" PRIu64 " messages came in %" PRIu64 " s\n",
                receiving->messages, receiving->count, receiving->timeout_s);
    }
    stop(receiving);
}

static void signalled(void *ctx, int number)
{
    (void)number;
    stop(ctx);
}

/* --- the command line --- */

static int run(struct receiving *receiving)
{
    int err;
    int rc = relay_person_open(&receiving->person);
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    struct relay_dial *dial = receiving->person.dial;
    struct relay_line_conf conf = relay_person_line(&receiving->person);
    conf.client.answer =
        receiving->is_read ? RELAY_CLIENT_ANSWER_READ : RELAY_CLIENT_ANSWER_DELIVERED;
    conf.event = told;
    conf.ctx = receiving;
    receiving->line = relay_line_open(dial, &conf, &err);
    if (receiving->line == NULL) {
        return relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    err = relay_dial_on_stop(dial, signalled, receiving);
    if (err == 0 && receiving->timeout_s > 0) {
        err = relay_dial_after(dial, receiving->timeout_s * 1000, timed_out, receiving);
    }
    if (err != 0) {
        return relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    relay_dial_run(dial);
    return receiving->exit < 0 ? RELAY_EXIT_FAILED : receiving->exit;
}

enum { OPT_HELP = 1, OPT_READ, OPT_OUT, OPT_COUNT, OPT_TIMEOUT, OPT_JSON };

static const struct option options[] = {
    RELAY_PERSON_OPTIONS,
    {"help", no_argument, NULL, OPT_HELP},
    {"read", no_argument, NULL, OPT_READ},
    {"out", required_argument, NULL, OPT_OUT},
    {"count", required_argument, NULL, OPT_COUNT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* As in cmd_send.c. */
static int take_option(struct receiving *receiving, int option)
{
    switch (option) {
    case OPT_HELP:
        fputs(help, stdout);
        return -1;
    case OPT_READ:
        receiving->is_read = true;
        break;
    case OPT_OUT:
        receiving->out = optarg;
        if (access(optarg, W_OK | X_OK) != 0) {
            return relay_cmd_usage("recv", "--out %s: %s", optarg, strerror(errno));
        }
        break;
    case OPT_COUNT:
        if (relay_input_number(optarg, COUNT_MAX, &receiving->count) != 0) {
            return relay_cmd_usage("recv", "--count is a number from 1");
        }
        break;
    case OPT_TIMEOUT:
        if (relay_input_number(optarg, TIMEOUT_MAX_S, &receiving->timeout_s) != 0) {
            return relay_cmd_usage("recv", "--timeout is a number of seconds from 1");
        }
        break;
    case OPT_JSON:
        receiving->is_json = true;
        break;
    default:
        if (!relay_person_option(&receiving->person, option, optarg)) {
            return relay_cmd_usage("recv", "see the line above");
        }
    }
    return RELAY_EXIT_OK;
}

int relay_cmd_recv(int argc, char **argv)
{
    if (relay_cmd_has_path(argc, argv)) {
        return relay_cmd_recv_path(argc, argv);
    }
    struct receiving receiving = {.person = {.command = "recv"}, .exit = -1};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        int rc = take_option(&receiving, option);
        if (rc != RELAY_EXIT_OK) {
            return rc < 0 ? RELAY_EXIT_OK : rc;
        }
    }
    if (optind < argc) {
        return relay_cmd_usage("recv", "what is %s?", argv[optind]);
    }
    int rc = run(&receiving);
    while (receiving.arriving != NULL) {
        forget(&receiving, receiving.arriving);
    }
    relay_person_close(&receiving.person);
    return rc;
}
