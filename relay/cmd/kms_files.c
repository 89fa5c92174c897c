#include "relay/cmd/kms_files.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cmd/cmd.h"
#include "relay/ops/keydir.h"

char *relay_kms_path(const char *dir, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

int relay_kms_fail(const char *command, const char *path, int err)
{
    bool is_refused = err == DPP_E_KEYFILE_SUM || err == DPP_E_KEYFILE_MODE;

    if (err == RELAY_E_IO)
        return relay_cmd_fail(command, RELAY_EXIT_FAILED, "%s: %s", path, strerror(errno));
    return relay_cmd_fail(command, is_refused ? RELAY_EXIT_REFUSED : RELAY_EXIT_FAILED, "%s: %s%s",
                          path, relay_strerror(err),
                          err == DPP_E_KEYFILE_MODE  ? "; chmod 600 it"
                          : err == DPP_E_KEYFILE_SUM ? ": wrong KEK, or it was changed"
                                                     : "");
}

static int save(const char *path, const char *cert, const char *kek_path,
                const struct relay_domain *domain, char *xml)
{
    struct dpp_span texts[2];
    DPP_SCRUB(kek, 32);
    int rc = relay_keydir_kek(kek_path, kek.p);

    if (rc != 0)
        return relay_kms_fail("kms", kek_path, rc);
    rc = relay_domain_texts(domain, xml, texts);
    if (rc == 0)
        rc = relay_keydir_write_texts(path, kek.p, texts, 2);
    if (rc != 0)
        return relay_kms_fail("kms", path, rc);
    rc = relay_keydir_replace(cert, texts[0].p, texts[0].n);
    return rc == 0 ? RELAY_EXIT_OK : relay_kms_fail("kms", cert, rc);
}

int relay_kms_save(const char *dir, const char *kek, const struct relay_domain *domain)
{
    char *path = relay_kms_path(dir, "domain.sealed"), *cert = relay_kms_path(dir, "CERT.xml");
    char *xml = malloc(RELAY_DOMAIN_XML_MAX);
    int code = path && cert && xml ? save(path, cert, kek, domain, xml)
                                   : relay_kms_fail("kms", dir, RELAY_E_NOMEM);

    free(path);
    free(cert);
    free(xml);
    return code;
}

int relay_kms_load(const char *dir, const char *kek, struct relay_domain **domain)
{
    struct dpp_span texts[DPP_KEYFILE_TEXTS_MAX];
    DPP_SCRUB(key, 32);
    char *path = relay_kms_path(dir, "domain.sealed"), *own = relay_kms_path(dir, "domain.kek");
    uint8_t *plain = NULL;
    size_t plain_n = 0;
    ssize_t n = RELAY_E_NOMEM;
    const char *where = kek ? kek : own;

    *domain = NULL;
    if (path && own)
        n = relay_keydir_kek(where, key.p);
    if (n == 0) {
        where = path;
        n = relay_keydir_read_texts(path, key.p, &plain, &plain_n, texts);
    }
    if (n >= 0)
        n = relay_domain_open(domain, texts, (size_t)n);
    if (plain) {
        OPENSSL_cleanse(plain, plain_n);
        free(plain);
    }
    int code = n == 0 ? RELAY_EXIT_OK : relay_kms_fail("kms", where ? where : dir, (int)n);
    free(path);
    free(own);
    return code;
}
