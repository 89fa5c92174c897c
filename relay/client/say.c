#include "relay/client/say.h"

#include <stdarg.h>
#include <stdio.h>

void relay_say(char *out, size_t cap, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, cap, format, arguments);
    va_end(arguments);
    for (; *out != '\0'; out++) {
        if (*out < ' ' || *out > '~') {
            *out = '?';
        }
    }
}

/* The quoted text of a Warning value: `399 agent "116 text"`. */
static struct msrp_str quoted(struct msrp_str value)
{
    struct msrp_str text;
    if (!msrp_str_cut(value, '"', NULL, &text)) {
        return MSRP_STR("");
    }
    msrp_str_cut(text, '"', &text, NULL);
    return text;
}

static int warning_of(const struct msrp_head *head, struct msrp_str *text)
{
    struct msrp_str value, code;
    uint64_t number;
    if (!msrp_head_find(head, "Warning", &value)) {
        return 0;
    }
    value = quoted(value);
    msrp_str_cut(value, ' ', &code, NULL);
    if (msrp_str_u64(code, &number) != 0 || number < 100 || number > 999) {
        return 0;
    }
    *text = value;
    return (int)number;
}

int relay_say_refusal(char *out, size_t cap, const struct msrp_head *head, unsigned status)
{
    struct msrp_str text = head->is_response ? head->comment : head->status.text;
    int warning = warning_of(head, &text);
    if (text.n == 0) {
        text = msrp_str_of(msrp_code_text((int)status));
    }
    if (text.n == 0) {
        text = MSRP_STR("refused");
    }
    relay_say(out, cap, "%.*s", (int)text.n, text.p);
    return warning;
}

void relay_say_auth(char *out, size_t cap, const struct msrp_head *head)
{
    struct msrp_str text = MSRP_STR("");
    switch (head->code) {
    case 401: {
        struct msrp_str mark = MSRP_STR("error=");
        size_t at = msrp_str_find(head->www_authenticate, mark);
        if (at != SIZE_MAX) {
            text = quoted(
                (struct msrp_str){head->www_authenticate.p + at, head->www_authenticate.n - at});
        }
        relay_say(out, cap, "the relay does not accept the token%s%.*s", text.n > 0 ? ": " : "",
                  (int)text.n, text.n > 0 ? text.p : "");
        return;
    }
    case 403:
        (void)warning_of(head, &text);
        relay_say(out, cap, "the token is good, but the relay does not let this user in%s%.*s",
                  text.n > 0 ? ": " : "", (int)text.n, text.n > 0 ? text.p : "");
        return;
    case 423:
        if (head->min_expires.has) {
            relay_say(out, cap, "the relay gives no session shorter than %.*s s",
                      (int)head->min_expires.text.n, head->min_expires.text.p);
        } else {
            relay_say(out, cap, "the relay gives no session longer than %.*s s",
                      (int)head->max_expires.text.n,
                      head->max_expires.has ? head->max_expires.text.p : "");
        }
        return;
    default:
        (void)relay_say_refusal(out, cap, head, head->code);
        return;
    }
}
