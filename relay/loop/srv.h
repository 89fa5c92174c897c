/* srv.h - where a domain has its relays: SRV records of _msrps._tcp. rfc4976#8, rfc2782, row U6 */
#ifndef RELAY_LOOP_SRV_H
#define RELAY_LOOP_SRV_H

#include <stddef.h>
#include <stdint.h>

enum { RELAY_SRV_MAX = 8 };

struct relay_srv {
    char host[256];
    uint16_t port, priority, weight;
};

/* Reads a DNS response. Returns how many targets it names, at most RELAY_SRV_MAX; 0 when there is
 * none, or it does not read. A target of "." (the service is not there) counts as none. */
size_t relay_srv_parse(const unsigned char *octets, size_t n, struct relay_srv out[RELAY_SRV_MAX]);

/* Puts them into the order in which they are to be tried: by priority, within one at random by
 * weight. random: as many numbers as there are targets. */
void relay_srv_order(struct relay_srv *srv, size_t n, const uint32_t *random);

/* Asks the system's name servers, or `server` ("ADDR:PORT", IPv4) instead when it is not NULL.
 * Blocks for at most some seconds. As relay_srv_parse. */
size_t relay_srv_ask(const char *domain, const char *server, struct relay_srv out[RELAY_SRV_MAX]);

#endif
