/* path.h - To-Path and From-Path: next hop, push, pop, loop. rfc4976#6.4.1
 *
 * A path is the value of the header: URIs with one SP between them. */
#ifndef MSRP_PATH_H
#define MSRP_PATH_H

#include "msrp/head.h"
#include "msrp/writer.h"

/* Reads a path of 1..limits->uris URIs, each a valid MSRP URI of at most limits->uri octets.
 * Returns 0 with *path filled; MSRP_E_URIS_MANY, with *path filled as well; or MSRP_E_TO_URI when
 * a URI does not parse or the spacing is wrong, *path then all empty. Borrows from value. */
__attribute__((warn_unused_result)) int
msrp_path_parse(struct msrp_path *path, struct msrp_str value, const struct msrp_limits *limits);

/* The same; a path that is the kept one is not read again, a good one is kept. NULL: as above. */
__attribute__((warn_unused_result)) int msrp_path_parse_next(struct msrp_path *path,
                                                             struct msrp_str value,
                                                             const struct msrp_limits *limits,
                                                             struct msrp_path_kept *kept);

/* Takes the leftmost URI off *rest. False when there is none.
 *     struct msrp_str rest = head->to.text; while (msrp_path_next(&rest, &uri)) ... */
bool msrp_path_next(struct msrp_str *rest, struct msrp_str *uri);

/* The path without its n leftmost URIs; empty when it has no more than n. */
struct msrp_str msrp_path_pop(struct msrp_str path, size_t n);

/* Writes `Name: uri path` CRLF: the URI pushed to the front of a path that may be empty. */
void msrp_path_push(struct msrp_writer *w, const char *name, struct msrp_str uri,
                    struct msrp_str path);

/* True when the same full URI (msrp_uri_is_same) stands twice in To-Path and From-Path taken
 * together. row 19 */
bool msrp_path_has_loop(struct msrp_str to, struct msrp_str from);

#endif
