#include "relay/loop/srv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 4096, RDATA_MIN = 7, WAIT_S = 1, TRIES = 2 };

size_t relay_srv_parse(const unsigned char *octets, size_t n, struct relay_srv out[RELAY_SRV_MAX])
{
    ns_msg message;
    ns_rr record;
    size_t found = 0;
    if (n > INT32_MAX || ns_initparse(octets, (int)n, &message) != 0) {
        return 0;
    }
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && found < RELAY_SRV_MAX; i++) {
        struct relay_srv *srv = &out[found];
        if (ns_parserr(&message, ns_s_an, i, &record) != 0) {
            return found;
        }
        const unsigned char *data = ns_rr_rdata(record);
        if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < RDATA_MIN ||
            dn_expand(octets, octets + n, data + 6, srv->host, sizeof(srv->host)) < 0 ||
            srv->host[0] == '\0') {
            continue;
        }
        srv->priority = (uint16_t)(data[0] << 8 | data[1]);
        srv->weight = (uint16_t)(data[2] << 8 | data[3]);
        srv->port = (uint16_t)(data[4] << 8 | data[5]);
        found += srv->port != 0 ? 1 : 0;
    }
    return found;
}

/* Which of v[0..n) comes first: those of the least priority share by weight. */
static size_t choose(const struct relay_srv *v, size_t n, uint32_t random)
{
    uint16_t least = UINT16_MAX;
    uint64_t sum = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        least = v[i].priority < least ? v[i].priority : least;
    }
    for (size_t i = 0; i < n; i++) {
        sum += v[i].priority == least ? v[i].weight + 1U : 0; /* a weight of 0 is seldom first */
    }
    uint64_t mark = random % sum;
    for (size_t i = 0; i < n; i++) {
        at += v[i].priority == least ? v[i].weight + 1U : 0;
        if (at > mark) {
            return i;
        }
    }
    return 0;
}

void relay_srv_order(struct relay_srv *srv, size_t n, const uint32_t *random)
{
    for (size_t i = 0; i + 1 < n; i++) {
        size_t first = i + choose(srv + i, n - i, random[i]);
        struct relay_srv moved = srv[first];
        srv[first] = srv[i];
        srv[i] = moved;
    }
}

static void ask_there(struct __res_state *state, const char *server)
{
    char host[64];
    const char *colon = strrchr(server, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (colon == NULL || (size_t)(colon - server) >= sizeof(host)) {
        return;
    }
    memcpy(host, server, (size_t)(colon - server));
    host[colon - server] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) == 1) {
        address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
        state->nsaddr_list[0] = address;
        state->nscount = 1;
    }
}

size_t relay_srv_ask(const char *domain, const char *server, struct relay_srv out[RELAY_SRV_MAX])
{
    struct __res_state state;
    unsigned char answer[ANSWER_MAX];
    char name[300];
    memset(&state, 0, sizeof(state));
    if (res_ninit(&state) != 0) {
        return 0;
    }
    if (server != NULL) {
        ask_there(&state, server);
    }
    state.retrans = WAIT_S;
    state.retry = TRIES;
    snprintf(name, sizeof(name), "_msrps._tcp.%s", domain);
    int n = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, sizeof(answer));
    res_nclose(&state);
    return n > 0 && n <= ANSWER_MAX ? relay_srv_parse(answer, (size_t)n, out) : 0;
}
