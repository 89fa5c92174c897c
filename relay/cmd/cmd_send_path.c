/* cmd_send_path.c - mcrelay send --path: a message to a plain MSRP endpoint. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "msrp/split.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/offer.h"
#include "relay/cmd/progress.h"
#include "relay/cmd/quote.h"
#include "relay/cmd/reach.h"
#include "relay/cmd/sum.h"
#include "relay/err.h"

enum {
    BEAT_MS = 100,
    AGAIN_MS = 300, /* a lost session is tried again so often */
    RETRY_S = 60,   /* and so long without an octet of progress */
    REPORT_S = 60,  /* a success REPORT is awaited so long */
    SLICE = 64 * 1024,
};

static const char help[] =
    "usage: mcrelay send --path \"PATH\" [options] (TEXT | --file FILE | -)\n"
    "\n"
    "Sends one MSRP message of any size (RFC 4975), without MCData, to the path that the peer "
    "gave\n"
    "(mcrelay recv --path). With --path @FILE the path is read from FILE, which may be an SDP:\n"
    "after a lost connection it is read again, and only what was not answered is sent once more.\n"
    "\n" RELAY_REACH_HELP "  --file FILE           send a file\n"
    "  --content-type TYPE   of what is sent; else text/plain, or application/octet-stream of "
    "files\n"
    "  --success-report      wait until the peer says that it has all of it\n"
    "  --failure-report R    yes (each part is answered for; default), no or partial\n"
    "  --window N            octets that may wait for their answer, 8192 or more; else 1048576\n"
    "  --chunk N             octets of one chunk, 2048 or more, for relays that hold whole frames\n"
    "  --retry SECONDS       how long a lost session is tried again; else 60\n"
    "  --progress            print percents where standard error is no terminal\n"
    "  --json                one JSON object per line\n"
    "\n"
    "exit: 0 all of it was answered (with --success-report: and reported), 1 failed, 2 usage,\n"
    "      3 refused\n"
    "\n"
    "example:\n"
    "  mcrelay send --path \"msrp://192.0.2.1:2855/7gqk...;tcp\" --file plan.pdf "
    "--success-report\n";

struct sending {
    struct relay_reach way;
    const char *path, *text, *file_name, *content_type;
    bool wants_success, is_json, shows_percents;
    enum msrp_asked failure;
    uint64_t window, chunk, retry_s;

    struct relay_parcel_conf parcel;
    struct relay_sum sum;
    int fd;

    struct relay_ends *ends;
    char peer_path[RELAY_ENDPOINT_PATH + 1]; /* of the session under way */
    uint64_t session, old_session, id, answered;
    bool is_queued, is_sent, is_over, was_bound;
    unsigned percent, losses;
    int64_t moved_ms, sent_ms;
    int exit;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static ssize_t read_at(void *ctx, uint64_t at, void *p, size_t n)
{
    struct sending *sending = ctx;
    ssize_t got = pread(sending->fd, p, n, (off_t)at);
    if (got > 0) {
        relay_sum_add(&sending->sum, at, p, (size_t)got, true);
    }
    return got;
}

static void finish(struct sending *sending, int code)
{
    if (sending->exit < 0) {
        sending->exit = code;
    }
    sending->is_over = true;
    relay_ends_close(sending->ends);
}

/* --- the session --- */

/* The peer's path, as given or as the file says now. */
static int read_path(const struct sending *sending, char out[RELAY_ENDPOINT_PATH + 1])
{
    char *text;
    size_t n;
    if (sending->path[0] != '@') {
        return relay_offer_path(sending->path, out);
    }
    int err = relay_input_read(sending->path + 1, RELAY_OFFER_MAX, &text, &n);
    if (err == 0) {
        err = relay_offer_path(text, out);
        free(text);
    }
    return err;
}

/* Opens a session with the path in peer_path. */
static int open_session(struct sending *sending)
{
    struct relay_endpoint *endpoint = relay_ends_endpoint(sending->ends);
    struct relay_client_now now = relay_ends_now(sending->ends);
    const char *first = sending->way.relays_n > 0 ? sending->way.uris[0] : sending->peer_path;
    char uri[MSRP_URI_MAX + 1];
    int err;
    snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(first, " "), first);
    struct relay_talk_conf conf = {
        .link = relay_ends_connect(sending->ends, uri, sending->way.connect, &err),
        .relays = sending->way.relays,
        .relays_n = sending->way.relays_n,
        .peer_path = sending->peer_path};
    err = conf.link == NULL ? err : relay_endpoint_open(endpoint, &now, &conf, &sending->session);
    if (err == 0 && !sending->is_queued) {
        sending->is_queued = true;
        err = relay_endpoint_send(endpoint, sending->session, &sending->parcel, &sending->id);
    } else if (err == 0 && sending->old_session != 0) {
        err = relay_endpoint_resume(endpoint, sending->old_session, sending->session);
        sending->old_session = 0;
    }
    return err;
}

