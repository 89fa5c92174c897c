/* cmd_send.c - mcrelay send: one message to a user or a group, and what became of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/crypto.h>

#include "dpp/sds/ie.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/person.h"
#include "relay/cmd/progress.h"
#include "relay/cmd/quote.h"
#include "relay/err.h"

enum {
    BEAT_MS = 100,    /* progress, time limits */
    STALL_MS = 60000, /* no octet either way for so long: give up */
    WAIT_MAX_S = 86400,
};

static const char help[] =
    "usage: mcrelay send --relay URI --token FILE --me URI [options]\n"
    "                    (--to URI | --group URI) (TEXT | --file FILE | -)\n"
    "       mcrelay send --path PATH ...   to a plain MSRP endpoint; send --path --help\n"
    "\n"
    "Sends one protected message: TEXT, a file, or what stands on standard input (-).\n"
    "One-to-one it is sealed with the PCK of the pair, for a group with its GMK. With --keyset a\n"
    "PCK that is not there yet is made and goes with the message.\n"
    "\n" RELAY_PERSON_HELP "  --to URI          the user it is for\n"
    "  --group URI       the group it is for\n"
    "  --file FILE       send a file, up to 16,698,165 octets\n"
    "  --disposition D   ask for delivered, read or both\n"
    "  --wait SECONDS    stay and print the dispositions that come back; one-to-one until all\n"
    "                    that was asked for is there\n"
    "  --json            one JSON object per line\n"
    "\n"
    "exit: 0 accepted by the relay (with --wait: and a disposition came), 1 failed, 2 usage,\n"
    "      3 refused by the relay, or no key\n"
    "\n"
    "example:\n"
    "  mcrelay send --relay msrps://relay.iops.example:2855 --connect 192.0.2.1:2855 --ca ca.pem "
    "\\\n"
    "      --token alice.jwt --me sip:alice@iops.example --keys alice.keys --kek alice.kek \\\n"
    "      --to sip:bob@iops.example --disposition both --wait 30 \"Stairwell B is clear.\"\n";

struct sending {
    struct relay_person person;
    struct relay_client_sds sds;
    const char *text, *file_name;
    uint64_t wait_s;
    bool is_json;
    char *octets; /* what was read into memory */
    size_t octets_n;
    FILE *file;

