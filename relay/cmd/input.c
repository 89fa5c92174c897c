#include "relay/cmd/input.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "msrp/str.h"
#include "relay/err.h"

int relay_input_read(const char *path, size_t cap, char **p, size_t *n)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t room = 16384;
    int rc = 0;
    *n = 0;
    if (file != NULL && file != stdin) { /* it may be a secret: no copy that nobody wipes */
        setvbuf(file, NULL, _IONBF, 0);
    }
    *p = file == NULL ? NULL : malloc(room + 1);
    if (*p == NULL) {
        rc = file == NULL ? RELAY_E_IO : RELAY_E_NOMEM;
        goto out;
    }
    for (;;) {
        size_t got = fread(*p + *n, 1, room - *n, file);
        *n += got;
        if (got == 0 || *n > cap) {
            break;
        }
        if (*n == room) {
            room *= 2;
            char *more = realloc(*p, room + 1);
            if (more == NULL) {
                rc = RELAY_E_NOMEM;
                goto out;
            }
            *p = more;
        }
    }
    rc = ferror(file) != 0 ? RELAY_E_IO : *n > cap ? RELAY_E_TOO_LARGE : 0;
    (*p)[*n] = '\0';
out:
    if (file != NULL && file != stdin) {
        fclose(file);
    }
    if (rc != 0) {
        OPENSSL_cleanse(*p, *p != NULL ? *n : 0);
        free(*p);
        *p = NULL;
    }
    return rc;
}

int relay_input_line(const char *path, size_t cap, char **p)
{
    size_t n;
    int rc = relay_input_read(path, cap, p, &n);
    if (rc == 0) {
        n = strcspn(*p, "\r\n");
        OPENSSL_cleanse(*p + n, strlen(*p + n));
    }
    return rc;
}

void relay_input_forget(char *p)
{
    if (p != NULL) {
        OPENSSL_cleanse(p, strlen(p));
        free(p);
    }
}

bool relay_input_is_token(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-._~+/=") == n;
}

int relay_input_unhex(char *p, size_t *n)
{
    static const char digits[] = "0123456789abcdef";
    size_t made = 0;
    int high = -1;
    for (size_t i = 0; i < *n; i++) {
        unsigned char c = (unsigned char)p[i];
        const char *digit = c != '\0' ? strchr(digits, tolower(c)) : NULL;
        if (digit == NULL) {
            if ((isspace(c) || c == ':') && high < 0) {
                continue;
            }
            *n = i;
            return RELAY_E_CONF;
        }
        int value = (int)(digit - digits);
        if (high < 0) {
            high = value;
        } else {
            p[made++] = (char)(high << 4 | value);
            high = -1;
        }
    }
    if (high >= 0) {
        return RELAY_E_CONF;
    }
    *n = made;
    return 0;
}

int relay_input_number(const char *text, uint64_t max, uint64_t *number)
{
    if (msrp_str_u64(msrp_str_of(text), number) != 0 || *number < 1 || *number > max) {
        return RELAY_E_CONF;
    }
    return 0;
}
