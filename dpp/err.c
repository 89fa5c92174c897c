#include "dpp/err.h"

const char *dpp_strerror(int err)
{
    switch (err) {
#define X(name, value, text, label, status, rows)                                                  \
    case value:                                                                                    \
        return text;
        DPP_ERRORS(X)
#undef X
    default:
        return "unknown error";
    }
}

const char *dpp_errname(int err)
{
    switch (err) {
#define X(name, value, text, label, status, rows)                                                  \
    case value:                                                                                    \
        return #name;
        DPP_ERRORS(X)
#undef X
    default:
        return "UNKNOWN";
    }
}
