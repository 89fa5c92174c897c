#include "relay/cmd/cmd.h"

#include <stdarg.h>

static void complain(const char *name, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void complain(const char *name, const char *format, va_list args)
{
    fprintf(stderr, "mcrelay %s: ", name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int relay_cmd_usage(const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(name, format, args);
    va_end(args);
    fprintf(stderr, "See: mcrelay %s --help\n", name);
    return RELAY_EXIT_USAGE;
}

int relay_cmd_fail(const char *name, enum relay_exit code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complain(name, format, args);
    va_end(args);
    return (int)code;
}

void relay_cmd_json(FILE *f, const char *text)
{
    fputc('"', f);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(f, "\\%c", *c);
        else if (*c < 0x20 || *c > 0x7e)
            fprintf(f, "\\u%04x", *c);
        else
            fputc(*c, f);
    }
    fputc('"', f);
}
