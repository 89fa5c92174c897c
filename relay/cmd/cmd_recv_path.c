/* cmd_recv_path.c - mcrelay recv --path: a plain MSRP session that receives. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msrp/mime.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/offer.h"
#include "relay/cmd/quote.h"
#include "relay/cmd/reach.h"
#include "relay/cmd/tray.h"
#include "relay/err.h"

enum {
    TIMEOUT_MAX_S = 31536000,
    COUNT_MAX = 1000000000,
    AGAIN_MS = 1000, /* a lost relay is tried again so often */
};

static const char help[] =
    "usage: mcrelay recv --path (--listen ADDR:PORT | --relay URI [--relay URI]) [options]\n"
    "\n"
    "Receives MSRP messages of any size (RFC 4975), without MCData. The first line on standard\n"
    "output is the path to give to the peer; when the session is lost a new path follows.\n"
    "\n"
    "  --listen ADDR:PORT  wait for the peer here\n"
    "  --name HOST         the host of the own URI; else ADDR\n"
    "  --certificate FILE  with --key FILE: listen with TLS; the certificate is for --name\n"
    "  --key FILE\n" RELAY_REACH_HELP "  --out FILE|DIR      keep the message as FILE, or as "
    "DIR/<Message-ID>.bin; never over a file\n"
    "                      that is there. Without it texts are printed, the rest is counted\n"
    "  --publish FILE      write the path to this file as well, whenever it is new\n"
    "  --sdp               print an SDP section behind each path (and publish it instead)\n"
    "  --max-size N        refuse messages of more octets\n"
    "  --accept TYPE       take only this media type (may be repeated)\n"
    "  --count N           end after N messages\n"
    "  --timeout SECONDS   end after so long\n"
    "  --json              one JSON object per line\n"
    "\n"
    "exit: 0 N messages came, or stopped without --count; 1 failed, or stopped before N messages\n"
    "      came; 2 usage; 3 refused by the relay\n"
    "\n"
    "example:\n"
    "  mcrelay recv --path --listen 192.0.2.1:2855 --out plan.pdf --count 1\n"
    "  mcrelay recv --path --relay msrps://relay.iops.example:2855 --ca ca.pem --token bob.jwt\n";

enum { ACCEPT_MAX = 32 };

struct receiving {
    struct relay_reach way;
    struct relay_ends_listen listen;
    const char *out, *publish;
    const char *accept[ACCEPT_MAX];
    size_t accept_n;
    uint64_t count, timeout_s, max_size;
    bool is_json, is_directory, is_sdp;
    struct relay_endpoint_conf conf;

    struct relay_ends *ends;
    char host[256];
    uint16_t port;
    uint64_t session, messages;
    struct relay_tray *trays;
    bool was_ready, is_over;
    int exit;
};

static void finish(struct receiving *receiving, int code)
{
    if (receiving->exit < 0) {
        receiving->exit = code;
    }
    receiving->is_over = true;
    relay_ends_close(receiving->ends);
}

/* --- the path --- */

/* Writes the file anew, so that who reads it sees the old text or the new one. */
static int publish(const struct receiving *receiving, const char *text)
{
    char part[RELAY_KEEP_PATH];
    int n = snprintf(part, sizeof(part), "%s.%ld", receiving->publish, (long)getpid());
    FILE *file = n > 0 && (size_t)n < sizeof(part) ? fopen(part, "w") : NULL;
    bool ok = file != NULL && fputs(text, file) >= 0;
    ok = file != NULL && fclose(file) == 0 && ok;
    return ok && rename(part, receiving->publish) == 0
               ? 0
               : relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s: %s", receiving->publish,
                                strerror(errno));
}

static void print_path(struct receiving *receiving)
{
    const char *path =
        relay_endpoint_path(relay_ends_endpoint(receiving->ends), receiving->session);
    char offer[RELAY_OFFER_MAX];
    if (path == NULL) {
        return;
    }
    int n = receiving->is_sdp ? (int)relay_offer_print(path, &receiving->conf, offer)
                              : snprintf(offer, sizeof(offer), "%s\n", path);
    if (n < 0) {
        relay_cmd_fail("recv", RELAY_EXIT_FAILED, "--sdp: %s", relay_strerror(n));
        finish(receiving, RELAY_EXIT_FAILED);
        return;
    }
    if (receiving->publish != NULL && publish(receiving, offer) != 0) {
        finish(receiving, RELAY_EXIT_FAILED);
        return;
    }
    if (receiving->is_json) {
        fputs("{\"event\":\"path\"", stdout);
        relay_quote_member(stdout, "path", path);
        if (receiving->is_sdp) {
            relay_quote_member(stdout, "sdp", offer);
        }
        puts("}");
    } else {
        puts(path);
        fputs(receiving->is_sdp ? offer : "", stdout);
    }
    fflush(stdout);
}

