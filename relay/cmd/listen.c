/* listen.c - the listeners that the settings name. */
#include "relay/cmd/reload.h"

int daemon_listen(struct daemon *daemon, char *why, size_t why_n)
{
    const struct relay_settings *s = &daemon->files.settings;
    int err = 0;

    if (daemon->files.tls)
        relay_loop_tls(daemon->loop, daemon->files.tls);
    if (daemon->files.peer_tls)
        relay_loop_peer_tls(daemon->loop, daemon->files.peer_tls);
    for (size_t i = 0; i < s->listen.n && !err; i++)
        err = relay_loop_listen(daemon->loop, &s->listen.v[i].sa.any, RELAY_LISTEN_TLS, false, why,
                                why_n);
    for (size_t i = 0; i < s->plain.n && !err; i++)
        err = relay_loop_listen(daemon->loop, &s->plain.v[i].sa.any, RELAY_LISTEN_PLAIN,
                                !s->allow_plaintext, why, why_n);
    for (size_t i = 0; i < s->metrics.n && !err; i++)
        err = relay_loop_listen(daemon->loop, &s->metrics.v[i].sa.any, RELAY_LISTEN_HTTP, true, why,
                                why_n);
    return err;
}
