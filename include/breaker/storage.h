/* What a storage is: for those who write one, and for those who make the one in memory.
 *
 * A storage keeps a few small values under keys, so that several panels, in several loops, threads,
 * processes or languages, can share a circuit. It offers one thing: a small transaction of verbs on
 * the keys of one circuit, with one completion. Everything else (deadlines, queues, what is decided)
 * is the library's.
 *
 * A storage may be slow, may lose data, may go away: the library is made for that. What it must not do
 * is complete a transaction twice, touch one after it was completed or cancelled, or wait for ever
 * inside a function of its own. Nor do its libuv handles keep a loop alive (but for a close under way):
 * the library does, while somebody waits for an answer.
 *
 * test/storage/conformance.h has a suite that any storage can be run through; a storage is what passes
 * it. examples/directory_storage.c is one in a few pages.
 */
#ifndef BREAKER_STORAGE_H
#define BREAKER_STORAGE_H

/* clang-format off */ /* laid out by hand */

#include <breaker.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BREAKER_KEY_MAX 512u   /* bytes of a key, the storage's own prefix not included */
#define BREAKER_VALUE_MAX 256u /* bytes of a value */
#define BREAKER_VERBS_MAX 8u   /* verbs of a transaction */

/* The guard of a transaction did not hold, and nothing of it was done. */
#define BREAKER_EGUARD (-20004)

typedef struct breaker_storage_s breaker_storage_t;
typedef struct breaker_client_s breaker_client_t;
typedef struct breaker_transaction_s breaker_transaction_t;

/* ---- Verbs -------------------------------------------------------------------------------------
 * Keys and values are bytes, zeros included. A key may have a time to live: it is there while
 * now <= its end (by the storage's clock), and gone after. ttl 0: none, and one that the key had is
 * taken away by SET; the other verbs then leave it as it is. Numbers are kept as decimal text ("-12":
 * no plus, no blanks, no leading zeros), so that GET reads what INCR wrote and INCR goes on from what
 * SET wrote. A key holds a value or a log: GET, INCR or a guard on a log, and LOG on a value, are
 * UV_EINVAL; SET replaces either, ADD finds either, DELETE takes either. */
typedef enum {
    BREAKER_GET = 1,    /* found, and value[0 .. length) */
    BREAKER_SET = 2,    /* key = value, with ttl */
    BREAKER_ADD = 3,    /* the same, only if the key is absent: number = 1, or 0 if it was there */
    BREAKER_INCR = 4,   /* number = (value of the key, or 0) + number; where the result equals the
                           increment, the key gets the ttl ("if it is 1, expire"); otherwise it keeps
                           what it has. A value that is no number, or a sum that is no int64_t, is an
                           error: UV_EINVAL */
    BREAKER_DELETE = 5, /* number = 1 if it was there, else 0 */
    BREAKER_LOG = 6,    /* a sliding log: forget entries with score <= cut, then add one with score
                           (equal ones are kept apart), number = how many it has now; the key gets
                           ttl, if any. Scores are ms. Optional: UV_ENOTSUP without
                           BREAKER_STORAGE_LOGS */
    BREAKER_TELL = 7,   /* ring the bell, if the transaction is done: value to every client of the
                           storage that listens to key, as a hint, which may be lost, doubled or late.
                           Optional: without BREAKER_STORAGE_BELL accepted, and does nothing */
    BREAKER_MEMBER = 8, /* a register, for those who look for what circuits there are: add value to the
                           set at key; the key, or this member, gets ttl, if any. It answers nothing,
                           and where it cannot be done (the key is something else) all else still is.
                           Optional: without BREAKER_STORAGE_REGISTER or _MEMBERS accepted, and does
                           nothing */
    BREAKER_FIELD = 9,  /* the same: a field of the record at key. value is its name, which is not
                           empty, a zero byte, and the text to store. Optional: see _REGISTER */
    BREAKER_MEMBERS = 10 /* a page of such a set: number is 0 for the first, and then what the page
                           before gave, which is 0 after the last. value[0 .. length) are members, a
                           zero byte behind each (so it is for members without one); none, where there
                           is no such key. Who is a member all the while comes at least once. length:
                           in: capacity, 1 or more; UV_EMSGSIZE: too little for a page, which 32 KB
                           never are. Optional: UV_ENOTSUP without BREAKER_STORAGE_MEMBERS */
} breaker_verb_kind_t;

