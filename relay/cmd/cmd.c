#include "relay/cmd/cmd.h"

#include <stdarg.h>
#include <string.h>

#include "relay/cmd/progress.h"
#include "relay/cmd/quote.h"

static void complain(const char *name, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void complain(const char *name, const char *format, va_list args)
{
    relay_progress_break();
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
    relay_quote_json(f, text, strlen(text));
}

bool relay_cmd_has_path(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--path", 6) == 0 && (argv[i][6] == '\0' || argv[i][6] == '=')) {
            return true;
        }
    }
    return false;
}
