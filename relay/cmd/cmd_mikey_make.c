/* cmd_mikey_make.c - mcrelay mikey make: a key on its way to one user. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay/cmd/cmd_mikey.h"
#include "relay/cmd/input.h"
#include "relay/err.h"

enum { DRAWS = 8 }; /* of random octets that do not serve: 2^-32 each */

/* The key: 32 hexadecimal digits on stdin, past stdio, whose buffers nobody wipes; or, when there
 * is nothing, fresh. */
static int read_octets(uint8_t octets[16])
{
    DPP_SCRUB(text, 1024);
    size_t n = 0;
    ssize_t got = 0;

    while (!isatty(STDIN_FILENO) && n < sizeof text.p &&
           (got = read(STDIN_FILENO, text.p + n, sizeof text.p - n)) > 0)
        n += (size_t)got;
    if (got < 0) /* nobody should get another key than the one that was meant */
        return relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "standard input: %s", strerror(errno));
    if (n == 0)
        return RAND_priv_bytes(octets, 16) == 1 ? RELAY_EXIT_OK
                                                : relay_mikey_fail("random", RELAY_E_RANDOM);
    if (relay_input_unhex((char *)text.p, &n) != 0 || n != 16)
        return relay_cmd_usage("mikey", "make reads 32 hexadecimal digits from stdin, or nothing");
    memcpy(octets, text.p, 16);
    return RELAY_EXIT_OK;
}

static int make_key(struct dpp_key **key, const struct relay_mikey_words *w, int64_t now_s)
{
    DPP_SCRUB(octets, 16);
    uint32_t id;
    int code = read_octets(octets.p);

    if (code != RELAY_EXIT_OK)
        return code;
    if (RAND_bytes((uint8_t *)&id, sizeof id) != 1)
        return relay_mikey_fail("random", RELAY_E_RANDOM);
    int rc = dpp_key_new(key, dpp_role_make_id((enum dpp_role)w->role, id), octets.p,
                         sizeof octets.p, 0, w->ttl_s ? now_s + (int64_t)w->ttl_s : 0);
    return rc == 0 ? RELAY_EXIT_OK : relay_mikey_fail("key", rc);
}

static ssize_t draw_and_make(const struct dpp_ring *ring, const struct dpp_mikey_draft *draft,
                             uint8_t out[DPP_MIKEY_MAX])
{
    struct dpp_mikey_random random;
    ssize_t n = DPP_E_RETRY;

    for (int i = 0; i < DRAWS && n == DPP_E_RETRY; i++)
        n = RAND_bytes(random.rand, sizeof random.rand) == 1 &&
                    RAND_bytes(random.iv, sizeof random.iv) == 1 &&
                    RAND_priv_bytes(random.j, sizeof random.j) == 1
                ? dpp_mikey_make(ring, draft, &random, out, DPP_MIKEY_MAX)
                : RELAY_E_RANDOM;
    OPENSSL_cleanse(&random, sizeof random);
    return n;
}

static int write_out(const uint8_t *p, size_t n, bool as_text)
{
    static uint8_t text[DPP_MIKEY_MAX / 3 * 4 + 8];

    if (as_text)
        printf("mikey %.*s\n", EVP_EncodeBlock(text, p, (int)n), (char *)text);
    else
        fwrite(p, 1, n, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "output: %s", strerror(errno));
    return RELAY_EXIT_OK;
}

int relay_mikey_make(const struct relay_mikey_words *w)
{
    struct timespec now;
    struct dpp_ring *ring = NULL;
    struct dpp_key *key = NULL;
    uint8_t out[DPP_MIKEY_MAX];

    if (!w->to || w->role < 0)
        return relay_cmd_usage("mikey", "make takes --kms, --keys, --to and --type");
    if (w->groups_n > 0 && w->role != DPP_ROLE_GMK)
        return relay_cmd_usage("mikey", "--group goes with --type gmk");
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return relay_cmd_fail("mikey", RELAY_EXIT_FAILED, "clock: %s", strerror(errno));
    int code = relay_mikey_ring(&ring, w, now.tv_sec);
    if (code == RELAY_EXIT_OK)
        code = make_key(&key, w, now.tv_sec);
    if (code == RELAY_EXIT_OK) {
        struct dpp_mikey_draft draft = {
            .key = key,
            .responder = w->to,
            .groups = w->groups,
            .groups_n = w->groups_n,
            .time_s = now.tv_sec,
            .fraction = (uint32_t)(((uint64_t)now.tv_nsec << 32) / 1000000000),
            .to_self = w->to_self,
            .uris = w->uris,
        };
        ssize_t n = draw_and_make(ring, &draft, out);
        code = n < 0 ? relay_mikey_fail(w->to, (int)n) : write_out(out, (size_t)n, w->text);
    }
    dpp_key_free(key);
    dpp_ring_free(ring);
    return code;
}