    struct relay_line *line;
    uint64_t id;
    bool is_queued, is_accepted, is_told_of;
    unsigned outstanding; /* bits of sds.disposition not answered yet */
    int64_t until_ms, moved_ms;
    uint64_t moved;
    int exit;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static ssize_t read_file(void *ctx, void *p, size_t n)
{
    struct sending *sending = ctx;
    size_t got = fread(p, 1, n, sending->file);
    return got > 0 ? (ssize_t)got : -1;
}

static void print_ids(const struct relay_client_event *event)
{
    char id[37];
    relay_quote_uuid(id, event->conversation);
    relay_quote_member(stdout, "conversation", id);
    relay_quote_uuid(id, event->message);
    relay_quote_member(stdout, "message", id);
}

static void accepted(struct sending *sending, const struct relay_client_event *event)
{
    const struct relay_client_sds *sds = &sending->sds;
    const char *target = sds->group != NULL ? sds->group : sds->to;
    struct relay_client_event ids = {0};
    char id[37];
    memcpy(ids.conversation, sds->conversation, 16);
    memcpy(ids.message, sds->message, 16);
    relay_progress_draw("sending", sds->size, sds->size);
    if (sending->is_json) {
        fputs("{\"event\":\"accepted\"", stdout);
        relay_quote_member(stdout, sds->group != NULL ? "group" : "to", target);
        print_ids(&ids);
        relay_quote_number(stdout, "bytes", event->bytes);
        puts("}");
    } else {
        relay_quote_uuid(id, sds->message);
        printf("accepted: message %s to %s\n", id, target);
    }
    fflush(stdout);
    sending->is_accepted = true;
    sending->until_ms = now_ms() + (int64_t)sending->wait_s * 1000;
    if (sending->wait_s == 0) {
        sending->exit = RELAY_EXIT_OK;
        relay_line_close(sending->line);
    }
}

static void disposition(struct sending *sending, const struct relay_client_event *event)
{
    static const uint8_t answers[] = {
        [DPP_SDS_DISPOSITION_UNDELIVERED] = 3, [DPP_SDS_DISPOSITION_DELIVERED] = 1,
        [DPP_SDS_DISPOSITION_READ] = 2,        [DPP_SDS_DISPOSITION_DELIVERED_READ] = 3,
        [DPP_SDS_DISPOSITION_PREVENTED] = 3,
    };
    const char *name = dpp_ie_number_name(DPP_KIND_SDS_DISPOSITION, event->notification);
    if (memcmp(event->message, sending->sds.message, 16) != 0) {
        return; /* of an earlier message of ours */
    }
    name = name != NULL ? name : "UNKNOWN";
    if (sending->is_json) {
        fputs("{\"event\":\"disposition\"", stdout);
        relay_quote_member(stdout, "type", name);
        relay_quote_member(stdout, "from", event->from);
        relay_quote_member(stdout, "group", event->group);
        print_ids(event);
        relay_quote_number(stdout, "date", (uint64_t)event->date_s);
        puts("}");
    } else {
        printf("%s: %s\n", name, event->from);
    }
    fflush(stdout);
    sending->is_told_of = true;
    if (event->notification < sizeof(answers)) {
        sending->outstanding &= ~(unsigned)answers[event->notification];
    }
    if (sending->sds.group == NULL && sending->outstanding == 0) {
        sending->exit = RELAY_EXIT_OK;
        relay_line_close(sending->line);
    }
}

/* The relay said no, or nothing. */
static void failed(struct sending *sending, const struct relay_client_event *event)
{
    bool no = event->status != 0 && event->status != 408;
    sending->exit = no ? RELAY_EXIT_REFUSED : RELAY_EXIT_FAILED;
    if (event->status != 0) {
        relay_cmd_fail("send", RELAY_EXIT_REFUSED, "%d: %s", event->status, event->text);
    } else {
        relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s", event->text);
    }
    if (sending->is_json) {
        fputs("{\"event\":\"refused\"", stdout);
        relay_quote_number(stdout, "status", (uint64_t)event->status);
        relay_quote_number(stdout, "warning", (uint64_t)event->warning);
        relay_quote_member(stdout, "text", event->text);
        puts("}");
    }
}

/* The session stands: a fresh CSK is there to protect the signalling with. */
static void begin(struct sending *sending, struct relay_line *line)
{
    sending->is_queued = true;
    int err = relay_line_send(line, &sending->sds, &sending->id);
    if (err != 0 && sending->exit < 0) {
        sending->exit = relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
        relay_line_close(line);
    }
}

static void told(void *ctx, struct relay_line *line, const struct relay_client_event *event)
{
    struct sending *sending = ctx;
    int code;
    if (relay_person_told(&sending->person, event, &code)) {
        if (code != RELAY_EXIT_OK && sending->exit < 0) {
            sending->exit = code;
            relay_line_close(line);
        }
        return;
    }
    switch (event->kind) {
    case RELAY_CLIENT_READY:
        if (!sending->is_queued) {
            begin(sending, line);
        }
        break;
    case RELAY_CLIENT_SENT:
        accepted(sending, event);
        break;
    case RELAY_CLIENT_REFUSED:
        if (event->id == sending->id && sending->exit < 0) {
            failed(sending, event);
            relay_line_close(line);
        }
        break;
    case RELAY_CLIENT_NOTIFICATION:
        disposition(sending, event);
        break;
    case RELAY_CLIENT_CLOSED:
        sending->line = NULL;
        if (sending->exit < 0) {
            failed(sending, event);
        }
        break;
    default:
        break; /* what others send is for recv */
    }
}

static void beat(void *ctx)
{
    struct sending *sending = ctx;
    if (sending->line == NULL) {
        return;
    }
    const struct relay_client_counts *counts =
        relay_client_counts(relay_line_client(sending->line));
    int64_t now = now_ms();
    if (counts->bytes_in + counts->bytes_out != sending->moved || sending->moved_ms == 0) {
        sending->moved = counts->bytes_in + counts->bytes_out;
        sending->moved_ms = now;
    }
    if (!sending->is_accepted) {
        if (counts->data_out < sending->sds.size) {
            relay_progress_draw("sending", counts->data_out, sending->sds.size);
        }
        if (sending->exit < 0 && now - sending->moved_ms > STALL_MS) {
            sending->exit =
                relay_cmd_fail("send", RELAY_EXIT_FAILED, "the relay takes no octet any more");
            relay_line_close(sending->line);
        }
    } else if (sending->exit < 0 && now >= sending->until_ms) {
        bool enough =
            sending->is_told_of && (sending->sds.group != NULL || sending->outstanding == 0);
        sending->exit = enough || sending->sds.disposition == 0
                            ? RELAY_EXIT_OK
                            : relay_cmd_fail("send", RELAY_EXIT_FAILED,
                                             "accepted, but not all dispositions came in %d s",
                                             (int)sending->wait_s);
        relay_line_close(sending->line);
    }
    if (relay_dial_after(sending->person.dial, BEAT_MS, beat, sending) != 0) {
        relay_dial_stop(sending->person.dial, 0);
    }
}

/* --- the command line --- */

/* Octets that are text by the rules of every terminal: UTF-8 without NUL. */
static bool is_text(const char *p, size_t n)
{
    return memchr(p, '\0', n) == NULL && dpp_ie_is_utf8((struct dpp_span){(const uint8_t *)p, n});
}

/* Finds out what is to be sent. A regular file is read while it is sent. */
static int open_data(struct sending *sending)
{
    struct relay_client_sds *sds = &sending->sds;
    struct stat status;
    const char *name = sending->file_name;
    if (name == NULL && strcmp(sending->text, "-") != 0) {
        sds->content_type = DPP_CONTENT_TEXT;
        sds->data = sending->text;
        sds->size = strlen(sending->text);
    } else if (name != NULL && stat(name, &status) == 0 && S_ISREG(status.st_mode)) {
        sending->file = fopen(name, "rb");
        if (sending->file == NULL) {
            return relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s: %s", name, strerror(errno));
        }
        sds->content_type = DPP_CONTENT_BINARY;
        sds->read = read_file;
        sds->ctx = sending;
        sds->size = (uint64_t)status.st_size;
    } else {
        int err = relay_input_read(name != NULL ? name : "-", RELAY_CLIENT_DATA_MAX,
                                   &sending->octets, &sending->octets_n);
        if (err != 0) {
            return relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s: %s",
                                  name != NULL ? name : "standard input",
                                  err == RELAY_E_IO ? strerror(errno) : relay_strerror(err));
        }
        bool text = name == NULL && is_text(sending->octets, sending->octets_n);
        sds->content_type = text ? DPP_CONTENT_TEXT : DPP_CONTENT_BINARY;
        sds->data = sending->octets;
        sds->size = sending->octets_n;
    }
    if (sds->size > RELAY_CLIENT_DATA_MAX) {
        return relay_cmd_fail("send", RELAY_EXIT_FAILED, "more than %d octets in one message",
                              RELAY_CLIENT_DATA_MAX);
    }
    return RELAY_EXIT_OK;
}

