/* vector.h - other people's values for our tests: hexadecimal text, and the interop file.
 *
 * The interop values are not ours to keep: they are read from ../shared/vectors/interop.json beside
 * the source tree, and a test that needs them skips where the file is absent. */
#ifndef TESTS_DPP_VECTOR_H
#define TESTS_DPP_VECTOR_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decodes hex text into out; returns the octets. Dies on bad text: vectors are trusted. */
static inline size_t vector_hex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = strlen(hex) / 2;

    if (strlen(hex) % 2 || n > cap)
        abort();
    for (size_t i = 0; i < n; i++) {
        unsigned v;
        if (sscanf(hex + 2 * i, "%2x", &v) != 1)
            abort();
        out[i] = (uint8_t)v;
    }
    return n;
}

/* A member that holds hex text. */
static inline size_t vector_octets(const cJSON *object, const char *name, uint8_t *out, size_t cap)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsString(member))
        abort();
    return vector_hex(member->valuestring, out, cap);
}

static inline const char *vector_text(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsString(member))
        abort();
    return member->valuestring;
}

/* A key ID in hex text. */
static inline uint32_t vector_id(const cJSON *object, const char *name)
{
    return (uint32_t)strtoul(vector_text(object, name), NULL, 16);
}

static inline uint64_t vector_number(const cJSON *object, const char *name)
{
    return (uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* A JSON file below the source tree, or NULL when it is absent. Free with cJSON_Delete. */
static inline cJSON *vector_file(const char *path)
{
    char full[4096];
    snprintf(full, sizeof full, "%s/%s", MC_SOURCE_DIR, path);
    FILE *f = fopen(full, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    cJSON *json = cJSON_ParseWithLength(text, n);
    free(text);
    if (!json)
        abort();
    return json;
}

static inline cJSON *vector_interop(void)
{
    return vector_file("../shared/vectors/interop.json");
}

#endif
