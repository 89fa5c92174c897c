/* link_kit.h - clients of a relay that has peers; for the tests of links. */
#ifndef TESTS_RELAY_LINK_KIT_H
#define TESTS_RELAY_LINK_KIT_H

#include "relay/route/peer.h"
#include "tests/relay/way_kit.h"

#define PEER     "relay2.iops.example"
#define PEER_URI "msrps://" PEER ":2855/x7;tcp"
#define FAR      "msrps://far.invalid:7/f1;tcp"

static struct relay_peer_conf peers[] = {
    {.name = PEER, .port = 2855, .tls = true},
    {.name = "127.0.0.1", .port = 2899},
    {.name = "relay3.iops.example", .port = 2901, .tls = true},
};

static inline void link_start(struct way_site *site)
{
    sim_init(&site->sim);
    site->sim.conf.peers = peers;
    site->sim.conf.peers_n = 3;
    sim_start(&site->sim);
    site->a = sim_user(&site->sim, SIM_ALICE);
    site->b = sim_user(&site->sim, SIM_BOB);
    sim_clear_all(&site->sim);
}

static inline void link_send(struct way_site *site, const char *tid, const char *id,
                             const char *body)
{
    sim_sayf(&site->sim, site->a,
             "MSRP %s SEND\r\nTo-Path: %s " PEER_URI " " FAR "\r\nFrom-Path: %s\r\n"
             "Message-ID: %s\r\nByte-Range: 1-%zu/%zu\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
             "-------%s$\r\n",
             tid, way_use(site, site->a), way_uri(site, site->a), id, strlen(body), strlen(body),
             body, tid);
}

static inline void link_want(struct way_site *site, unsigned p, const char *id, const char *body)
{
    char want[4096], tid[64];

    way_tid(site, p, tid);
    snprintf(want, sizeof want,
             "MSRP %s SEND\r\nTo-Path: " PEER_URI " " FAR "\r\nFrom-Path: %s %s\r\n"
             "Message-ID: %s\r\nByte-Range: 1-%zu/%zu\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
             "-------%s$\r\n",
             tid, way_use(site, site->a), way_uri(site, site->a), id, strlen(body), strlen(body),
             body, tid);
    assert_string_equal(sim_heard(&site->sim, p), want);
}

#endif
