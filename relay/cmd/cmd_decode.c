/* cmd_decode.c - mcrelay decode: octets of MSRP frames or MCData messages as text. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpp/sds/info.h"
#include "dpp/sds/print.h"
#include "msrp/msrp.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/input.h"
#include "relay/cmd/quote.h"
#include "relay/err.h"

enum { INPUT_MAX = 64 * 1024 * 1024 };

static const char help[] =
    "usage: mcrelay decode [--json] [--hex] [FILE | -]\n"
    "\n"
    "Prints what the octets of FILE (or of standard input) are: MSRP frames with their headers\n"
    "and, inside a multipart, mcdata-info and MCData messages; or a multipart, an mcdata-info or\n"
    "one MCData message on its own. Of what is protected the clear header is shown.\n"
    "\n"
    "  --hex   the input is hexadecimal text\n"
    "  --json  one JSON object per line, one for each frame\n"
    "\n"
    "exit: 0 all of it was understood; 1 not, and standard error says at which octet; 2 usage\n"
    "\n"
    "example:\n"
    "  echo '03 01 78 00 06 01 68 65 6c 6c 6f' | mcrelay decode --hex\n";

struct decoding {
    const char *start; /* the whole input */
    size_t n;
    bool is_json;
    bool wrong; /* a complaint was made */
};

static size_t offset(const struct decoding *decoding, const char *p)
{
    return (size_t)(p - decoding->start);
}

static void complain(struct decoding *decoding, size_t at, int err)
{
    decoding->wrong = true;
    fflush(stdout);
    relay_cmd_fail("decode", RELAY_EXIT_FAILED, "octet %zu: %s", at, relay_strerror(err));
}

/* The value that stands for something that does not read; the complaint goes to stderr too. */
static void print_wrong(struct decoding *decoding, size_t at, int err)
{
    complain(decoding, at, err);
    if (decoding->is_json) {
        fputs("{\"error\":", stdout);
        relay_cmd_json(stdout, relay_strerror(err));
        relay_quote_number(stdout, "octet", at);
        fputs("}", stdout);
    }
}

static void print_octets(const struct decoding *decoding, struct msrp_str octets)
{
    if (decoding->is_json) {
        relay_quote_json(stdout, octets.p, octets.n);
    } else {
        fputs("  ", stdout);
        relay_quote_text(stdout, octets.p, octets.n);
        putchar('\n');
    }
}

/* A bare MCData message. */
static void print_message(struct decoding *decoding, struct msrp_str octets)
{
    struct dpp_msg msg;
    struct dpp_out out;
    size_t at = 0, room = 8 * octets.n + 65536;
    char *text = malloc(room);
    int err = text == NULL ? RELAY_E_NOMEM
                           : dpp_msg_parse(&msg, (const uint8_t *)octets.p, octets.n, &at);
    if (err != 0) {
        print_wrong(decoding, offset(decoding, octets.p) + at, err);
        free(text);
        return;
    }
    dpp_cur_out(&out, text, room);
    err = decoding->is_json ? dpp_print_json(&out, &msg) : dpp_print_text(&out, &msg);
    if (err != 0) {
        print_wrong(decoding, offset(decoding, octets.p), err);
    } else if (decoding->is_json) {
        fwrite(text, 1, out.n, stdout);
    } else {
        for (char *line = text; line < text + out.n;) {
            char *end = memchr(line, '\n', (size_t)(text + out.n - line));
            size_t n = end != NULL ? (size_t)(end + 1 - line) : (size_t)(text + out.n - line);
            fputs("  ", stdout);
            fwrite(line, 1, n, stdout);
            line += n;
        }
    }
    free(text);
}

static void print_info(struct decoding *decoding, struct msrp_str octets)
{
    struct dpp_info info;
    int err = dpp_info_parse(&info, octets.p, octets.n);
    if (err != 0) {
        print_wrong(decoding, offset(decoding, octets.p), err);
        return;
    }
    const struct {
        const char *name, *value;
    } rows[] = {
        {"request-type", info.request_type},
        {"mcdata-request-uri", info.request_uri},
        {"mcdata-calling-user-id", info.calling_user_id},
        {"mcdata-called-party-id", info.called_party_id},
        {"mcdata-calling-group-id", info.calling_group_id},
        {"mcdata-client-id", info.client_id},
    };
    if (decoding->is_json) {
        fputs("{\"name\":\"mcdata-info\"", stdout);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value[0] == '\0') {
            continue;
        }
        if (decoding->is_json) {
            relay_quote_member(stdout, rows[i].name, rows[i].value);
        } else {
            printf("  %s: ", rows[i].name);
            relay_quote_text(stdout, rows[i].value, strlen(rows[i].value));
            putchar('\n');
        }
    }
    if (decoding->is_json) {
        putchar('}');
    }
}

