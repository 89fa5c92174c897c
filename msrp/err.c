/* err.c - see err.h. */
#include "msrp/err.h"

#include <stddef.h>

struct row {
    int err;
    int status;
    const char *text;
};

static const struct row rows[] = {
#define X(name, value, text, label, status, rows) {value, status, text},
    MSRP_ERRORS(X)
#undef X
};

static const struct row *row_of(int err)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].err == err) {
            return &rows[i];
        }
    }
    return NULL;
}

bool msrp_err_is_fatal(int err)
{
    return err <= -5001 && err >= -5099;
}

int msrp_err_status(int err)
{
    const struct row *row = row_of(err);

    return row ? row->status : 400;
}

const char *msrp_strerror(int err)
{
    const struct row *row = row_of(err);

    return row ? row->text : "unknown error";
}
