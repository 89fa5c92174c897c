/* cmd_selftest.c - mcrelay selftest: every vector by name, with its source and how it went. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dpp/keys/key.h"
#include "relay/cmd/cmd.h"
#include "relay/cmd/selftest.h"
#include "relay/err.h"
#include "relay/ops/file.h"

#define VECTORS_OCTETS 262144

static const char help[] =
    "usage: mcrelay selftest [--json] [--vectors FILE]\n"
    "       mcrelay selftest --bench [--json]\n"
    "\n"
    "Computes every test vector with the code of this machine and prints one line for each:\n"
    "  PASS   computed, and equal to the published value\n"
    "  FAIL   not equal, or the vector is missing\n"
    "  INPUT  a published value that others are computed from\n"
    "\n"
    "  --bench    instead: what key messages cost, as ratios against primitives of OpenSSL that\n"
    "             are timed in the same run (some 20 s); exit 1 when a ratio is not reached\n"
    "  --vectors  the RFC vectors, instead of the ones that came with the program\n"
    "  --json     an array for programs\n"
    "\n"
    "example: mcrelay selftest | grep -v PASS\n"
    "\n"
    "exit: 0 no FAIL, 1 some FAIL, 2 usage\n";

static const char *const words[] = {"PASS", "FAIL", "INPUT"};

void relay_selftest_report(struct relay_selftest *test, const char *name, const char *source,
                           enum relay_selftest_result result)
{
    size_t *const counts[] = {&test->passed, &test->failed, &test->inputs};
    bool is_first = test->passed + test->failed + test->inputs == 0;

    (*counts[result])++;
    if (!test->json) {
        printf("%-5s  %-44s  %s\n", words[result], name, source);
        return;
    }
    fputs(is_first ? "[{\"name\":" : ",\n {\"name\":", stdout);
    relay_cmd_json(stdout, name);
    fputs(",\"source\":", stdout);
    relay_cmd_json(stdout, source);
    printf(",\"result\":\"%s\"}", words[result]);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int relay_selftest_hex(const char *hex, size_t n, uint8_t *out, size_t cap)
{
    if (n % 2 != 0 || n / 2 > cap)
        return -1;
    for (size_t i = 0; i < n; i += 2) {
        int high = digit(hex[i]), low = digit(hex[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return (int)(n / 2);
}

/* The file given, or the one in the source tree, or the installed one. */
static const char *vectors_path(const char *given)
{
    if (given)
        return given;
    return access(MC_VECTORS "/rfc.json", R_OK) == 0 ? MC_VECTORS "/rfc.json"
                                                     : MC_INSTALLED_VECTORS "/rfc.json";
}

static void rfc(struct relay_selftest *test, const char *path)
{
    struct relay_json *json = NULL;
    char *text, why[512];
    size_t n;

    if (relay_file_read(path, VECTORS_OCTETS, false, &text, &n, why, sizeof why) != 0) {
        relay_selftest_report(test, "rfc.json", why, RELAY_SELFTEST_FAIL);
        return;
    }
    int rc = relay_json_parse(text, n, VECTORS_OCTETS, &json);
    if (rc != 0)
        relay_selftest_report(test, "rfc.json", relay_strerror(rc), RELAY_SELFTEST_FAIL);
    else
        relay_selftest_rfc(test, relay_json_root(json));
    relay_json_free(json);
    relay_file_free(text, n);
}

int relay_cmd_selftest(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", 0, NULL, 'j'}, {"bench", 0, NULL, 'b'}, {"vectors", 1, NULL, 'v'},
        {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0},
    };
    struct relay_selftest test = {0};
    const char *path = NULL;
    bool bench = false;
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'j':
            test.json = true;
            break;
        case 'b':
            bench = true;
            break;
        case 'v':
            path = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return RELAY_EXIT_OK;
        default:
            return relay_cmd_usage("selftest", "that is not understood");
        }
    }
    if (optind < argc)
        return relay_cmd_usage("selftest", "\"%s\" is one word too many", argv[optind]);
    int rc = dpp_keys_init(0);
    if (rc != 0 && rc != DPP_E_HEAP_UNLOCKED)
        return relay_cmd_fail("selftest", RELAY_EXIT_FAILED, "%s", relay_strerror(rc));
    if (bench) {
        bool good = relay_selftest_bench(test.json);
        if (test.json)
            puts("]");
        return good ? RELAY_EXIT_OK : RELAY_EXIT_FAILED;
    }
    relay_selftest_builtin(&test);
    rfc(&test, vectors_path(path));
    if (test.json)
        puts("]");
    else
        printf("%zu passed, %zu failed; %zu inputs\n", test.passed, test.failed, test.inputs);
    return test.failed == 0 ? RELAY_EXIT_OK : RELAY_EXIT_FAILED;
}