/* One part, or a body that is no multipart. Parts start a line "part TYPE, N octets". */
static void print_part(struct decoding *decoding, struct msrp_str type, struct msrp_str octets,
                       bool is_first)
{
    struct msrp_media media;
    bool known = msrp_mime_parse_type(&media, type) == 0;
    if (decoding->is_json) {
        fputs(is_first ? "{\"type\":" : ",{\"type\":", stdout);
        relay_quote_json(stdout, type.p, type.n);
        relay_quote_number(stdout, "octet", offset(decoding, octets.p));
        relay_quote_number(stdout, "size", octets.n);
        fputs(",\"content\":", stdout);
    } else {
        fputs("part ", stdout);
        relay_quote_text(stdout, type.p, type.n);
        printf(", %zu octets at octet %zu\n", octets.n, offset(decoding, octets.p));
    }
    if (known && msrp_mime_is(&media, "application", "vnd.3gpp.mcdata-info+xml")) {
        print_info(decoding, octets);
    } else if (known && (msrp_mime_is(&media, "application", "vnd.3gpp.mcdata-signalling") ||
                         msrp_mime_is(&media, "application", "vnd.3gpp.mcdata-payload"))) {
        print_message(decoding, octets);
    } else if (msrp_str_is_utf8(octets)) {
        print_octets(decoding, octets);
    } else if (decoding->is_json) {
        fputs("null", stdout);
    }
    if (decoding->is_json) {
        putchar('}');
    }
}

/* A multipart whose octets are all here. */
static void print_multipart(struct decoding *decoding, struct msrp_str boundary,
                            struct msrp_str octets)
{
    struct msrp_mime mime;
    struct msrp_mime_event event;
    struct msrp_str type = {0}, data = {0};
    bool is_first = true;
    int err = msrp_mime_init(&mime, boundary, 0);
    size_t at = 0;
    while (err == 0) {
        ssize_t used = msrp_mime_next(&mime, octets.p + at, octets.n - at, &event);
        if (used < 0) {
            err = (int)used;
            break;
        }
        if (event.kind == MSRP_MIME_PART) {
            type = event.content_type;
            data = (struct msrp_str){octets.p + at + used, 0};
        } else if (event.kind == MSRP_MIME_DATA) {
            data.p = data.n == 0 ? event.data.p : data.p;
            data.n += event.data.n; /* the pieces lie side by side: the input is in one buffer */
        } else if (event.kind == MSRP_MIME_PART_END) {
            print_part(decoding, type, data, is_first);
            is_first = false;
        }
        at += (size_t)used;
        if (event.kind == MSRP_MIME_MORE && used == 0) {
            err = msrp_mime_finish(&mime, octets.n - at);
            break;
        }
    }
    if (err != 0) {
        if (decoding->is_json && !is_first) {
            putchar(',');
        }
        print_wrong(decoding, offset(decoding, octets.p) + at, err);
    }
}

static void print_body(struct decoding *decoding, const struct msrp_head *head,
                       struct msrp_str body, bool is_whole)
{
    struct msrp_media media;
    char boundary[MSRP_BOUNDARY_MAX + 1];
    if (decoding->is_json) {
        fputs(",\"parts\":[", stdout);
    }
    if (!is_whole) {
        if (!decoding->is_json) {
            printf("body: %zu octets, a chunk of a larger message\n", body.n);
        }
    } else if (msrp_mime_parse_type(&media, head->content_type) == 0 &&
               msrp_mime_is(&media, "multipart", NULL) &&
               msrp_mime_boundary(&media, boundary) >= 0) {
        print_multipart(decoding, msrp_str_of(boundary), body);
    } else {
        print_part(decoding, head->content_type, body, true);
    }
    if (decoding->is_json) {
        putchar(']');
        relay_quote_number(stdout, "body", body.n);
    }
}

/* The start line and headers of the frame that begins at octet `at`. */
static void print_head(const struct decoding *decoding, const struct msrp_head *head, size_t at)
{
    struct msrp_str name, value;
    size_t i = 0;
    bool is_first = true;
    if (decoding->is_json) {
        printf("{\"octet\":%zu,\"id\":", at);
        relay_quote_json(stdout, head->tid.p, head->tid.n);
        if (head->is_response) {
            relay_quote_number(stdout, "status", head->code);
        } else {
            fputs(",\"method\":", stdout);
            relay_quote_json(stdout, head->method_text.p, head->method_text.n);
        }
        fputs(",\"headers\":[", stdout);
    } else if (head->is_response) {
        printf("response %.*s at octet %zu: %u ", (int)head->tid.n, head->tid.p, at, head->code);
        relay_quote_text(stdout, head->comment.p, head->comment.n);
        putchar('\n');
    } else {
        printf("%.*s %.*s at octet %zu\n", (int)head->method_text.n, head->method_text.p,
               (int)head->tid.n, head->tid.p, at);
    }
    while (msrp_head_next(head, &i, &name, &value)) {
        bool is_secret = msrp_str_is_nocase(name, "Authorization");
        value = is_secret ? MSRP_STR("(not shown)") : value;
        if (decoding->is_json) {
            fputs(is_first ? "[" : ",[", stdout);
            relay_quote_json(stdout, name.p, name.n);
            putchar(',');
            relay_quote_json(stdout, value.p, value.n);
            putchar(']');
        } else {
            printf("  %.*s: ", (int)name.n, name.p);
            relay_quote_text(stdout, value.p, value.n);
            putchar('\n');
        }
        is_first = false;
    }
    if (decoding->is_json) {
        putchar(']');
    }
}

