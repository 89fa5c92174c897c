/* client_site.h - people with real client machines at the real relay core, in one process. */
#ifndef TESTS_RELAY_CLIENT_SITE_H
#define TESTS_RELAY_CLIENT_SITE_H

#include "tests/relay/client_kit.h"
#include "tests/relay/sim.h"

enum { PEOPLE = 6 };

struct person {
    struct kit kit;
    struct relay_client_conf conf;
    unsigned conn;
    char token[2048];
};

struct site {
    struct sim sim;
    struct dpp_store *keys;
    struct person people[PEOPLE];
    size_t n;
};

static inline void open_site(struct site *site)
{
    memset(site, 0, sizeof(*site));
    sim_init(&site->sim);
    site->keys = kit_keys(0);
    struct relay_group *group = relay_policy_add_group(site->sim.policy, KIT_GROUP);
    assert_non_null(group);
    group->sds = true;
    const char *members[] = {KIT_ALICE, KIT_BOB, KIT_CAROL};
    for (size_t i = 0; i < 3; i++) {
        struct relay_member *member = relay_group_add(group, members[i]);
        assert_non_null(member);
        member->may_transmit = true;
        member->affiliated = true;
    }
}

/* A user whose CSK the relay has by configuration. */
static inline void give_csk(struct site *site, const char *user, uint32_t id)
{
    struct relay_user *row = relay_policy_add_user(site->sim.policy, user);
    uint8_t octets[16] = {(uint8_t)id};
    assert_non_null(row);
    row->may_send_one = true;
    assert_int_equal(dpp_key_new(&row->csk, id, octets, 16, 0, 0), 0);
}

/* Moves octets both ways until none moves; true when any did. */
static inline bool exchange(struct site *site, struct person *person)
{
    struct kit *kit = &person->kit;
    struct sim_conn *conn = &site->sim.conns[person->conn];
    bool moved = false;
    const char *p;
    size_t n;
    kit->now = (struct relay_client_now){site->sim.now.mono_ms, site->sim.now.unix_s};
    kit_turn(kit);         /* KEYED may stand before output */
    if (kit->said_n > 0) { /* what kit_turn collected */
        sim_say_n(&site->sim, person->conn, kit->said, kit->said_n);
        kit_forget_said(kit);
        moved = true;
    }
    p = conn->later_n < 65536 ? relay_client_output(kit->client, &kit->now, &n) : NULL;
    if (p != NULL) {
        n = n < 16384 ? n : 16384;
        sim_say_n(&site->sim, person->conn, p, n);
        relay_client_sent(kit->client, &kit->now, n);
        moved = true;
    }
    while (sim_hear(&site->sim, person->conn)) {
    }
    if (conn->heard_n > 0) {
        size_t heard = conn->heard_n;
        char *copy = malloc(heard);
        memcpy(copy, conn->heard, heard);
        sim_clear(&site->sim, person->conn);
        kit_hear_n(kit, copy, heard, 0);
        free(copy);
        moved = true;
    }
    return moved;
}

static inline void settle(struct site *site)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (size_t i = 0; i < site->n; i++) {
            moved = exchange(site, &site->people[i]) || moved;
        }
        for (size_t i = 0; !moved && i < site->n; i++) {
            if (site->sim.conns[site->people[i].conn].later_n > 0) {
                sim_pass(&site->sim, 10); /* paused: time goes by */
                moved = true;
            }
        }
    }
}

static inline struct person *join(struct site *site, const char *user,
                                  struct relay_client_conf conf)
{
    struct person *person = &site->people[site->n++];
    size_t n = sim_token(&site->sim, user, person->token, sizeof(person->token));
    person->token[n] = '\0';
    person->conn = sim_open(&site->sim, true);
    person->conf = conf;
    person->conf.me = user;
    person->conf.token = person->token;
    person->conf.keys = conf.keys != NULL ? conf.keys : site->keys;
    person->kit.seed = 1000 + site->n;
    person->kit.now = (struct relay_client_now){site->sim.now.mono_ms, site->sim.now.unix_s};
    kit_open(&person->kit, &person->conf);
    settle(site);
    kit_last(&person->kit, RELAY_CLIENT_READY);
    person->kit.events_n = 0;
    person->kit.is_mute = true; /* from now on exchange takes it, little by little */
    return person;
}

static inline void close_site(struct site *site)
{
    for (size_t i = 0; i < site->n; i++) {
        kit_close(&site->people[i].kit);
    }
    sim_done(&site->sim);
    dpp_store_free(site->keys);
}

static inline struct relay_client_sds text_to(const struct site *site, const char *to,
                                              const char *group, const char *text)
{
    return (struct relay_client_sds){
        .to = to,
        .group = group,
        .key = kit_key(site->keys, group != NULL ? KIT_GMK_ID : KIT_PCK_ID),
        .content_type = DPP_CONTENT_TEXT,
        .size = strlen(text),
        .data = text,
    };
}

static inline uint64_t send(struct site *site, struct person *person, struct relay_client_sds *sds)
{
    uint64_t id = 0;
    assert_int_equal(relay_client_send(person->kit.client, &person->kit.now, sds, &id), 0);
    settle(site);
    return id;
}

#endif
