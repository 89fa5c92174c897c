#include "relay/ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay/err.h"

enum { REASONS = 512, NOTES = REASONS, SLOTS };

struct relay_log {
    FILE *file;
    const char *path;
    bool json;
    enum relay_log_level level;
    int64_t second; /* the counts below are of this one */
    uint32_t written[SLOTS], dropped[SLOTS];
};

/* A line in the making: what does not fit is cut, never overrun. */
struct line {
    char *p;
    size_t n, cap;
    bool json, first;
};

static void put(struct line *line, const char *text, size_t n)
{
    for (size_t i = 0; i < n && line->n + 1 < line->cap; i++)
        line->p[line->n++] = text[i];
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* The text of a field: what is not plain ASCII, and what would end the field, becomes \u00XX. */
static void put_escaped(struct line *line, const char *text)
{
    char hex[8];

    for (size_t i = 0; text[i] && i < RELAY_LOG_FIELD; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            int n = snprintf(hex, sizeof hex, "\\u%04x", c);
            put(line, hex, (size_t)n);
        } else {
            put(line, text + i, 1);
        }
    }
}

static void put_key(struct line *line, const char *key)
{
    if (!line->first)
        put_text(line, line->json ? "," : " ");
    line->first = false;
    put_text(line, line->json ? "\"" : "");
    put_text(line, key);
    put_text(line, line->json ? "\":" : "=");
}

static void field(struct line *line, const char *key, const char *text)
{
    if (!text[0])
        return;
    put_key(line, key);
    put_text(line, "\"");
    put_escaped(line, text);
    put_text(line, "\"");
}

static void number(struct line *line, const char *key, uint64_t value)
{
    char text[24];

    if (!value)
        return;
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_key(line, key);
    put_text(line, text);
}

static void begin(struct line *line, enum relay_log_level level, int64_t now_ms)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    time_t second = (time_t)(now_ms / 1000);
    struct tm tm;
    char text[40], fraction[24];

    gmtime_r(&second, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(fraction, sizeof fraction, ".%03dZ", (int)(now_ms % 1000));
    line->first = true;
    if (line->json) {
        put_text(line, "{\"time\":\"");
        put_text(line, text);
        put_text(line, fraction);
        put_text(line, "\"");
        line->first = false;
        field(line, "level", names[level]);
    } else {
        put_text(line, text);
        put_text(line, fraction);
        put_text(line, " ");
        put_text(line, names[level]);
        line->first = false;
    }
}

static void end(struct line *line)
{
    if (line->json)
        put_text(line, "}");
    line->p[line->n] = '\0';
}

static const struct {
    enum relay_log_level level;
    const char *name, *text;
} rows[] = {
#define X(name, level, text) {RELAY_LOG_##level, #name, text},
    RELAY_EVENTS(X)
#undef X
};

size_t relay_log_print(char *out, size_t cap, bool json, const struct relay_event *event,
                       uint64_t suppressed, int64_t now_ms)
{
    /* one octet of the buffer is kept for the brace, so that a cut line is still JSON's end */
    struct line line = {.p = out, .cap = cap - 1, .json = json};
    char session[12] = "";

    begin(&line, rows[event->kind].level, now_ms);
    field(&line, "event", rows[event->kind].name);
    if (event->err) {
        const struct relay_err_row *row = relay_err_row(event->err);
        field(&line, "reason", row->label);
        field(&line, "text", row->text);
    } else {
        field(&line, "text", rows[event->kind].text);
    }
    number(&line, "answer", (uint64_t)(event->status > 0 ? event->status : 0));
    number(&line, "conn", event->conn);
    field(&line, "source", event->source);
    field(&line, "user", event->user);
    field(&line, "target", event->target);
    field(&line, "tid", event->tid);
    if (event->session)
        snprintf(session, sizeof session, "%08x", event->session);
    field(&line, "session", session);
    number(&line, "bytes", event->bytes);
    number(&line, "count", event->count);
    number(&line, "suppressed", suppressed);
    line.cap++;
    end(&line);
    return line.n;
}

struct relay_log *relay_log_new(const struct relay_settings *settings, char *why, size_t why_n)
{
    struct relay_log *log = calloc(1, sizeof *log);

    if (!log) {
        snprintf(why, why_n, "out of memory");
        return NULL;
    }
    log->path = settings->log_file;
    log->level = settings->log_level;
    log->file = log->path ? fopen(log->path, "ae") : stderr;
    if (!log->file) {
        snprintf(why, why_n, "%s: %s; log.file must be a file that we may write", log->path,
                 strerror(errno));
        free(log);
        return NULL;
    }
    log->json = settings->log_format == RELAY_LOG_JSON ||
                (settings->log_format == RELAY_LOG_AUTO && !isatty(fileno(log->file)));
    return log;
}

void relay_log_free(struct relay_log *log)
{
    if (log && log->path)
        fclose(log->file);
    free(log);
}

void relay_log_reopen(struct relay_log *log)
{
    FILE *file = log->path ? fopen(log->path, "ae") : NULL;

    if (!file)
        return;
    fclose(log->file);
    log->file = file;
}

/* One write per record, so that two programs may share a file. */
static void write_line(struct relay_log *log, char *text, size_t n)
{
    text[n] = '\n';
    fwrite(text, 1, n + 1, log->file);
    fflush(log->file);
}

/* Is this one more than a slot may write in a second? Then it is counted. */
static bool is_over(struct relay_log *log, unsigned slot, int64_t now_ms)
{
    if (now_ms / 1000 != log->second) {
        log->second = now_ms / 1000;
        memset(log->written, 0, sizeof log->written);
    }
    if (log->written[slot]++ < RELAY_LOG_BURST)
        return false;
    log->dropped[slot]++;
    return true;
}

void relay_log_event(struct relay_log *log, const struct relay_event *event, int64_t now_ms)
{
    char text[RELAY_LOG_LINE + 1];
    unsigned slot = (unsigned)(event->err ? -event->err : (int)event->kind) % REASONS;
    uint64_t suppressed;

    if (rows[event->kind].level > log->level)
        return;
    /* what is no refusal is not limited: the audit of who wrote to whom must have no holes */
    if (event->kind == RELAY_EVENT_REFUSED && is_over(log, slot, now_ms))
        return;
    suppressed = log->dropped[slot];
    log->dropped[slot] = 0;
    write_line(log, text,
               relay_log_print(text, RELAY_LOG_LINE, log->json, event, suppressed, now_ms));
}

void relay_log_note(struct relay_log *log, enum relay_log_level level, const char *what,
                    const char *text, int64_t now_ms)
{
    char out[RELAY_LOG_LINE + 1];
    struct line line = {.p = out, .cap = RELAY_LOG_LINE - 1, .json = log->json};

    if (level > log->level)
        return;
    /* anybody can make handshakes fail; an alarm is never dropped */
    if (level > RELAY_LOG_WARN && is_over(log, NOTES, now_ms))
        return;
    begin(&line, level, now_ms);
    field(&line, "event", what);
    field(&line, "text", text);
    if (level > RELAY_LOG_WARN) {
        number(&line, "suppressed", log->dropped[NOTES]);
        log->dropped[NOTES] = 0;
    }
    line.cap++;
    end(&line);
    write_line(log, out, line.n);
}