static void print_frames(struct decoding *decoding)
{
    struct msrp_reader reader;
    struct msrp_event event;
    struct msrp_head head = {0};
    struct msrp_str body = {0};
    size_t at = 0, frame = 0;
    bool is_open = false;
    msrp_reader_init(&reader, NULL);
    for (;;) {
        ssize_t used = msrp_reader_next(&reader, decoding->start + at, decoding->n - at, &event);
        if (used < 0 || event.kind == MSRP_EV_MORE) {
            if (used < 0) {
                complain(decoding, at, (int)used);
            } else if (at < decoding->n || is_open) {
                decoding->wrong = true;
                fflush(stdout);
                relay_cmd_fail("decode", RELAY_EXIT_FAILED,
                               "octet %zu: the input ends inside a frame", decoding->n);
            }
            break;
        }
        if (event.kind == MSRP_EV_HEAD) {
            head = *event.head;
            frame = at;
            is_open = true;
            body = (struct msrp_str){decoding->start + at + used, 0};
            print_head(decoding, &head, frame);
            if (event.err != 0) {
                complain(decoding, frame, event.err);
            }
        } else if (event.kind == MSRP_EV_BODY) {
            body.p = body.n == 0 ? event.body.p : body.p;
            body.n += event.body.n;
        } else {
            is_open = false;
            if (head.has_body) {
                print_body(decoding, &head, body, head.range.start == 1 && event.flag == '$');
            }
            if (decoding->is_json) {
                printf(",\"flag\":\"%c\"}\n", event.flag);
            } else {
                printf("end %c\n\n", event.flag);
            }
        }
        at += (size_t)used;
    }
    if (is_open && decoding->is_json) {
        puts("}");
    }
}

/* A body on its own: its boundary is what its first line says. */
static void print_bare_multipart(struct decoding *decoding)
{
    struct msrp_str line, all = {decoding->start, decoding->n};
    size_t end = msrp_str_find(all, MSRP_STR("\r\n"));
    line = (struct msrp_str){all.p + 2, end == SIZE_MAX || end < 3 ? 0 : end - 2};
    if (decoding->is_json) {
        fputs("{\"parts\":[", stdout);
    }
    print_multipart(decoding, line, all);
    if (decoding->is_json) {
        puts("]}");
    }
}

static int decode(struct decoding *decoding)
{
    struct msrp_str all = {decoding->start, decoding->n};
    if (all.n == 0) {
        return relay_cmd_fail("decode", RELAY_EXIT_FAILED, "nothing to decode");
    }
    if (msrp_str_has_prefix(all, "MSRP ")) {
        print_frames(decoding);
    } else if (msrp_str_has_prefix(all, "--")) {
        print_bare_multipart(decoding);
    } else {
        if (all.p[0] == '<') {
            print_info(decoding, all);
        } else {
            print_message(decoding, all);
        }
        if (decoding->is_json) {
            putchar('\n');
        }
    }
    return decoding->wrong ? RELAY_EXIT_FAILED : RELAY_EXIT_OK;
}

enum { OPT_HELP = 1, OPT_JSON, OPT_HEX };

static const struct option options[] = {
    {"help", no_argument, NULL, OPT_HELP},
    {"json", no_argument, NULL, OPT_JSON},
    {"hex", no_argument, NULL, OPT_HEX},
    {NULL, 0, NULL, 0},
};

int relay_cmd_decode(int argc, char **argv)
{
    struct decoding decoding = {0};
    bool is_hex = false;
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == OPT_HELP) {
            fputs(help, stdout);
            return RELAY_EXIT_OK;
        }
        if (option != OPT_JSON && option != OPT_HEX) {
            return relay_cmd_usage("decode", "see the line above");
        }
        decoding.is_json = decoding.is_json || option == OPT_JSON;
        is_hex = is_hex || option == OPT_HEX;
    }
    if (optind + 1 < argc) {
        return relay_cmd_usage("decode", "one file at a time");
    }
    const char *path = optind < argc ? argv[optind] : "-";
    char *p;
    errno = 0;
    int err = relay_input_read(path, INPUT_MAX, &p, &decoding.n);
    if (err != 0) {
        return relay_cmd_fail("decode", RELAY_EXIT_FAILED, "%s: %s", path,
                              err == RELAY_E_IO ? strerror(errno) : relay_strerror(err));
    }
    if (is_hex && relay_input_unhex(p, &decoding.n) != 0) {
        relay_cmd_fail("decode", RELAY_EXIT_FAILED, "character %zu is not hexadecimal", decoding.n);
        free(p);
        return RELAY_EXIT_FAILED;
    }
    decoding.start = p;
    int rc = decode(&decoding);
    free(p);
    return rc;
}
