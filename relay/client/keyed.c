#include <string.h>

#include "relay/client/inside.h"
#include "relay/client/keying.h"
#include "relay/client/say.h"
#include "relay/err.h"

void relay_keyed_forget(struct relay_client *client, uint32_t key_id)
{
    bool others = false;
    for (struct relay_letter *letter = client->box.letters; letter != NULL; letter = letter->next) {
        others = others || (letter->key_id == key_id && letter->state == RELAY_LETTER_OPEN);
    }
    if (key_id != 0) {
        relay_pair_ended(&client->pairs, &client->conf, key_id, false, others);
    }
}

int relay_keyed_choose(struct relay_client *client, const struct relay_client_now *now,
                       const struct relay_client_sds *sds, const struct dpp_key **key,
                       uint8_t octets[DPP_MIKEY_MAX], struct relay_letter_mikey *mikey)
{
    const struct relay_pair_of of = {&client->conf, &client->random, *now};
    if (sds->key != NULL || client->conf.ring == NULL ||
        (sds->to == NULL) == (sds->group == NULL)) {
        return 0;
    }
    if (sds->to != NULL) {
        return relay_pair_key(&client->pairs, &of, sds->to, key, octets, mikey);
    }
    const struct dpp_keyed *gmk =
        dpp_store_for(client->conf.keys, DPP_ROLE_GMK, NULL, sds->group, now->unix_s);
    *key = gmk != NULL ? gmk->key : NULL;
    return gmk != NULL ? 0 : DPP_E_KEY_ABSENT;
}

int relay_keyed_queue(struct relay_client *client, const char *to,
                      const struct relay_letter_mikey *mikey)
{
    int err;
    struct relay_letter *letter = relay_letter_key(&client->random, to, mikey, &err);
    if (letter != NULL) {
        relay_outbox_add(&client->box, letter);
    }
    return letter != NULL ? 0 : err;
}

void relay_keyed_upload(struct relay_client *client, const struct relay_client_now *now)
{
    uint8_t octets[DPP_MIKEY_MAX];
    const struct relay_client_conf *conf = &client->conf;
    ssize_t n = -1;
    client->owes_csk = false;
    int rc = relay_keying_make(&client->csk, DPP_ROLE_CSK, NULL, now->unix_s, 0, &client->random);
    if (rc == 0) {
        n = relay_keying_print(conf->ring, client->csk, conf->mdsi, NULL, now->unix_s,
                               &client->random, octets, sizeof(octets));
        const struct relay_letter_mikey mikey = {octets, n > 0 ? (size_t)n : 0, 0};
        rc = n < 0 ? (int)n : relay_keyed_queue(client, NULL, &mikey);
    }
    if (rc != 0) {
        char text[256];
        relay_say(text, sizeof(text), "no CSK for this connection: %s", relay_strerror(rc));
        relay_client_end(client, 0, rc, text);
    }
}

void relay_keyed_uploaded(struct relay_client *client, const struct relay_letter *letter)
{
    if (letter->state == RELAY_LETTER_SENT) {
        client->conf.csk = client->csk;
        client->is_ready = true;
    } else if (client->state == RELAY_CLIENT_OPEN) {
        char text[256];
        relay_say(text, sizeof(text), "%s: %s",
                  letter->status == 413 ? "the relay is too busy to take our CSK"
                                        : "the relay does not take our CSK",
                  letter->text);
        relay_client_end(client, letter->status, letter->err, text);
    }
}

void relay_keyed_answer(struct relay_client *client, const char *from,
                        const struct relay_client_now *now)
{
    uint8_t octets[DPP_MIKEY_MAX];
    struct relay_letter_mikey mikey;
    const struct relay_pair_of of = {&client->conf, &client->random, *now};
    int rc = relay_pair_answer(&client->pairs, &of, from, octets, &mikey);
    if (rc == 0 && mikey.n > 0 && relay_keyed_queue(client, from, &mikey) != 0) {
        relay_keyed_forget(client, mikey.key_id);
    }
}
