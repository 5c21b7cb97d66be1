/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/file/clamd.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_S = 15, PIECE = 1 << 16 };

struct sock {
    int fd;
};

static void sock_drop(struct sock *s)
{
    if (s->fd >= 0)
        close(s->fd);
}

static int try_connect(int family, const struct sockaddr *to, socklen_t n)
{
    struct timeval t = {.tv_sec = TIMEOUT_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) != 0 || connect(fd, to, n) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(to.sun_path))
        return -1;
    memcpy(to.sun_path, path, strlen(path) + 1);
    return try_connect(AF_UNIX, (const struct sockaddr *)&to, sizeof(to));
}

static int connect_tcp(const char *host_port)
{
    struct addrinfo hint = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    const char *colon = strrchr(host_port, ':');
    char host[256];
    int fd = -1;

    if (!colon || (size_t)(colon - host_port) >= sizeof(host))
        return -1;
    memcpy(host, host_port, (size_t)(colon - host_port));
    host[colon - host_port] = '\0';
    if (getaddrinfo(host, colon + 1, &hint, &list) != 0)
        return -1;
    for (const struct addrinfo *i = list; i && fd < 0; i = i->ai_next)
        fd = try_connect(i->ai_family, i->ai_addr, i->ai_addrlen);
    freeaddrinfo(list);
    return fd;
}

static bool send_all(int fd, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

static bool send_pieces(int fd, struct kh_str bytes)
{
    static const char end[4] = {0};

    for (size_t at = 0; at < bytes.n; at += PIECE) {
        size_t n = bytes.n - at < PIECE ? bytes.n - at : PIECE;
        char head[4] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};

        if (!send_all(fd, head, 4) || !send_all(fd, bytes.p + at, n))
            return false;
    }
    return send_all(fd, end, 4);
}

bool kh_clamd_scan(const char *where, struct kh_str bytes, struct kh_error *err)
{
    __attribute__((cleanup(sock_drop))) struct sock s = {-1};
    char answer[512];
    size_t n = 0;
    struct kh_str a;

    if (strncmp(where, "unix:", 5) == 0)
        s.fd = connect_unix(where + 5);
    else if (strncmp(where, "tcp:", 4) == 0)
        s.fd = connect_tcp(where + 4);
    if (s.fd < 0)
        return kh_fail(err, KH_EC_OUTBOUND_FAILED, "the virus check cannot be reached");
    /* When clamd has seen enough it answers and closes, so the answer counts even if sending
     * failed. */
    if (send_all(s.fd, "zINSTREAM", 10) && !send_pieces(s.fd, bytes))
        shutdown(s.fd, SHUT_WR);
    while (n < sizeof(answer)) {
        ssize_t got = recv(s.fd, answer + n, sizeof(answer) - n, 0);

        if (got <= 0)
            break;
        n += (size_t)got;
        if (memchr(answer, '\0', n))
            break;
    }
    a = kh_str(answer, strnlen(answer, n));
    if (kh_str_is(a, "stream: OK"))
        return true;
    if (a.n > 6 && memcmp(a.p + a.n - 6, " FOUND", 6) == 0)
        return kh_fail(err, KH_EC_FILE_INFECTED, "%.*s", KH_FMT(a));
    return kh_fail(err, KH_EC_OUTBOUND_FAILED, "the virus check answered %.*s", KH_FMT(a));
}
