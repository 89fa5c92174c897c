#include "dpp/keys/role.h"

#include <string.h>

#include "dpp/err.h"

static const struct row {
    const char *name;
    unsigned uses;
} rows[] = {
#define X(name, tag, text, uses) [tag] = {text, uses},
    DPP_ROLES(X)
#undef X
};

#define ROWS ((int)(sizeof rows / sizeof rows[0]))

int dpp_role_of_id(uint32_t id)
{
    int tag = (int)(id >> 28);

    return tag < ROWS ? tag : DPP_E_ROLE;
}

uint32_t dpp_role_make_id(enum dpp_role role, uint32_t random)
{
    return (uint32_t)role << 28 | (random & 0x0fffffffu);
}

bool dpp_role_may(enum dpp_role role, enum dpp_use use)
{
    return (int)role >= 0 && (int)role < ROWS && (rows[role].uses & (unsigned)use) != 0;
}

bool dpp_role_is_for_relay(enum dpp_role role)
{
    return dpp_role_may(role, DPP_USE_RELAY);
}

const char *dpp_role_name(int role)
{
    return role >= 0 && role < ROWS ? rows[role].name : "unknown";
}

int dpp_role_parse(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    return DPP_E_ROLE;
}