static void try_again(void *ctx)
{
    struct sending *sending = ctx;
    char path[RELAY_ENDPOINT_PATH + 1] = "";
    bool is_known = read_path(sending, path) == 0;
    /* without a relay between, the peer's session went with the connection (rfc4975#5.4) */
    bool is_old =
        sending->way.relays_n == 0 && sending->was_bound && strcmp(path, sending->peer_path) == 0;
    if (sending->is_over) {
        return;
    }
    if (now_ms() - sending->moved_ms > (int64_t)sending->retry_s * 1000) {
        finish(sending, relay_cmd_fail("send", RELAY_EXIT_FAILED,
                                       "no session in %d s; %" PRIu64 " octets were answered",
                                       (int)sending->retry_s, sending->answered));
        return;
    }
    if (is_known && !is_old) {
        memcpy(sending->peer_path, path, sizeof(path));
        sending->was_bound = false;
        int err = open_session(sending);
        if (err != 0) {
            finish(sending, relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s", relay_strerror(err)));
        }
    } else if (relay_dial_later(sending->way.dial, AGAIN_MS, try_again, sending) != 0) {
        finish(sending, RELAY_EXIT_FAILED);
    }
}

static void print_refusal(const struct sending *sending, const struct relay_endpoint_event *event)
{
    if (event->status != 0) {
        relay_cmd_fail("send", RELAY_EXIT_REFUSED, "%d: %s", event->status, event->text);
    } else {
        relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s", event->text);
    }
    if (sending->is_json) {
        fputs("{\"event\":\"refused\"", stdout);
        relay_quote_number(stdout, "status", (uint64_t)event->status);
        relay_quote_member(stdout, "text", event->text);
        puts("}");
        fflush(stdout);
    }
}

static int code_of(const struct relay_endpoint_event *event)
{
    return event->status != 0 && event->status != 408 ? RELAY_EXIT_REFUSED : RELAY_EXIT_FAILED;
}

/* Another path, or another way to the same one, may work where the peer can tell us one, or only
 * our own connection to the relay is gone. */
static void failed(struct sending *sending, const struct relay_endpoint_event *event)
{
    bool may_change = sending->path[0] == '@' ||
                      (sending->way.relays_n > 0 && event->status == 0 && sending->losses > 0);
    if (event->session != sending->session) {
        return;
    }
    sending->session = 0;
    sending->answered = relay_endpoint_answered(relay_ends_endpoint(sending->ends), sending->id);
    if (sending->is_over) {
        return;
    }
    if (sending->was_bound) {
        sending->losses++;
        may_change = may_change || (sending->way.relays_n > 0 && event->status == 0);
    }
    bool gone = event->status == 0 || event->status == 481 || event->status == 408;
    if (!may_change || !gone || sending->failure == MSRP_NO || sending->failure == MSRP_PARTIAL) {
        print_refusal(sending, event);
        if (sending->answered > 0) {
            fprintf(stderr, "mcrelay send: %" PRIu64 " octets were answered\n", sending->answered);
        }
        finish(sending, code_of(event));
        return;
    }
    relay_progress_break();
    fprintf(stderr, "mcrelay send: session lost: %s; %" PRIu64 " octets were answered\n",
            event->text, sending->answered);
    if (sending->old_session == 0) {
        sending->old_session = event->session;
    } else {
        relay_endpoint_drop(relay_ends_endpoint(sending->ends), event->session);
    }
    if (relay_dial_later(sending->way.dial, AGAIN_MS, try_again, sending) != 0) {
        finish(sending, RELAY_EXIT_FAILED);
    }
}

/* --- what is told --- */

static void print_sent(struct sending *sending, const struct relay_endpoint_event *event)
{
    char sum[RELAY_SUM_HEX + 1];
    const struct relay_endpoint_counts *counts =
        relay_endpoint_counts(relay_ends_endpoint(sending->ends));
    const char *word = event->kind == RELAY_ENDPOINT_SENT ? "sent" : "reported";
    uint64_t size = sending->parcel.size;
    if (sending->parcel.data != NULL) {
        relay_sum_add(&sending->sum, 0, sending->parcel.data, (size_t)size, true);
    }
    if (event->kind == RELAY_ENDPOINT_REPORTED) {
        sum[0] = '\0';
    } else if (!relay_sum_done(&sending->sum, size, sending->fd, sum)) {
        sum[0] = '\0';
    }
    if (sending->is_json) {
        printf("{\"event\":\"%s\"", word);
        relay_quote_member(stdout, "id", event->message_id);
        relay_quote_number(stdout, "bytes", size);
        if (sum[0] != '\0') {
            relay_quote_member(stdout, "sha256", sum);
            relay_quote_number(stdout, "carried", counts->body_out);
            relay_quote_number(stdout, "losses", sending->losses);
        }
        puts("}");
    } else if (sum[0] != '\0') {
        printf("%s: %" PRIu64 " octets, message %s\nsha256 %s\n", word, size, event->message_id,
               sum);
    } else {
        printf("%s: message %s\n", word, event->message_id);
    }
    fflush(stdout);
}

static void told(void *ctx, const struct relay_endpoint_event *event)
{
    struct sending *sending = ctx;
    switch (event->kind) {
    case RELAY_ENDPOINT_BOUND:
        sending->was_bound = true;
        break;
    case RELAY_ENDPOINT_FAILED:
        failed(sending, event);
        break;
    case RELAY_ENDPOINT_SENT:
        sending->is_sent = true;
        sending->sent_ms = now_ms();
        relay_progress_draw("sending", sending->parcel.size, sending->parcel.size);
        if (sending->shows_percents) {
            fputs("100 %\n", stderr);
        }
        print_sent(sending, event);
        if (!sending->wants_success) {
            finish(sending, RELAY_EXIT_OK);
        }
        break;
    case RELAY_ENDPOINT_REPORTED:
        print_sent(sending, event);
        finish(sending, RELAY_EXIT_OK);
        break;
    case RELAY_ENDPOINT_REFUSED:
        if (!sending->is_over) {
            print_refusal(sending, event);
            finish(sending, code_of(event));
        }
        break;
    case RELAY_ENDPOINT_MESSAGE:
        relay_endpoint_disown(relay_ends_endpoint(sending->ends), 413); /* that is for recv */
        break;
    default:
        break;
    }
}

static void beat(void *ctx)
{
    struct sending *sending = ctx;
    uint64_t answered = relay_endpoint_answered(relay_ends_endpoint(sending->ends), sending->id);
    if (sending->is_over) {
        return;
    }
    if (answered != sending->answered) {
        sending->answered = answered;
        sending->moved_ms = now_ms();
    }
    uint64_t size = sending->parcel.size;
    if (!sending->is_sent && answered < size) {
        unsigned percent = (unsigned)(answered / (size / 100 + 1));
        relay_progress_draw("sending", answered, size);
        if (sending->shows_percents && percent != sending->percent) {
            fprintf(stderr, "%u %%\n", percent);
            sending->percent = percent;
        }
    }
    if (sending->is_sent && now_ms() - sending->sent_ms > REPORT_S * 1000) {
        finish(sending, relay_cmd_fail("send", RELAY_EXIT_FAILED,
                                       "all was answered, but the peer did not report it in %d s",
                                       REPORT_S));
    }
    if (relay_dial_after(sending->way.dial, BEAT_MS, beat, sending) != 0) {
        finish(sending, RELAY_EXIT_FAILED);
    }
}

/* --- the command line --- */

static int fail_file(const char *name)
{
    return relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s: %s", name, strerror(errno));
}

/* What cannot be read twice goes into a file without a name first. */
static int spool(struct sending *sending, int from, const char *name)
{
    char octets[SLICE];
    FILE *file = tmpfile();
    ssize_t n = 0;
    while (file != NULL && (n = read(from, octets, sizeof(octets))) > 0) {
        if (fwrite(octets, 1, (size_t)n, file) != (size_t)n) {
            n = -1;
            break;
        }
    }
    bool ok = file != NULL && n == 0 && fflush(file) == 0;
    sending->fd = ok ? dup(fileno(file)) : -1;
    if (file != NULL) {
        fclose(file);
    }
    return sending->fd >= 0 ? RELAY_EXIT_OK : fail_file(name);
}

static int open_data(struct sending *sending)
{
    struct stat status;
    const char *name = sending->file_name;
    int rc = RELAY_EXIT_OK;
    sending->parcel = (struct relay_parcel_conf){.content_type = sending->content_type,
                                                 .read = read_at,
                                                 .ctx = sending,
                                                 .wants_success = sending->wants_success,
                                                 .failure = sending->failure};
    if (sending->content_type == NULL) {
        sending->parcel.content_type = name != NULL ? "application/octet-stream" : "text/plain";
    }
    if (name == NULL && strcmp(sending->text, "-") != 0) {
        sending->parcel.data = sending->text;
        sending->parcel.size = strlen(sending->text);
        return RELAY_EXIT_OK;
    }
    if (name == NULL) {
        rc = spool(sending, STDIN_FILENO, "standard input");
    } else {
        sending->fd = open(name, O_RDONLY | O_CLOEXEC);
        if (sending->fd < 0) {
            return fail_file(name);
        }
    }
    if (rc == RELAY_EXIT_OK && fstat(sending->fd, &status) != 0) {
        return fail_file(name != NULL ? name : "standard input");
    }
    if (rc == RELAY_EXIT_OK && !S_ISREG(status.st_mode)) {
        int from = sending->fd;
        rc = spool(sending, from, name);
        close(from);
        if (rc == RELAY_EXIT_OK && fstat(sending->fd, &status) != 0) {
            return fail_file(name);
        }
    }
    sending->parcel.size = rc == RELAY_EXIT_OK ? (uint64_t)status.st_size : 0;
    return rc;
}

static void signalled(void *ctx, int number)
{
    (void)number;
    finish(ctx, RELAY_EXIT_FAILED);
}

static int run(struct sending *sending)
{
    int rc = open_data(sending), err;
    rc = rc != RELAY_EXIT_OK ? rc : relay_reach_open(&sending->way);
    if (rc != RELAY_EXIT_OK) {
        return rc;
    }
    errno = 0;
    err = read_path(sending, sending->peer_path);
    if (err != 0) {
        return relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s: %s", sending->path,
                              err == RELAY_E_IO && errno != 0 ? strerror(errno)
                              : err == RELAY_E_SESSION        ? "no path of a message session"
                                                              : relay_strerror(err));
    }
    const char *first = sending->way.relays_n > 0 ? sending->way.uris[0] : sending->peer_path;
    struct relay_ends_conf conf = {.endpoint = {.is_secure = strncmp(first, "msrps:", 6) == 0,
                                                .window = sending->window,
                                                .chunk = sending->chunk},
                                   .event = told,
                                   .ctx = sending};
    sending->ends = relay_ends_new(sending->way.dial, &conf, &err);
    err = sending->ends == NULL ? err : open_session(sending);
    if (err == RELAY_E_CONF) {
        return relay_cmd_usage("send", "the path, --connect or --content-type does not read");
    }
    err = err != 0 ? err : relay_dial_on_stop(sending->way.dial, signalled, sending);
    if (err != 0) {
        return relay_cmd_fail("send", RELAY_EXIT_FAILED, "%s", relay_strerror(err));
    }
    sending->moved_ms = now_ms();
    beat(sending);
    relay_dial_run(sending->way.dial);
    return sending->exit < 0 ? RELAY_EXIT_FAILED : sending->exit;
}

