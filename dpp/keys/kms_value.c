#include "dpp/keys/kms_value.h"

#include <stdio.h>
#include <string.h>

/* Two or four digits at *p, which moves behind them; -1 when there are none. */
static int digits(const char **p, int n)
{
    int v = 0;

    for (; n > 0; n--, ++*p) {
        if (**p < '0' || **p > '9')
            return -1;
        v = v * 10 + (**p - '0');
    }
    return v;
}

static bool take(const char **p, char ch)
{
    if (**p != ch)
        return false;
    ++*p;
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar: years that begin in March have their
 * odd day at their end. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && is_leap);
}

/* Seconds that the zone is ahead of UTC; false when there is something else. */
static bool zone_of(const char *p, int *ahead_s)
{
    int sign = *p == '-' ? -1 : 1;

    *ahead_s = 0;
    if (*p == '\0' || strcmp(p, "Z") == 0)
        return true;
    if (*p != '+' && *p != '-')
        return false;
    p++;
    int hours = digits(&p, 2);
    bool is_good = hours >= 0 && take(&p, ':');
    int minutes = is_good ? digits(&p, 2) : -1;
    if (minutes < 0 || hours > 14 || minutes > 59 || *p != '\0')
        return false;
    *ahead_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool dpp_kms_value_time(const char *text, int64_t *unix_s)
{
    static const char between[] = "--T::";
    int part[6], ahead_s; /* year, month, day, hour, minute, second */

    for (int i = 0; i < 6; i++) {
        part[i] = digits(&text, i == 0 ? 4 : 2);
        if (part[i] < 0 || (i < 5 && !take(&text, between[i])))
            return false;
    }
    if (take(&text, '.')) {
        if (digits(&text, 1) < 0)
            return false;
        text += strspn(text, "0123456789");
    }
    if (!zone_of(text, &ahead_s) || part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > month_days(part[0], part[1]) || part[3] > 23 || part[4] > 59 || part[5] > 59)
        return false;
    *unix_s = days_of(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5] -
              ahead_s;
    return *unix_s > 0; /* 0 says "no bound" where it is kept */
}

bool dpp_kms_value_number(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t v = 0;

    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (v > (max - digit) / 10 || digit > max)
            return false;
        v = v * 10 + digit;
    }
    *number = v;
    return true;
}

bool dpp_kms_value_bool(const char *text, bool *is)
{
    *is = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *is || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static int nibble(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch = (char)(ch | 0x20);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

bool dpp_kms_value_hex(const char *text, uint8_t *out, size_t out_n)
{
    if (strlen(text) != out_n * 2)
        return false;
    for (size_t i = 0; i < out_n; i++) {
        int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int sextet(char ch)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = ch ? strchr(alphabet, ch) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

bool dpp_kms_value_id(const char *text, uint8_t out[32])
{
    size_t n = strlen(text);
    uint32_t bits = 0;

    if (n == 64)
        return dpp_kms_value_hex(text, out, 32);
    if (n != 43 && (n != 44 || text[43] != '='))
        return false;
    for (size_t i = 0, at = 0, held = 0; i < 43; i++) {
        int v = sextet(text[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[at++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & 3) == 0; /* 43 characters are 258 bits */
}

void dpp_kms_value_put_time(struct dpp_out *o, int64_t unix_s)
{
    int64_t days = unix_s / 86400, second = unix_s % 86400;
    int year = 1970, month = 1;
    char text[32];

    year += (int)(days / 366); /* not too late; the rest is counted */
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    days -= days_of(year, 1, 1);
    for (; days >= month_days(year, month); month++)
        days -= month_days(year, month);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, (int)days + 1,
             (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    dpp_cur_put_str(o, text);
}

void dpp_kms_value_put_number(struct dpp_out *o, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    dpp_cur_put_str(o, text);
}

void dpp_kms_value_put_hex(struct dpp_out *o, const uint8_t *p, size_t n)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        dpp_cur_put(o, &digit[p[i] >> 4], 1);
        dpp_cur_put(o, &digit[p[i] & 15], 1);
    }
}
