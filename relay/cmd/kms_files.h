/* kms_files.h - the folder of an embedded KMS, which the kms commands share: CERT.xml (public),
 * domain.sealed (the certificate and the masters), domain.kek (what opens it, unless --kek names
 * another). */
#ifndef RELAY_CMD_KMS_FILES_H
#define RELAY_CMD_KMS_FILES_H

#include "relay/kms/domain.h"

/* A path in the folder, to be freed; NULL without memory. */
char *relay_kms_path(const char *dir, const char *name);

/* Seals a domain into a folder. An exit code, after a complaint when it is not RELAY_EXIT_OK. */
int relay_kms_save(const char *dir, const char *kek, const struct relay_domain *domain);
/* Opens it; kek NULL: domain.kek of the folder. */
int relay_kms_load(const char *dir, const char *kek, struct relay_domain **domain);

/* Complains about a file. Returns the exit code: RELAY_EXIT_REFUSED for a wrong KEK or mode. */
int relay_kms_fail(const char *command, const char *path, int err);

int relay_kms_serve(int argc, char **argv);  /* mcrelay kms serve */
int relay_key_fetch(int argc, char **argv);  /* mcrelay key fetch */
int relay_key_erase(int argc, char **argv);  /* mcrelay key erase */
int relay_key_digest(int argc, char **argv); /* mcrelay key digest */

#endif