static int open_session(struct receiving *receiving)
{
    struct relay_client_now now = relay_ends_now(receiving->ends);
    struct relay_talk_conf conf = {.takes_all = receiving->way.relays_n > 0};
    int err = 0;
    if (receiving->way.relays_n > 0) {
        conf.relays = receiving->way.relays;
        conf.relays_n = receiving->way.relays_n;
        conf.link = relay_ends_connect(receiving->ends, receiving->way.uris[0],
                                       receiving->way.connect, &err);
    }
    err = err != 0 ? err
                   : relay_endpoint_open(relay_ends_endpoint(receiving->ends), &now, &conf,
                                         &receiving->session);
    if (err != 0) {
        return relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    if (conf.link == NULL) {
        print_path(receiving);
    }
    return RELAY_EXIT_OK;
}

static void open_again(void *ctx)
{
    struct receiving *receiving = ctx;
    if (!receiving->is_over && open_session(receiving) != RELAY_EXIT_OK) {
        finish(receiving, RELAY_EXIT_FAILED);
    }
}

/* --- messages --- */

static void begin(struct receiving *receiving, const struct relay_endpoint_event *event)
{
    struct relay_tray *tray = relay_tray_new(receiving->out, receiving->is_directory, event);
    if (tray == NULL) {
        fprintf(stderr, "mcrelay recv: a message is refused: %s\n", strerror(errno));
        relay_endpoint_disown(relay_ends_endpoint(receiving->ends), 413);
        return;
    }
    tray->next = receiving->trays;
    receiving->trays = tray;
}

/* The message cannot be kept: it is refused, and the program ends; but not by the word of a peer
 * whose octets belong where no file reaches. */
static void spoil(struct receiving *receiving, struct relay_tray *tray)
{
    bool is_theirs = errno == EFBIG || errno == EINVAL;
    relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s: %s", tray->keep.path, strerror(errno));
    relay_endpoint_disown(relay_ends_endpoint(receiving->ends), 413);
    relay_tray_forget(&receiving->trays, tray);
    if (!is_theirs) {
        finish(receiving, RELAY_EXIT_FAILED);
    }
}

static void add(struct receiving *receiving, const struct relay_endpoint_event *event)
{
    struct relay_tray *tray = relay_tray_find(receiving->trays, event->id);
    if (tray != NULL && relay_tray_add(tray, event) != 0) {
        spoil(receiving, tray);
    }
}

static void complete(struct receiving *receiving, const struct relay_endpoint_event *event)
{
    struct relay_tray *tray = relay_tray_find(receiving->trays, event->id);
    if (tray == NULL) {
        relay_endpoint_disown(relay_ends_endpoint(receiving->ends), 413);
        return;
    }
    /* on the disk, under its name: only then the sender may hear of it */
    if (relay_tray_done(tray, event) != 0) {
        spoil(receiving, tray);
        return;
    }
    relay_tray_print(tray, event, receiving->is_json);
    relay_tray_forget(&receiving->trays, tray);
    receiving->messages++;
    if (receiving->count > 0 && receiving->messages >= receiving->count) {
        finish(receiving, RELAY_EXIT_OK);
    }
}

static void lost(struct receiving *receiving, const struct relay_endpoint_event *event)
{
    struct relay_tray *tray = relay_tray_find(receiving->trays, event->id);
    if (tray != NULL) {
        relay_tray_forget(&receiving->trays, tray);
    }
    fprintf(stderr, "mcrelay recv: a message is lost: %s\n", event->text);
    if (receiving->is_json) {
        fputs("{\"event\":\"lost\"", stdout);
        relay_quote_member(stdout, "reason", event->text);
        puts("}");
        fflush(stdout);
    }
}

/* The session is over; what stands open goes on in the next one. */
static void failed(struct receiving *receiving, const struct relay_endpoint_event *event)
{
    uint64_t session = receiving->session;
    relay_endpoint_drop(relay_ends_endpoint(receiving->ends), session);
    if (receiving->is_over || event->session != session) {
        return;
    }
    if (receiving->way.relays_n > 0 && (!receiving->was_ready || event->status != 0)) {
        bool no = event->status != 0 && event->status != 408;
        if (event->status != 0) {
            relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%d: %s", event->status, event->text);
        } else {
            relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s", event->text);
        }
        finish(receiving, no ? RELAY_EXIT_REFUSED : RELAY_EXIT_FAILED);
        return;
    }
    if (event->err != RELAY_E_END || receiving->trays != NULL) {
        fprintf(stderr, "mcrelay recv: session lost: %s\n", event->text);
    }
    uint64_t again_ms = receiving->way.relays_n > 0 ? AGAIN_MS : 0;
    if (relay_dial_later(receiving->way.dial, again_ms, open_again, receiving) != 0) {
        finish(receiving, RELAY_EXIT_FAILED);
    }
}

static void told(void *ctx, const struct relay_endpoint_event *event)
{
    struct receiving *receiving = ctx;
    switch (event->kind) {
    case RELAY_ENDPOINT_READY:
        if (receiving->way.relays_n > 0) {
            receiving->was_ready = true;
            print_path(receiving);
        }
        break;
    case RELAY_ENDPOINT_FAILED:
        failed(receiving, event);
        break;
    case RELAY_ENDPOINT_MESSAGE:
        begin(receiving, event);
        break;
    case RELAY_ENDPOINT_DATA:
        add(receiving, event);
        break;
    case RELAY_ENDPOINT_DONE:
        complete(receiving, event);
        break;
    case RELAY_ENDPOINT_LOST:
        lost(receiving, event);
        break;
    default:
        break;
    }
}

/* --- the command line --- */

static void stop(struct receiving *receiving)
{
    finish(receiving, receiving->count == 0 ? RELAY_EXIT_OK : RELAY_EXIT_FAILED);
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

/* The own URI's host and port. */
static int cut_listen(struct receiving *receiving)
{
    const char *address = receiving->listen.address;
    const char *colon = strrchr(address, ':');
    size_t n = colon != NULL ? (size_t)(colon - address) : 0;
    uint64_t port = 0;
    if (n == 0 || n >= sizeof(receiving->host) ||
        (strcmp(colon + 1, "0") != 0 && relay_input_number(colon + 1, 65535, &port) != 0)) {
        return relay_cmd_usage("recv", "--listen is ADDR:PORT or [ADDR]:PORT");
    }
    memcpy(receiving->host, address, n);
    receiving->port = (uint16_t)port;
    if (receiving->listen.name != NULL) {
        snprintf(receiving->host, sizeof(receiving->host), "%s", receiving->listen.name);
    }
    return RELAY_EXIT_OK;
}

static int run(struct receiving *receiving)
{
    char why[512];
    int err, rc = receiving->listen.address != NULL ? cut_listen(receiving) : RELAY_EXIT_OK;
    rc = rc != RELAY_EXIT_OK ? rc : relay_reach_open(&receiving->way);
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    bool is_direct = receiving->listen.address != NULL;
    receiving->conf = (struct relay_endpoint_conf){
        .host = is_direct ? receiving->host : NULL,
        .port = receiving->port,
        .is_secure = is_direct ? receiving->listen.certificate != NULL
                               : strncmp(receiving->way.uris[0], "msrps:", 6) == 0,
        .accept = receiving->accept,
        .accept_n = receiving->accept_n,
        .max_size = receiving->max_size};
    struct relay_ends_conf conf = {.endpoint = receiving->conf, .event = told, .ctx = receiving};
    receiving->ends = relay_ends_new(receiving->way.dial, &conf, &err);
    if (receiving->ends == NULL) {
        return relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s is no host of a URI", receiving->host);
    }
    uint16_t port;
    if (is_direct &&
        relay_ends_listen(receiving->ends, &receiving->listen, &port, why, sizeof(why)) != 0) {
        return relay_cmd_fail("recv", RELAY_EXIT_FAILED, "%s", why);
    }
    err = relay_dial_on_stop(receiving->way.dial, signalled, receiving);
    if (err == 0 && receiving->timeout_s > 0) {
        err = relay_dial_after(receiving->way.dial, receiving->timeout_s * 1000, timed_out,
                               receiving);
    }
    if (err != 0 || open_session(receiving) != RELAY_EXIT_OK) {
        return RELAY_EXIT_FAILED;
    }
    relay_dial_run(receiving->way.dial);
    return receiving->exit < 0 ? RELAY_EXIT_FAILED : receiving->exit;
}

enum {
    OPT_HELP = 1,
    OPT_PATH,
    OPT_LISTEN,
    OPT_NAME,
    OPT_CERTIFICATE,
    OPT_KEY,
    OPT_OUT,
    OPT_PUBLISH,
    OPT_SDP,
    OPT_MAX_SIZE,
    OPT_ACCEPT,
    OPT_COUNT,
    OPT_TIMEOUT,
    OPT_JSON,
};

static const struct option options[] = {
    RELAY_REACH_OPTIONS,
    {"help", no_argument, NULL, OPT_HELP},
    {"path", no_argument, NULL, OPT_PATH},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"name", required_argument, NULL, OPT_NAME},
    {"certificate", required_argument, NULL, OPT_CERTIFICATE},
    {"key", required_argument, NULL, OPT_KEY},
    {"out", required_argument, NULL, OPT_OUT},
    {"publish", required_argument, NULL, OPT_PUBLISH},
    {"sdp", no_argument, NULL, OPT_SDP},
    {"max-size", required_argument, NULL, OPT_MAX_SIZE},
    {"accept", required_argument, NULL, OPT_ACCEPT},
    {"count", required_argument, NULL, OPT_COUNT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

static int take_number(uint64_t *number, uint64_t max, const char *what)
{
    return relay_input_number(optarg, max, number) == 0
               ? RELAY_EXIT_OK
               : relay_cmd_usage("recv", "%s is a number from 1", what);
}

/* As in cmd_send.c. */
static int take_option(struct receiving *receiving, int option)
{
    struct stat status;
    struct msrp_media media;
    switch (option) {
    case OPT_HELP:
        fputs(help, stdout);
        return -1;
    case OPT_PATH:
        break;
    case OPT_LISTEN:
        receiving->listen.address = optarg;
        break;
    case OPT_NAME:
        receiving->listen.name = optarg;
        break;
    case OPT_CERTIFICATE:
        receiving->listen.certificate = optarg;
        break;
    case OPT_KEY:
        receiving->listen.key = optarg;
        break;
    case OPT_OUT:
        receiving->out = optarg;
        receiving->is_directory = stat(optarg, &status) == 0 && S_ISDIR(status.st_mode);
        break;
    case OPT_PUBLISH:
        receiving->publish = optarg;
        break;
    case OPT_SDP:
        receiving->is_sdp = true;
        break;
    case OPT_MAX_SIZE:
        return take_number(&receiving->max_size, INT64_MAX, "--max-size");
    case OPT_ACCEPT:
        if (receiving->accept_n == ACCEPT_MAX) {
            return relay_cmd_usage("recv", "at most %d times --accept", ACCEPT_MAX);
        }
        if (strcmp(optarg, "*") != 0 && msrp_mime_parse_type(&media, msrp_str_of(optarg)) != 0) {
            return relay_cmd_usage("recv", "--accept is a media type, TYPE/* or *");
        }
        receiving->accept[receiving->accept_n++] = optarg;
        break;
    case OPT_COUNT:
        return take_number(&receiving->count, COUNT_MAX, "--count");
    case OPT_TIMEOUT:
        return take_number(&receiving->timeout_s, TIMEOUT_MAX_S, "--timeout");
    case OPT_JSON:
        receiving->is_json = true;
        break;
    default:
        if (!relay_reach_option(&receiving->way, option, optarg)) {
            return relay_cmd_usage("recv", "see the line above");
        }
    }
    return RELAY_EXIT_OK;
}

static int check(const struct receiving *receiving)
{
    if ((receiving->listen.address == NULL) == (receiving->way.relays_n == 0)) {
        return relay_cmd_usage("recv", "one of --listen and --relay is needed");
    }
    if ((receiving->listen.certificate == NULL) != (receiving->listen.key == NULL) ||
        (receiving->listen.certificate != NULL && receiving->listen.name == NULL)) {
        return relay_cmd_usage("recv", "--certificate, --key and --name go together");
    }
    if (receiving->out != NULL && !receiving->is_directory && access(receiving->out, F_OK) == 0) {
        return relay_cmd_usage("recv", "--out %s: there is such a file", receiving->out);
    }
    return RELAY_EXIT_OK;
}

int relay_cmd_recv_path(int argc, char **argv)
{
    struct receiving receiving = {.way = {.command = "recv"}, .exit = -1};
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
    int rc = check(&receiving);
    rc = rc != RELAY_EXIT_OK ? rc : run(&receiving);
    relay_ends_free(receiving.ends);
    while (receiving.trays != NULL) {
        relay_tray_forget(&receiving.trays, receiving.trays);
    }
    relay_reach_close(&receiving.way);
    return rc;
}