enum {
    OPT_HELP = 1,
    OPT_PATH,
    OPT_FILE,
    OPT_TYPE,
    OPT_SUCCESS,
    OPT_FAILURE,
    OPT_WINDOW,
    OPT_CHUNK,
    OPT_RETRY,
    OPT_PROGRESS,
    OPT_JSON,
};

static const struct option options[] = {
    RELAY_REACH_OPTIONS,
    {"help", no_argument, NULL, OPT_HELP},
    {"path", required_argument, NULL, OPT_PATH},
    {"file", required_argument, NULL, OPT_FILE},
    {"content-type", required_argument, NULL, OPT_TYPE},
    {"success-report", no_argument, NULL, OPT_SUCCESS},
    {"failure-report", required_argument, NULL, OPT_FAILURE},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"chunk", required_argument, NULL, OPT_CHUNK},
    {"retry", required_argument, NULL, OPT_RETRY},
    {"progress", no_argument, NULL, OPT_PROGRESS},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* As in cmd_send.c. */
static int take_option(struct sending *sending, int option)
{
    switch (option) {
    case OPT_HELP:
        fputs(help, stdout);
        return -1;
    case OPT_PATH:
        if (strcmp(optarg, "--help") == 0) {
            fputs(help, stdout);
            return -1;
        }
        sending->path = optarg;
        break;
    case OPT_FILE:
        sending->file_name = optarg;
        break;
    case OPT_TYPE:
        sending->content_type = optarg;
        break;
    case OPT_SUCCESS:
        sending->wants_success = true;
        break;
    case OPT_FAILURE:
        sending->failure = strcmp(optarg, "yes") == 0       ? MSRP_YES
                           : strcmp(optarg, "no") == 0      ? MSRP_NO
                           : strcmp(optarg, "partial") == 0 ? MSRP_PARTIAL
                                                            : MSRP_ABSENT;
        if (sending->failure == MSRP_ABSENT) {
            return relay_cmd_usage("send", "--failure-report is yes, no or partial");
        }
        break;
    case OPT_WINDOW:
        if (relay_input_number(optarg, INT32_MAX, &sending->window) != 0 ||
            sending->window < 8192) {
            return relay_cmd_usage("send", "--window is a number from 8192");
        }
        break;
    case OPT_CHUNK:
        if (relay_input_number(optarg, INT32_MAX, &sending->chunk) != 0 ||
            sending->chunk < MSRP_CHUNK_STEP) {
            return relay_cmd_usage("send", "--chunk is a number from 2048");
        }
        break;
    case OPT_RETRY:
        if (relay_input_number(optarg, 86400, &sending->retry_s) != 0) {
            return relay_cmd_usage("send", "--retry is a number of seconds from 1");
        }
        break;
    case OPT_PROGRESS:
        sending->shows_percents = isatty(STDERR_FILENO) == 0;
        break;
    case OPT_JSON:
        sending->is_json = true;
        break;
    default:
        if (!relay_reach_option(&sending->way, option, optarg)) {
            return relay_cmd_usage("send", "see the line above");
        }
    }
    return RELAY_EXIT_OK;
}

int relay_cmd_send_path(int argc, char **argv)
{
    struct sending sending = {.way = {.command = "send"}, .retry_s = RETRY_S, .fd = -1, .exit = -1};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        int rc = take_option(&sending, option);
        if (rc != RELAY_EXIT_OK) {
            return rc < 0 ? RELAY_EXIT_OK : rc;
        }
    }
    sending.text = optind < argc ? argv[optind] : NULL;
    if (sending.path == NULL || (sending.text == NULL) == (sending.file_name == NULL) ||
        optind + 1 < argc) {
        return relay_cmd_usage("send", "--path and one of TEXT, --file FILE and - are needed");
    }
    int rc = run(&sending);
    relay_ends_free(sending.ends);
    relay_reach_close(&sending.way);
    relay_sum_drop(&sending.sum);
    if (sending.fd >= 0) {
        close(sending.fd);
    }
    return rc;
}
