/* A server that begins like Redis and then does something else. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <pthread.h>
#include <stdatomic.h>

enum hostile_mode {
    HOSTILE_NOT,         /* answers every script as if it had no verbs */
    HOSTILE_UNSOLICITED, /* a reply that nobody asked for */
    HOSTILE_EXTRA,       /* one reply too many */
    HOSTILE_MAXCLIENTS,  /* an error, and reset with our bytes unread */
    HOSTILE_RST,
    HOSTILE_CLOSE,
    HOSTILE_GARBAGE, /* HTTP */
    HOSTILE_HALF_REPLY,
    HOSTILE_DRIBBLE,      /* a good reply, byte by byte, too slowly */
    HOSTILE_HUGE_ARRAY,   /* 4294967295 elements */
    HOSTILE_NESTED_ARRAY, /* a small array that holds a huge one */
    HOSTILE_HUGE_STRING,  /* 300 MB, and sends them */
    HOSTILE_LONG_STRING,  /* two MiB, well formed */
    HOSTILE_PUSH,         /* of RESP3 */
    HOSTILE_MAP,
    HOSTILE_DOUBLE,
    HOSTILE_DEEP,
    HOSTILE_HANG,
    HOSTILE_WRONG_TYPE,  /* a number instead of an array */
    HOSTILE_WRONG_SHAPE, /* an array of the wrong things */
    HOSTILE_WRONG_COUNT, /* an answer to some other question */
    HOSTILE_NO_SCRIPT,   /* for ever */
    HOSTILE_ERROR,       /* one that no Redis knows */
    HOSTILE_FLOOD,       /* good replies without end */
    HOSTILE_MODES
};

struct hostile {
    int port;
    int listener;
    pthread_t thread;
    atomic_int mode;
    atomic_int polite; /* commands of each connection that are answered well first; -1: the mode
                               begins before the first one */
    const char
        *_Atomic bell; /* said after each SUBSCRIBE was confirmed; NULL: it is not even confirmed */
    const char *_Atomic name_answer; /* to CLIENT SETNAME; NULL: OK */
    atomic_int connections;          /* that were made */
    atomic_int running;              /* threads */
    atomic_int ending;
};

const char *hostile_name(enum hostile_mode mode);
void hostile_start(struct hostile *hostile);
void hostile_end(struct hostile *hostile);

#endif /* HOSTILE_H */
