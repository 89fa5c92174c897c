/* copy_proxy.c - what a middle box costs that does nothing: the yardstick of relay-cost.
 *
 *   copy_proxy PORT TARGET SECONDS
 *
 * Listens on 127.0.0.1:PORT (0: any; the port is printed), connects to 127.0.0.1:TARGET for each
 * connection, and copies octets both ways: one read and one write per readiness. No protocol, no
 * timers. Ends after SECONDS, or on SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/tcp.h>

enum { BUFFER = 64 * 1024, EVENTS = 256 };

/* One of the two sockets of a connection. */
struct side {
    int fd;
    bool gone;
    struct side *other;
    char *held; /* octets that the socket did not take; the other side is not read meanwhile */
    size_t held_n, held_at;
    struct side *next_dead;
};

static char buffer[BUFFER];
static int ready;
static struct side *dead; /* freed when the batch of events is over */

static void finish(int signal)
{
    (void)signal;
    _exit(0);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* What to wait for: input, unless the other side is full; room, while octets are held. */
static void want(struct side *side)
{
    struct epoll_event event = {.data.ptr = side};

    event.events = (side->other->held ? 0u : (unsigned)EPOLLIN) | (side->held ? EPOLLOUT : 0u);
    epoll_ctl(ready, EPOLL_CTL_MOD, side->fd, &event);
}

static void end(struct side *side)
{
    for (int i = 0; i < 2; i++, side = side->other) {
        if (side->gone)
            continue;
        side->gone = true;
        close(side->fd);
        free(side->held);
        side->next_dead = dead;
        dead = side;
    }
}

static void copy(struct side *from)
{
    struct side *to = from->other;
    ssize_t n = read(from->fd, buffer, BUFFER), done;

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            end(from);
        return;
    }
    done = write(to->fd, buffer, (size_t)n);
    if (done < 0 && errno != EAGAIN) {
        end(from);
        return;
    }
    if (done == n)
        return;
    done = done < 0 ? 0 : done;
    to->held_n = (size_t)(n - done);
    to->held_at = 0;
    to->held = malloc(to->held_n);
    if (!to->held)
        die("copy_proxy");
    memcpy(to->held, buffer + done, to->held_n);
    want(from);
    want(to);
}

static void push(struct side *to)
{
    ssize_t n = write(to->fd, to->held + to->held_at, to->held_n - to->held_at);

    if (n < 0) {
        if (errno != EAGAIN)
            end(to);
        return;
    }
    to->held_at += (size_t)n;
    if (to->held_at < to->held_n)
        return;
    free(to->held);
    to->held = NULL;
    want(to);
    want(to->other);
}

static void join(int fd, unsigned target)
{
    struct sockaddr_in address = loopback(target);
    struct side *pair[2] = {calloc(1, sizeof *pair[0]), calloc(1, sizeof *pair[0])};
    int fds[2] = {fd, socket(AF_INET, SOCK_STREAM, 0)}, one = 1;

    if (!pair[0] || !pair[1] || fds[1] < 0 ||
        connect(fds[1], (struct sockaddr *)&address, sizeof address) < 0)
        die("copy_proxy: connect");
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = pair[i]};

        pair[i]->fd = fds[i];
        pair[i]->other = pair[!i];
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0 ||
            epoll_ctl(ready, EPOLL_CTL_ADD, fds[i], &event) < 0)
            die("copy_proxy: epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], listening = {.events = EPOLLIN};
    unsigned port = argc == 4 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    unsigned target = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    struct sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    int one = 1, door;

    if (argc != 4 || target == 0) {
        fprintf(stderr, "usage: copy_proxy PORT TARGET SECONDS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, finish);
    signal(SIGALRM, finish);
    alarm((unsigned)strtoul(argv[3], NULL, 10));
    door = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ready = epoll_create1(0);
    if (door < 0 || ready < 0 || bind(door, (struct sockaddr *)&address, size) < 0 ||
        listen(door, 1024) < 0 || epoll_ctl(ready, EPOLL_CTL_ADD, door, &listening) < 0 ||
        getsockname(door, (struct sockaddr *)&address, &size) < 0)
        die("copy_proxy: listen");
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(ready, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct side *side = events[i].data.ptr;
            if (!side)
                join(accept(door, NULL, NULL), target);
            else if (!side->gone && (events[i].events & EPOLLOUT) && side->held)
                push(side);
            else if (!side->gone && !side->other->held)
                copy(side);
            else if (!side->gone && (events[i].events & (EPOLLERR | EPOLLHUP)))
                end(side);
        }
        while (dead) {
            struct side *next = dead->next_dead;
            free(dead);
            dead = next;
        }
    }
}
