/* One connection to Redis that comes back by itself. */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include "redis_address.h"
#include "redis_backoff.h"
#include "redis_error.h"
#include "redis_settings.h"
#include "redis_wire.h"
#include <sys/types.h>
#include <uv.h>

#define REDIS_TEXT_MAX 160u /* of a trouble in words */

struct redis_link;

/* All run from the loop, never inside a function below but for next and down, which may run inside
 * redis_link_start, _flush, _read and _drop. They may call any of these functions. */
struct redis_link_events {
    void (*up)(struct redis_link *link); /* the server has greeted us: commands may be written */
    void (*reply)(struct redis_link *link, const struct redis_reply *reply);
    void (*room)(struct redis_link *link); /* all that was written is sent, after a wait */
    void (*due)(struct redis_link *link);  /* the moment given to redis_link_expect has come, and
                                              what had arrived by then was read */
    void (*late)(struct redis_link *link); /* the loop stood still: expect anew */
    void (*next)(struct redis_link *link); /* it was of no use, and another address is tried */
    /* True: it was well and idle, and its end is no failure. */
    bool (*down)(struct redis_link *link, struct redis_trouble trouble, const char *text);
    void (*closed)(struct redis_link *link);
};

enum redis_link_state {
    REDIS_LINK_OFF = 0,
    REDIS_LINK_WAITING, /* before the next attempt */
    REDIS_LINK_FINDING, /* addresses */
    REDIS_LINK_CONNECTING,
    REDIS_LINK_GREETING,
    REDIS_LINK_UP,
    REDIS_LINK_CLOSING /* the socket */
};

struct redis_link {
    const struct redis_settings *settings;
    const struct redis_link_events *events;
    void *data;              /* the owner's */
    struct redis_buffer out; /* the owner writes commands here, while the link is up */
    enum redis_link_state state;

    /* The link's own. */
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    redisContext *context;
    struct redis_reply reply;
    struct redis_addresses addresses;
    struct redis_backoff backoff;
    uint64_t deadline; /* of the state; 0: none */
    uint64_t due;      /* the owner's; 0: none */
    uint64_t armed;    /* when the timer fires; 0: it does not */
    uint64_t pause;    /* before the next attempt */
    int greeted;       /* replies to the greeting that came, */
    int greeting;      /* and that are due */
    unsigned errors;   /* of the poll handle, with nothing behind them */
    unsigned handles;  /* closing, and look-ups that end */
    int mask;
    pid_t pid; /* who connected: a child of it must not use the socket */
    bool wanted;
    bool next_address; /* when the socket is closed, instead of a pause */
    bool poll_closing; /* by us */
    bool blocked;
    bool closing;
    bool was_late;
    bool robbed; /* the host closed handles of ours */
};

/* Milliseconds of the loop's clock, but of this very moment. */
uint64_t redis_link_clock(void);

void redis_link_init(struct redis_link *link, uv_loop_t *loop,
                     const struct redis_settings *settings, const struct redis_link_events *events,
                     void *data);

/* Connects and stays connected, until told to stop. */
void redis_link_start(struct redis_link *link);
void redis_link_stop(struct redis_link *link);
/* Somebody waits: ends the pause. */
void redis_link_hurry(struct redis_link *link);

/* Sends what is in out. */
void redis_link_flush(struct redis_link *link);

/* Looks for replies now. */
void redis_link_read(struct redis_link *link);

/* When to call due, by redis_link_clock; 0: never. */
void redis_link_expect(struct redis_link *link, uint64_t due);

/* This connection has shown that it is of use. */
void redis_link_praise(struct redis_link *link);

/* Gives this connection up; the next comes after a pause. */
void redis_link_drop(struct redis_link *link, struct redis_trouble trouble, const char *text);

/* Whether the host has closed our handles behind our back (uv_walk). */
bool redis_link_is_robbed(const struct redis_link *link);

/* Closes the handles. True: closed will be called; false: there was none to close. Then, when a
 * robbed loop has ended its closing too, redis_link_free. */
bool redis_link_close(struct redis_link *link);
void redis_link_free(struct redis_link *link);

/* ---- Among redis_link.c, redis_dial.c and redis_traffic.c. */

/* The state may last so many ms; 0: for ever. */
void redis_link_allow(struct redis_link *link, uint64_t ms);
/* From the first address, looked up anew; from the next one. */
void redis_link_begin(struct redis_link *link);
void redis_link_try_next(struct redis_link *link);
/* The poll handle says that it may be connected; it is greeted; watch for what is needed now. */
void redis_link_connected(struct redis_link *link);
void redis_link_be_up(struct redis_link *link);
void redis_link_watch(struct redis_link *link);
/* In a child of the process that connected, the socket is still the parent's: true, and it is
 * dropped. */
bool redis_link_is_inherited(struct redis_link *link);
/* Reads on in the next turn: there is more, which the poll handle does not see. */
void redis_link_read_on(struct redis_link *link);
/* Drops it with this status. */
void redis_link_fail(struct redis_link *link, int status);
/* One of those that closing waits for is over. */
void redis_link_handle_closed(struct redis_link *link);

#endif /* REDIS_LINK_H */
