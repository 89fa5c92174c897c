#include "relay/err.h"

static const struct relay_err_row all[] = {
#define X(name, value, text, label, status, rows) {value, #name, text, label, status, rows},
    MSRP_ERRORS(X) DPP_ERRORS(X) RELAY_ERRORS(X)
#undef X
};

static const struct relay_err_row unknown = {0, "UNKNOWN", "unknown error", "unknown", 400, ""};

const struct relay_err_row *relay_err_at(size_t i)
{
    return i < sizeof all / sizeof *all ? &all[i] : NULL;
}

const struct relay_err_row *relay_err_row(int err)
{
    const struct relay_err_row *row;

    for (size_t i = 0; (row = relay_err_at(i)); i++)
        if (row->err == err)
            return row;
    return &unknown;
}

const char *relay_strerror(int err)
{
    return relay_err_row(err)->text;
}
