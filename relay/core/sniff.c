#include "relay/core/sniff.h"

#include <string.h>

static const char mcdata[] = "vnd.3gpp.mcdata-";

static bool is_ours(const struct msrp_media *media)
{
    return msrp_mime_is(media, "application", "mikey") ||
           (msrp_mime_is(media, "application", NULL) &&
            msrp_str_has_prefix_nocase(media->subtype, mcdata));
}

void relay_sniff_init(struct relay_sniff *sniff, struct msrp_str content_type)
{
    struct msrp_media media;
    char boundary[MSRP_BOUNDARY_MAX + 1];
    int n;

    sniff->state = RELAY_SNIFF_PASS;
    sniff->seen = NULL;
    sniff->at = 0;
    sniff->mark_n = 0;
    sniff->is_inside = sniff->is_type = false;
    if (!content_type.n || msrp_mime_parse_type(&media, content_type))
        return;
    if (is_ours(&media)) {
        sniff->state = RELAY_SNIFF_BARRED;
    } else if (msrp_mime_is(&media, "multipart", NULL)) {
        n = msrp_mime_boundary(&media, boundary);
        sniff->state = n < 0 ? RELAY_SNIFF_BARRED : RELAY_SNIFF_OPEN;
        if (n < 0)
            return;
        memcpy(sniff->mark, "\r\n--", 4);
        memcpy(sniff->mark + 4, boundary, (size_t)n);
        sniff->mark_n = (uint8_t)(4 + n);
    }
}

static void decide(struct relay_sniff *sniff, enum relay_sniff_state state)
{
    sniff->state = state;
    relay_sniff_done(sniff);
}

/* A line of the body, without what ends it. Who reads leniently must find nothing that we did not:
 * folded lines count as one, and LF alone ends a line too. */
static void look_at(struct relay_sniff *sniff, struct msrp_str line)
{
    struct msrp_str dash = {sniff->mark + 2, sniff->mark_n - 2u}, name, value = line;

    if (!sniff->is_inside) {
        sniff->is_inside = line.n >= dash.n && memcmp(line.p, dash.p, dash.n) == 0;
        return;
    }
    if (!line.n) {
        decide(sniff, RELAY_SNIFF_PASS);
        return;
    }
    if (line.p[0] != ' ' && line.p[0] != '\t') {
        msrp_str_cut(line, ':', &name, &value);
        sniff->is_type = msrp_str_is_nocase(msrp_str_trim(name), "Content-Type");
    }
    value = msrp_str_trim(value);
    if (sniff->is_type && msrp_str_has_prefix_nocase(value, "application/vnd.3gpp.mcdata-"))
        decide(sniff, RELAY_SNIFF_BARRED);
}

static void look(struct relay_sniff *sniff)
{
    while (sniff->state == RELAY_SNIFF_OPEN) {
        struct msrp_str text = {sniff->seen->data + sniff->at, sniff->seen->used - sniff->at};
        struct msrp_str line;
        if (!msrp_str_cut(text, '\n', &line, NULL))
            break;
        sniff->at += (uint32_t)line.n + 1;
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        look_at(sniff, line);
    }
    if (sniff->state == RELAY_SNIFF_OPEN && sniff->seen->used == RELAY_SNIFF_MAX)
        decide(sniff, RELAY_SNIFF_BARRED);
}

void relay_sniff_feed(struct relay_sniff *sniff, struct relay_slabs *slabs, const char *p, size_t n)
{
    if (sniff->state != RELAY_SNIFF_OPEN || !n)
        return;
    if (!sniff->seen && !(sniff->seen = relay_slab_new(slabs, RELAY_SLAB_OUT))) {
        sniff->state = RELAY_SNIFF_BARRED;
        return;
    }
    size_t room = RELAY_SNIFF_MAX - sniff->seen->used, more = n < room ? n : room;
    memcpy(sniff->seen->data + sniff->seen->used, p, more);
    sniff->seen->used += (uint32_t)more;
    look(sniff);
}

void relay_sniff_end(struct relay_sniff *sniff)
{
    if (sniff->state == RELAY_SNIFF_OPEN)
        decide(sniff, RELAY_SNIFF_PASS);
    sniff->at = UINT32_MAX;
}

bool relay_sniff_is_evaded(const struct relay_sniff *sniff, const struct relay_sniff *chunk,
                           uint64_t came, uint64_t before)
{
    if (chunk->state == RELAY_SNIFF_OPEN &&
        (chunk->mark_n != sniff->mark_n || memcmp(chunk->mark, sniff->mark, sniff->mark_n) != 0))
        return true;
    if (!sniff->mark_n)
        return false;
    return sniff->state == RELAY_SNIFF_OPEN ? before != came : before < sniff->at;
}

void relay_sniff_done(struct relay_sniff *sniff)
{
    relay_slab_unref(sniff->seen);
    sniff->seen = NULL;
}
