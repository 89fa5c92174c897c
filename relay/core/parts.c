/* parts.c - the parts of the machine, for the rooms of the core that do not look inside: conn.h. */
#include "relay/core/machine.h"

#include <string.h>

const struct relay_conf *relay_conf_of(const struct relay *relay)
{
    return &relay->conf;
}

const struct relay_policy *relay_policy_of(const struct relay *relay)
{
    return relay->policy;
}

struct relay_now relay_now_of(const struct relay *relay)
{
    return relay->now;
}

struct relay_slabs *relay_slabs_of(struct relay *relay)
{
    return &relay->slabs;
}

struct relay_counts *relay_counts_of(struct relay *relay)
{
    return &relay->counts;
}

struct sds *relay_sds_of(struct relay *relay)
{
    return relay->sds;
}

int relay_random_fill(struct relay *relay, void *p, size_t n)
{
    char *out = p;

    while (n) {
        if (!relay->pool_n) {
            if (relay->random.fill(relay->random.ctx, relay->pool, sizeof relay->pool) < 0)
                return RELAY_E_RANDOM;
            relay->pool_n = sizeof relay->pool;
        }
        size_t step = n < relay->pool_n ? n : relay->pool_n;
        uint8_t *from = relay->pool + sizeof relay->pool - relay->pool_n;
        memcpy(out, from, step);
        memset(from, 0, step); /* given away: no second copy stays */
        relay->pool_n -= step;
        out += step;
        n -= step;
    }
    return 0;
}

struct relay_conn *relay_conns_of_user(struct relay *relay, struct msrp_str user)
{
    char normal[RELAY_ID_MAX + 1];
    size_t n = relay_id_normal(user, normal);
    struct relay_presence *presence =
        n ? relay_directory_find(&relay->directory, (struct msrp_str){normal, n}) : NULL;

    return presence ? presence->first : NULL;
}