typedef struct breaker_verb_s {
    breaker_verb_kind_t kind;
    uint16_t key_length; /* 1 .. 512 */
    uint16_t length;     /* of value: 0 .. 256. GET: its capacity at submit, of any size; the length
                            found at completion, 0 without one (a longer value is UV_EMSGSIZE) */
    uint8_t found;       /* GET: out */
    const char *key;
    char *value;    /* GET, MEMBERS: out; the others: in, not written to. May be NULL if length is 0 */
    int64_t number; /* INCR, MEMBERS: in and out; ADD, DELETE, LOG: out */
    uint64_t ttl;   /* SET, ADD, INCR, LOG, MEMBER, FIELD; ms, 0: none */
    int64_t score, cut; /* LOG; ms */
} breaker_verb_t;

/* ---- Transactions ------------------------------------------------------------------------------
 * All of it in order, as one step that nobody sees half of. Each verb sees what those before it did; the
 * guard is looked at first. What is outside the limits (lengths, count, an unknown kind) is UV_EINVAL,
 * found before anything is done. */
typedef enum {
    BREAKER_GUARD_NONE = 0,
    BREAKER_GUARD_EQUALS = 1, /* only if guard_key holds these bytes */
    BREAKER_GUARD_ABSENT = 2  /* only if guard_key is absent */
} breaker_guard_t;

/* Runs exactly once, unless the transaction was cancelled; from submit itself or from the client's
 * loop, never from another thread. After it the storage knows the transaction no more. It may submit,
 * flush, listen and cancel (others), but not close; bell and health likewise.
 *   0              all verbs were done, and their results are filled in
 *   BREAKER_EGUARD nothing was done; standing is filled in
 *   other negative some of it was done perhaps, or all; results mean nothing. UV_EINVAL, UV_EMSGSIZE,
 *                  UV_ENOTSUP: a verb's or key's fault, repeating will not help; UV_ENOSPC, UV_ENOMEM:
 *                  no room; UV_EAGAIN, UV_ECONNRESET, UV_ETIMEDOUT, ...: the storage's trouble
 * After any error the verbs' number and length are as they were submitted. */
typedef void (*breaker_complete_fn)(breaker_transaction_t *transaction, int status);

/* The library's memory, with keys and values, from submit to completion or cancel. */
struct breaker_transaction_s {
    breaker_verb_t *verbs;
    unsigned count; /* 0 .. 8; with none (verbs may be NULL) it asks for the clock, the guard, and
                       whether the storage is there */

    breaker_guard_t guard;
    uint16_t guard_key_length; /* 1 .. 512 */
    uint16_t guard_length;     /* 0 .. 256 */
    const char *guard_key;
    const char *guard_value;

    /* Out, with BREAKER_EGUARD: what guard_key holds instead. standing may be NULL: not wanted, and
     * none of the three is touched. */
    char *standing;
    uint16_t standing_length; /* in: capacity; out: the length found, of which no more than the
                                 capacity was copied */
    uint8_t standing_found;

    /* Out, with 0 and BREAKER_EGUARD: the storage's wall clock, in ms, read in the transaction. */
    uint64_t wall;

    breaker_complete_fn complete;
    void *data; /* the submitter's */

    void *storage_link[2]; /* the storage's, from submit to completion or cancel */
};

/* ---- Clients -----------------------------------------------------------------------------------
 * One panel's door to a storage: the library's memory, from open to the completion of close. */
struct breaker_client_s {
    struct uv_loop_s *loop;
    void *data; /* the library's */

    /* The library's, and never NULL; call them from the loop, outside of any function below.
     * bell: somebody told key this value (the client's own tellings may come back, or not). Where
     * several came for a key before the loop turned, the last is enough. value NULL: from here on
     * the key is heard (again), and what was told before may have been missed.
     * health: 0 the storage is there (again), negative why it is not; once per change, before what fails
     * for it completes; nothing is told while it is there from the start. */
    void (*bell)(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                 size_t length);
    void (*health)(breaker_client_t *client, int status);

    void *storage_data;                       /* the storage's */
    void (*closed)(breaker_client_t *client); /* the library's: set by it before close */
};

/* ---- What a storage implements -----------------------------------------------------------------*/

enum {
    BREAKER_STORAGE_THREADS = 1 << 0, /* clients of loops in several threads may share it */
    BREAKER_STORAGE_LOGS = 1 << 1,    /* has LOG */
    BREAKER_STORAGE_BELL = 1 << 2,    /* TELL reaches other clients */
    BREAKER_STORAGE_WIRE = 1 << 3, /* its keys are read by other languages' peers: dialects take on
                                         the habits that theirs have on Redis (whole seconds, opened_at
                                         only forward) unless told otherwise */
    BREAKER_STORAGE_REGISTER = 1 << 4, /* keeps what MEMBER and FIELD say under their keys, for readers
                                         from outside */
    BREAKER_STORAGE_MEMBERS = 1 << 5   /* keeps what MEMBER says, and has MEMBERS */
};

