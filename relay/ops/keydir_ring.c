/* keydir_ring.c - a sealed key-set file as the ring of its user. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "relay/err.h"
#include "relay/ops/keydir.h"

enum {
    SETS_MIN = 3,
    SET_MIN = 900, /* octets of a <KmsKeySet>: three keys in hexadecimal are 708, its tags 200 */
};

/* The user of the first key set; NULL when there is none. */
static const char *find_user(struct dpp_kms_doc *const *docs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (docs[i]->sets_n > 0)
            return docs[i]->sets[0].user_uri;
    return NULL;
}

/* A file outlives the key periods in it: sets of the past are left out, not refused. now_s 0: all
 * are kept. */
static void drop_past(struct dpp_kms_doc *doc, int64_t now_s)
{
    size_t kept = 0;

    for (size_t i = 0; i < doc->sets_n; i++) {
        struct dpp_kms_set set = doc->sets[i];
        if (now_s != 0 && set.to_s != 0 && now_s >= set.to_s)
            OPENSSL_secure_clear_free(set.secrets, sizeof *set.secrets);
        else
            doc->sets[kept++] = set;
    }
    doc->sets_n = kept;
}

/* A key set wants its certificate held, so documents with key sets come last. */
static int fill(struct dpp_ring *ring, struct dpp_kms_doc *const *docs, size_t n, int64_t now_s)
{
    int rc = 0;

    for (int with_sets = 0; with_sets < 2; with_sets++)
        for (size_t i = 0; i < n && rc == 0; i++)
            if ((docs[i]->sets_n > 0) == with_sets)
                rc = dpp_ring_add(ring, docs[i], now_s);
    return rc;
}

int relay_keydir_read_ring(const char *path, const uint8_t kek[DPP_KEYFILE_KEK], const char *user,
                           int64_t now_s, struct dpp_ring **ring)
{
    struct dpp_kms_doc *docs[DPP_KEYFILE_TEXTS_MAX] = {NULL};
    struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX];
    uint8_t *plain;
    size_t plain_n;
    ssize_t n = relay_keydir_read_texts(path, kek, &plain, &plain_n, texts);
    int rc = 0;

    *ring = NULL;
    if (n < 0)
        return (int)n;
    for (ssize_t i = 0; i < n && rc == 0; i++)
        rc = dpp_kms_parse(&docs[i], (const char *)texts[i].p, texts[i].n);
    OPENSSL_cleanse(plain, plain_n);
    free(plain);
    const char *owner = rc == 0 ? find_user(docs, (size_t)n) : NULL;
    if (rc == 0 && !owner)
        rc = DPP_E_KMS_ABSENT;
    if (rc == 0)
        rc = dpp_ring_new(ring, user ? user : owner);
    for (ssize_t i = 0; i < n && rc == 0; i++)
        drop_past(docs[i], now_s);
    if (rc == 0)
        rc = fill(*ring, docs, (size_t)n, now_s);
    if (rc == 0 && dpp_ring_sets(*ring) == 0)
        rc = DPP_E_KMS_DATE;
    if (rc != 0) {
        dpp_ring_free(*ring);
        *ring = NULL;
    }
    for (ssize_t i = 0; i < n; i++)
        dpp_kms_free(docs[i]);
    return rc;
}

size_t relay_keydir_heap(const char *path)
{
    struct stat st;
    size_t n = stat(path, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size / SET_MIN : 0;

    n = n < SETS_MIN ? SETS_MIN : n > DPP_KMS_SETS_MAX ? DPP_KMS_SETS_MAX : n;
    return n * DPP_RING_SET_OCTETS;
}