static int run(struct sending *sending)
{
    const char *target = sending->sds.group != NULL ? sending->sds.group : sending->sds.to;
    enum dpp_role role = sending->sds.group != NULL ? DPP_ROLE_GMK : DPP_ROLE_PCK;
    int rc = open_data(sending);
    rc = rc != RELAY_EXIT_OK ? rc : relay_person_open(&sending->person);
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    bool keys_itself = sending->person.ring != NULL;
    sending->sds.key = relay_person_key(&sending->person, role, target);
    if (sending->sds.key == NULL && (role == DPP_ROLE_GMK || !keys_itself)) {
        return relay_cmd_fail("send", RELAY_EXIT_REFUSED,
                              "no %s for %s: nothing is sent unprotected (mcrelay %s)",
                              role == DPP_ROLE_GMK ? "GMK" : "PCK", target,
                              keys_itself ? "group rekey, by a manager of the group" : "key make");
    }
    if (keys_itself) {
        sending->sds.key = NULL; /* the store changes until then: the client chooses */
    }
    int err;
    struct relay_line_conf conf = relay_person_line(&sending->person);
    conf.event = told;
    conf.ctx = sending;
    sending->line = relay_line_open(sending->person.dial, &conf, &err);
    if (sending->line == NULL) {
        return relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    sending->outstanding = sending->sds.disposition;
    beat(sending);
    relay_dial_run(sending->person.dial);
    return sending->exit < 0 ? RELAY_EXIT_FAILED : sending->exit;
}

enum { OPT_HELP = 1, OPT_TO, OPT_GROUP, OPT_FILE, OPT_DISPOSITION, OPT_WAIT, OPT_JSON };

static const struct option options[] = {
    RELAY_PERSON_OPTIONS,
    {"help", no_argument, NULL, OPT_HELP},
    {"to", required_argument, NULL, OPT_TO},
    {"group", required_argument, NULL, OPT_GROUP},
    {"file", required_argument, NULL, OPT_FILE},
    {"disposition", required_argument, NULL, OPT_DISPOSITION},
    {"wait", required_argument, NULL, OPT_WAIT},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* Returns RELAY_EXIT_OK, or the usage exit after a complaint; -1 when help was shown. */
static int take_option(struct sending *sending, int option)
{
    switch (option) {
    case OPT_HELP:
        fputs(help, stdout);
        return -1;
    case OPT_TO:
        sending->sds.to = optarg;
        break;
    case OPT_GROUP:
        sending->sds.group = optarg;
        break;
    case OPT_FILE:
        sending->file_name = optarg;
        break;
    case OPT_DISPOSITION:
        sending->sds.disposition = strcmp(optarg, "delivered") == 0 ? DPP_SDS_REQUEST_DELIVERY
                                   : strcmp(optarg, "read") == 0    ? DPP_SDS_REQUEST_READ
                                   : strcmp(optarg, "both") == 0 ? DPP_SDS_REQUEST_DELIVERY_AND_READ
                                                                 : 0;
        if (sending->sds.disposition == 0) {
            return relay_cmd_usage("send", "--disposition is delivered, read or both");
        }
        break;
    case OPT_WAIT:
        if (relay_input_number(optarg, WAIT_MAX_S, &sending->wait_s) != 0) {
            return relay_cmd_usage("send", "--wait is a number of seconds, 1 to %d", WAIT_MAX_S);
        }
        break;
    case OPT_JSON:
        sending->is_json = true;
        break;
    default:
        if (!relay_person_option(&sending->person, option, optarg)) {
            return relay_cmd_usage("send", "see the line above");
        }
    }
    return RELAY_EXIT_OK;
}

int relay_cmd_send(int argc, char **argv)
{
    if (relay_cmd_has_path(argc, argv)) {
        return relay_cmd_send_path(argc, argv);
    }
    struct sending sending = {.person = {.command = "send"}, .exit = -1};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        int rc = take_option(&sending, option);
        if (rc != RELAY_EXIT_OK) {
            return rc < 0 ? RELAY_EXIT_OK : rc;
        }
    }
    sending.text = optind < argc ? argv[optind] : NULL;
    if ((sending.sds.to == NULL) == (sending.sds.group == NULL)) {
        return relay_cmd_usage("send", "one of --to and --group is needed");
    }
    if ((sending.text == NULL) == (sending.file_name == NULL) || optind + 1 < argc) {
        return relay_cmd_usage("send", "one of TEXT, --file FILE and - is needed");
    }
    int rc = run(&sending);
    relay_person_close(&sending.person);
    if (sending.file != NULL) {
        fclose(sending.file);
    }
    if (sending.octets != NULL) {
        OPENSSL_cleanse(sending.octets, sending.octets_n);
        free(sending.octets);
    }
    return rc;
}