typedef struct breaker_storage_ops_s {
    size_t size; /* sizeof(breaker_storage_ops_t): the library takes what it knows */
    const char *name;
    unsigned flags;

    /* REQUIRED. A panel begins to use the storage. Must not block and need not wait until the storage
     * is reachable: what is submitted before may fail with UV_EAGAIN or wait. Nonzero: it is not open,
     * and must not be closed: a fault that time will not mend (UV_EINVAL, UV_ENOMEM, libuv's; another
     * thread's loop without THREADS: UV_EINVAL). */
    int (*open)(breaker_storage_t *storage, breaker_client_t *client);

    /* REQUIRED. The client's last call. The library has cancelled what was pending; client->closed
     * runs from the loop when the storage touches the client no more, never inside close; also where
     * the host has closed the storage's libuv handles itself (uv_walk). */
    void (*close)(breaker_storage_t *storage, breaker_client_t *client);

    /* REQUIRED. Begins a transaction. Trouble is told by its completion, which may run inside. */
    void (*submit)(breaker_storage_t *storage, breaker_client_t *client,
                   breaker_transaction_t *transaction);

    /* REQUIRED. Forgets a transaction (or flush) submitted and not completed: it may be carried out or
     * not, even later, its completion does not run, and its memory is not touched again. The library's
     * deadlines need it. */
    void (*cancel)(breaker_storage_t *storage, breaker_client_t *client,
                   breaker_transaction_t *transaction);

    /* Optional (NULL: UV_ENOTSUP). Forgets every key under this storage's prefix and no others; a
     * transaction without verbs and guard, completed as usual. Where the prefix is empty and others
     * may have keys in the same place, it is UV_EINVAL. */
    void (*flush)(breaker_storage_t *storage, breaker_client_t *client,
                  breaker_transaction_t *transaction);

    /* Optional. Clients hear no bell before they listen to a key; NULL: they hear all. Listening to a
     * key twice is once; it ends with unlisten or close. Returns 0 or UV_ENOMEM. */
    int (*listen)(breaker_storage_t *storage, breaker_client_t *client, const char *key,
                  size_t key_length);

    /* Optional (NULL: listening goes on until close; what breakers listened to that are gone is kept).
     * The client listens to the key no more: no memory is kept for that, and what rings late may still
     * be heard. Nothing, where it does not listen. May be called inside bell. */
    void (*unlisten)(breaker_storage_t *storage, breaker_client_t *client, const char *key,
                     size_t key_length);
} breaker_storage_ops_t;

/* The first member of every storage's own struct. The user makes a storage, gives it to panels, and
 * destroys it after the last of them is destroyed. */
struct breaker_storage_s {
    const breaker_storage_ops_t *ops;
};

/* ---- Help for storages -------------------------------------------------------------------------*/

/* Whether a transaction is within the limits: 0 or UV_EINVAL. Every storage asks it first. */
BREAKER_API int breaker_transaction_check(const breaker_transaction_t *transaction);

/* INCR's arithmetic, for storages that have none of their own: value[0 .. *length) is the text of a
 * number (of an absent key, "0"), to which *number is added; both become the sum. value has room for
 * BREAKER_VALUE_MAX bytes. UV_EINVAL: no number, or no sum; nothing is changed. */
BREAKER_API int breaker_number_add(char *value, uint16_t *length, int64_t *number);

/* ---- The storage in memory ---------------------------------------------------------------------
 * For panels of one process, of several threads too: transactions run under one mutex, at once, and
 * complete inside submit. An error has done nothing, whatever it is. There is no prefix: flush forgets
 * every key. */
typedef struct breaker_memory_options_s {
    size_t size;     /* set by breaker_memory_options_init; grows at the end only */
    size_t max_keys; /* a transaction that would leave more keys, expired ones not counted, is
                        UV_ENOSPC. Default 0: no bound */
    size_t max_log;  /* the most entries of one log: the oldest are forgotten. Default 65536 */
    void *data;      /* for wall */
    uint64_t (*wall)(void *data); /* the clock, in ms, asked under the mutex. Default NULL: the
                                     system's when the storage was made, moved on by the monotonic
                                     one, so that a step of the system's clock harms no key */
} breaker_memory_options_t;

#define breaker_memory_options_init(options) \
    breaker_memory_options_init_sized((options), sizeof *(options))
BREAKER_API void breaker_memory_options_init_sized(breaker_memory_options_t *options, size_t size);

/* options may be NULL. UV_EINVAL: a struct that was not initialised, or max_log 0; UV_ENOMEM. */
BREAKER_API int breaker_memory_create(breaker_storage_t **storage,
                                      const breaker_memory_options_t *options);

/* UV_EBUSY while a client has it open. */
BREAKER_API int breaker_memory_destroy(breaker_storage_t *storage);

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_STORAGE_H */
