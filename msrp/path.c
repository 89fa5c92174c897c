/* path.c - see path.h. */
#include "msrp/path.h"

#include <string.h>

#include "msrp/uri.h"

bool msrp_path_next(struct msrp_str *rest, struct msrp_str *uri)
{
    if (rest->n == 0) {
        return false;
    }
    msrp_str_cut(*rest, ' ', uri, rest);
    return true;
}

int msrp_path_parse(struct msrp_path *path, struct msrp_str value, const struct msrp_limits *limits)
{
    struct msrp_str rest = value, text;
    struct msrp_uri uri;

    *path = (struct msrp_path){.text = value};
    while (msrp_path_next(&rest, &text)) {
        if (text.n > limits->uri || msrp_uri_parse(&uri, text) < 0) {
            *path = (struct msrp_path){.count = 0};
            return MSRP_E_TO_URI;
        }
        if (path->count == 0) {
            path->first = text;
        }
        path->last = text;
        path->count++;
    }
    /* a space at the end, which the walk does not see */
    if (path->count == 0 || value.p[value.n - 1] == ' ') {
        *path = (struct msrp_path){.count = 0};
        return MSRP_E_TO_URI;
    }
    return path->count > limits->uris ? MSRP_E_URIS_MANY : 0;
}

int msrp_path_parse_next(struct msrp_path *path, struct msrp_str value,
                         const struct msrp_limits *limits, struct msrp_path_kept *kept)
{
    int rc;

    if (kept && kept->n > 0 && msrp_str_is_same(value, (struct msrp_str){kept->text, kept->n})) {
        *path = (struct msrp_path){
            .text = value,
            .first = {value.p, kept->first_n},
            .last = {value.p + kept->last_at, value.n - kept->last_at},
            .count = kept->count,
        };
        return 0;
    }
    rc = msrp_path_parse(path, value, limits);
    if (rc == 0 && kept && value.n <= sizeof(kept->text)) {
        kept->n = (uint16_t)value.n;
        kept->first_n = (uint16_t)path->first.n;
        kept->last_at = (uint16_t)(path->last.p - value.p);
        kept->count = (uint16_t)path->count;
        memcpy(kept->text, value.p, value.n);
    }
    return rc;
}

struct msrp_str msrp_path_pop(struct msrp_str path, size_t n)
{
    struct msrp_str uri;

    while (n > 0 && msrp_path_next(&path, &uri)) {
        n--;
    }
    return path;
}

void msrp_path_push(struct msrp_writer *w, const char *name, struct msrp_str uri,
                    struct msrp_str path)
{
    msrp_writer_header_list(w, name, (struct msrp_str[]){uri, path}, 2);
}

bool msrp_path_has_loop(struct msrp_str to, struct msrp_str from)
{
    struct msrp_str paths[2] = {to, from}, uri, other;

    for (size_t i = 0; i < 2; i++) {
        struct msrp_str rest = paths[i];

        while (msrp_path_next(&rest, &uri)) {
            struct msrp_str behind = rest;

            while (msrp_path_next(&behind, &other)) {
                if (msrp_uri_is_same_text(uri, other)) {
                    return true;
                }
            }
            behind = i == 0 ? from : (struct msrp_str){NULL, 0};
            while (msrp_path_next(&behind, &other)) {
                if (msrp_uri_is_same_text(uri, other)) {
                    return true;
                }
            }
        }
    }
    return false;
}
