/* reference.c - every setting, printed from the rows that load it. */
#include <string.h>

#include "relay/ops/schema.h"

static const char *type_name(const struct relay_schema_row *row)
{
    switch (row->type) {
    case RELAY_SCHEMA_BOOL:
        return "true or false";
    case RELAY_SCHEMA_SECONDS:
    case RELAY_SCHEMA_MILLIS:
        return "a time";
    case RELAY_SCHEMA_OCTETS:
    case RELAY_SCHEMA_OCTETS_64:
    case RELAY_SCHEMA_OCTETS_SIZE:
        return "a size";
    case RELAY_SCHEMA_COUNT:
    case RELAY_SCHEMA_COUNT_SIZE:
    case RELAY_SCHEMA_PORT:
        return "a number";
    case RELAY_SCHEMA_CHOICE:
    case RELAY_SCHEMA_CHOICE_BOOL:
        return row->words;
    default:
        return NULL;
    }
}

/* The element of a list of maps; `lead` begins each of its lines. */
static void print_element(FILE *out, const struct relay_schema_list *list, const char *lead)
{
    const char *dash = "- ";

    for (size_t i = 0; i < list->n; i++) {
        const struct relay_schema_row *row = &list->rows[i];
        bool is_off = !relay_schema_is_required(row) && lead[0] != '#';

        fprintf(out, "%s%s%s%s: %s # %s\n", lead, dash, is_off ? "# " : "", row->key,
                row->standard ? row->standard : row->sample, row->help);
        dash = "  ";
    }
}

static void print_row(FILE *out, const struct relay_schema_row *row)
{
    const char *dot = strchr(row->key, '.'), *indent = dot ? "  " : "";
    const char *key = dot ? dot + 1 : row->key, *type = type_name(row);
    const struct relay_schema_list *list = relay_schema_list(row->type);

    fprintf(out, "%s# %s%s%s%s\n", indent, row->help, type ? " (" : "", type ? type : "",
            type ? ")" : "");
    if (list) {
        bool is_on = relay_schema_is_required(row);

        fprintf(out, "%s%s%s:\n", indent, is_on ? "" : "# ", key);
        print_element(out, list, is_on ? dot ? "    " : "  " : "#   ");
    } else if (row->standard)
        fprintf(out, "%s# %s: %s\n", indent, key, row->standard);
    else
        fprintf(out, "%s%s%s: %s\n", indent,
                relay_schema_is_required(row) || strcmp(row->key, "listen") == 0 ||
                        strcmp(row->key, "certificate") == 0 || strcmp(row->key, "key") == 0 ||
                        strcmp(row->key, "iops.domains") == 0
                    ? ""
                    : "# ",
                key, row->sample ? row->sample : "2855");
}

void relay_conf_reference(FILE *out)
{
    const struct relay_schema_row *row;
    char section[32] = "";

    fputs("# Every setting of mcrelayd. What begins with `# key:` shows the default, or an\n"
          "# example where there is none.\n",
          out);
    for (size_t i = 0; (row = relay_schema_at(i)); i++) {
        size_t n = strcspn(row->key, ".");

        if (row->key[n] == '.' && (strlen(section) != n || strncmp(section, row->key, n) != 0)) {
            snprintf(section, sizeof section, "%.*s", (int)n, row->key);
            fprintf(out, "\n%s:\n", section);
        } else if (row->key[n] != '.') {
            fputc('\n', out);
        }
        print_row(out, row);
    }
}
