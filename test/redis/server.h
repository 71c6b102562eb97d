/* A redis-server of the test's own, and a second client that looks at what is there. */
#ifndef SERVER_H
#define SERVER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    char directory[64];
    char path[96]; /* of its unix socket */
    int port;      /* 0: none */
    pid_t pid;     /* 0: it does not run */
    redisContext *client;
    const char *preload;     /* a library to start it with, or NULL */
    volatile int64_t *shift; /* of its wall clock, seconds; see server_bend_clock */
    const char *extra[8];    /* more of its options, to the first NULL */
};

int server_free_port(void);

/* Starts it and waits until it answers; with_port: on a free port of 127.0.0.1 too. */
void server_start(struct server *server, bool with_port);
/* Again, empty, in the same places; without waiting, if it is to be found out by others. */
void server_restart(struct server *server);
void server_launch(struct server *server);
/* With these options besides. */
void server_again(struct server *server, const char *const *extra);
#define SERVER_AGAIN(server, ...) server_again((server), (const char *const[]){__VA_ARGS__, NULL})
/* With a wall clock that *server->shift moves; false: the library for it is not at hand. Until
 * server_straighten_clock, which starts it again, empty. */
bool server_bend_clock(struct server *server);
void server_straighten_clock(struct server *server);
void server_kill(struct server *server);
void server_signal(struct server *server, int signal); /* SIGSTOP, SIGCONT */
/* Ends it and removes its directory. */
void server_end(struct server *server);

/* A command of the second client, as printf; the reply must be freed. An error reply fails the
 * test, but for server_try, which answers NULL when the connection is lost. */
redisReply *server_ask(struct server *server, const char *format, ...);
redisReply *server_try(struct server *server, const char *format, ...);
void server_do(struct server *server, const char *format, ...);
long long server_number(struct server *server, const char *format, ...);
/* The count of a command in its statistics. */
long long server_calls(struct server *server, const char *command);
/* Fails the test where a key that matches the pattern would stay for ever. */
void server_assert_no_key_stays(struct server *server, const char *pattern);
#define SERVER_CIRCUITS "*{*" /* the keys of native circuits, whatever prefix is before them */

#endif /* SERVER_H */
