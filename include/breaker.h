/* libbreaker: circuit breakers for programs that live on a libuv loop.
 *
 * This header is the manual. It is read from top to bottom: errors, types, options, life, use,
 * management, watching. Everything an application needs is here; <breaker/storage.h> is for those who
 * write a storage.
 *
 * A breaker stands between a program and something that fails. Before each use the program asks it;
 * afterwards it reports how it went. The breaker stops the traffic when the share of failures over a
 * time window says that the thing is broken, and lets it back in by a growing sample:
 *
 *                  a rule trips                    broken_time is over, and somebody asks
 *      PASSING -------------------> BROKEN --------------------------------> RECOVERING
 *         ^                            ^                                       |   |
 *         |                            |        the sample is bad              |   |
 *         |                            +---------------------------------------+   |
 *         |                        the sample is good                              |
 *         +------------------------------------------------------------------------+
 *
 * The names of the states are aiomisc's; elsewhere they are called closed, open and half-open.
 *
 * Conventions, for every declaration below:
 *  - Times are milliseconds. Functions return 0 or a negative code: libuv's, or one of those below.
 *  - "Create" and "destroy" are about memory; "trip", "recover", "reset" are about the circuit.
 *  - Handles are opaque and the library's. Requests (breaker_call_t, breaker_order_t,
 *    breaker_listener_t, breaker_listing_t) are the caller's memory, and stay where they are until the library is done
 *    with them. Permits are values.
 *  - A function that takes a callback and returns an error never runs the callback. If it returned 0,
 *    the callback runs exactly once.
 *  - No callback runs inside a call into the library. Callbacks run from the loop, on a fresh stack, in
 *    a drain: one before the loop polls for I/O, one after it, where anything waits. A drain runs the
 *    starts that were waiting, then the completions waiting by then (also of calls that have just
 *    started), then events. What these begin waits for the next drain. So what is finished in the poll
 *    phase is told in the same turn of the loop, unless a storage is asked first.
 *  - Functions that the caller lends the library to decide with (classifier, rule, clock, random
 *    source, allocator) are not callbacks: they are asked inside calls, must be quick, and must not
 *    call back into the library.
 *  - A panel and everything on it belongs to the thread of its loop. Other threads have panels of
 *    their own. A policy may be shared by panels of several threads, unless its list of excluded
 *    statuses is changed meanwhile.
 *  - NULL where this header does not allow it is UV_EINVAL.
 */
#ifndef BREAKER_H
#define BREAKER_H

/* clang-format off */ /* laid out by hand */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BREAKER_API __attribute__((visibility("default")))
#else
#define BREAKER_API
#endif

#define BREAKER_VERSION_MAJOR 0
#define BREAKER_VERSION_MINOR 1
#define BREAKER_VERSION_PATCH 0
#define BREAKER_VERSION_STRING "0.1.0"

/* The version of the library that runs, as "0.1.0"; a static string. */
BREAKER_API const char *breaker_version(void);

struct uv_loop_s;         /* libuv's; <uv.h> is not needed to read this header */
struct breaker_dialect_s; /* <breaker/dialects.h> */
struct breaker_storage_s; /* <breaker/storage.h> */

/* ---- Errors ------------------------------------------------------------------------------------
 * libuv's negative codes, and the few that libuv lacks, which lie below its range. */

#define BREAKER_EREJECTED (-20001) /* the circuit refused the call; see breaker_retry_after */
#define BREAKER_ESTALE (-20002)    /* a permit cleared or of an earlier epoch; a call already over */
#define BREAKER_ETRIPPED (-20003)  /* this very call tripped the circuit (dialects that say so) */

/* A static text for any code that this library returns, libuv's included. Never NULL. */
BREAKER_API const char *breaker_strerror(int code);

/* ---- Types -------------------------------------------------------------------------------------*/

/* The box on the wall that holds the breakers: one per loop. It owns what must exist once: the queue
 * of deferred callbacks, one timer for all deadlines, the registry of names, the clocks. */
typedef struct breaker_panel_s breaker_panel_t;

/* Options, checked once and shared by any number of breakers. Counted, never changed. */
typedef struct breaker_policy_s breaker_policy_t;

/* One circuit under one name: no libuv handle of its own and, with ten buckets, about 300 bytes and the
 * name; 900 more where it is shared, and 100 where somebody listens on its panel. */
typedef struct breaker_s breaker_t;

typedef struct breaker_call_s breaker_call_t;
typedef struct breaker_order_s breaker_order_t;
typedef struct breaker_listener_s breaker_listener_t;
typedef struct breaker_listing_s breaker_listing_t;

typedef enum {
    BREAKER_PASSING = 0,   /* closed: every call is admitted, outcomes are counted */
    BREAKER_BROKEN = 1,    /* open: every call is refused at once, until broken_time is over */
    BREAKER_RECOVERING = 2 /* half-open: a sample of the calls is admitted, and decides */
} breaker_state_t;

/* How a call went, for the circuit. Ratios are failures / (successes + failures). */
typedef enum {
    BREAKER_SUCCESS = 1,
    BREAKER_FAILURE = 2,
    BREAKER_IGNORED = 3,  /* ended, and says nothing about the dependency (a bad request, say) */
    BREAKER_CANCELLED = 4 /* did not end; says nothing either, and gives its place back */
} breaker_outcome_t;

/* What an operator may lay over the states. The circuit beneath keeps its state; each change of the
 * hold begins a new epoch with fresh counts. */
typedef enum {
    BREAKER_HOLD_NONE = 0,
    BREAKER_HOLD_OPEN = 1,   /* forced open: every call is refused; nothing is counted */
    BREAKER_HOLD_CLOSED = 2, /* forced closed: every call is admitted; nothing is counted */
    BREAKER_HOLD_WATCH = 3   /* decide, count and tell as always, but refuse nothing (a dry run):
                                what would have been refused is admitted, told and totalled as
                                rejected, and its outcome is not counted by the circuit */
} breaker_hold_t;

/* "PASSING", "BROKEN", "RECOVERING"; "?" for anything else. */
BREAKER_API const char *breaker_state_name(breaker_state_t state);

/* The evidence of a window, or of RECOVERING since it began. slow counts among ok and failed. */
typedef struct breaker_counts_s {
    uint32_t ok;
    uint32_t failed;
    uint32_t slow;        /* 0 unless slow_ratio is set */
    uint32_t consecutive; /* failures since the last success */
} breaker_counts_t;

/* The right to make one call: filled by breaker_try_acquire, given back by breaker_report. A plain
 * value: copy it, store it, but report it once (a second report of the same permit is told apart, one
 * of a copy is not). Zeroed is "cleared". */
typedef struct breaker_permit_s {
    uint64_t epoch; /* opaque; 0 when cleared */
    uint64_t start; /* the panel's clock at the admission */
} breaker_permit_t;

/* ---- Options of a policy -----------------------------------------------------------------------*/

/* For ratios: this rule is not used. */
#define BREAKER_OFF (-1.0)

#define BREAKER_TIME_MAX 86400000u /* the longest time an option may hold: a day */
#define BREAKER_BUCKETS_MAX 60u
#define BREAKER_LAST_CALLS_MAX 10000u
#define BREAKER_NAME_MAX 255u

typedef enum {
    /* A call at time t into RECOVERING is admitted with probability 2^(t/recovery_time) - 1, as in
     * aiomisc; unlike there, time alone is no evidence. PASSING needs recovery_time over, recovery_min
     * results and a ratio below recovery_ratio; a ratio at or over it with that many results is BROKEN
     * again. Until recovery_min successes were seen, at most recovery_min probes are in flight. The
     * first call of each tenth of recovery_time is admitted whatever the draw, so that low traffic
     * recovers too. Where many processes share the circuit, PASSING needs recovery_min successes of
     * all of them, and the first call of a tenth is drawn for, so that one process or so makes it. */
    BREAKER_SAMPLER = 0,
    /* At most max_trials calls at once; success_threshold successes close the circuit, one failure
     * (or, with slow_ratio set, one slow call) breaks it. What pybreaker and most others do. */
    BREAKER_TRIAL = 1,
    /* Straight to PASSING when broken_time is over, with fresh counts. What lasier does. */
    BREAKER_IMMEDIATE = 2
} breaker_recovery_t;

typedef enum {
    BREAKER_SHARE_NONE = 0,   /* this breaker is the process' own, storage or not */
    BREAKER_SHARE_COUNTS = 1, /* evidence and transitions are common */
    BREAKER_SHARE_STATE = 2   /* each process judges by its own counts; transitions are common */
} breaker_share_t;

/* While the storage of a shared circuit is away: */
typedef enum {
    BREAKER_OUTAGE_LOCAL = 0, /* the process decides alone, by its own results */
    BREAKER_OUTAGE_REFUSE = 1 /* every call is refused */
} breaker_outage_t;

/* A rule of the user's own: nonzero trips. Asked, besides the others, after each result in PASSING. */
typedef int (*breaker_rule_fn)(void *data, const breaker_counts_t *counts);

/* What a status means for the circuit. The built-in one: negative is a FAILURE, except UV_ECANCELED,
 * which is CANCELLED; anything else is a SUCCESS. Not asked about excluded statuses and timeouts.
 * Anything but the four outcomes counts as a FAILURE. */
typedef breaker_outcome_t (*breaker_classify_fn)(void *data, int status);

typedef struct breaker_options_s {
    size_t size; /* set by breaker_options_init; grows at the end only */

    /* -- The window of PASSING. A result is credited to the moment of its completion. */
    uint64_t window;     /* its span: 1 .. a day. Default 10000 */
    unsigned buckets;    /* the time buckets it is made of: 1 .. 60, at most one per ms; processes
                            count together (share) in no more than 10. Default 10 */
    unsigned last_calls; /* instead: the last so many outcomes, whenever they were: 1 .. 10000. Those of
                            many processes are in no order: where they share, each judges its own, and
                            min_reporters of them break the circuit. Default 0: by time */

    /* -- Rules: any of those that are set trips. At least one must be. Numbers of calls are up to 2^31,
     * which is what a window counts, or up to last_calls. */
    double error_ratio;            /* failed / (ok + failed) >= this: (0, 1], or BREAKER_OFF.
                                      Default 0.5 */
    unsigned min_calls;            /* the ratio rules want so many results in the window: >= 1.
                                      Default 20 */
    unsigned min_failures;         /* error_ratio wants so many failures too. Default 0 */
    unsigned max_failures;         /* so many failures in the window. Default 0: not used */
    unsigned consecutive_failures; /* so many in a row, whenever they were. Default 0: not used */
    double slow_ratio;             /* slow / (ok + failed) >= this: (0, 1]. Default BREAKER_OFF */
    uint64_t slow_time;            /* slow is a call that took this long or longer: 1 .. a day; needed
                                      by slow_ratio. Default 0 */
    breaker_rule_fn rule;          /* Default NULL. Where processes share, it is asked about the
                                      counts of all, and about this one's */
    void *rule_data;
    uint64_t passing_time; /* the least time in PASSING before a trip. Default 0 (aiomisc) */

    /* -- BROKEN. Trips are consecutive until PASSING has held longer than recovery_time and than the
     * last BROKEN. */
    uint64_t broken_time;  /* of a first trip: 0 .. a day. Default 5000 */
    double broken_factor;  /* each consecutive trip multiplies it by this: 1 .. 100. Default 2 */
    uint64_t broken_limit; /* up to this: broken_time .. a day. Default 0: 12 x broken_time (or a day) */
    double broken_jitter;  /* lengthens by a random share of up to this: 0 .. 1. Default 0 */

    /* -- RECOVERING. */
    breaker_recovery_t recovery; /* Default BREAKER_SAMPLER */
    uint64_t recovery_time;      /* sampler: 1 .. a day; see broken_factor too. Default 10000 */
    unsigned recovery_min;       /* sampler: the least results (and the most unproven probes): >= 1.
                                    Default 10 */
    double recovery_ratio;       /* sampler: (0, 1]. Default BREAKER_OFF: error_ratio, or else 0.5 */
    unsigned max_trials;         /* trial: >= 1. Where the circuit is shared, of all processes, up to
                                    200, and no more than 4 of one. Default 1 */
    unsigned success_threshold;  /* trial: >= 1. Default 1 */
    uint64_t probe_time;         /* when this has passed since the last admission and results are
                                    missing, they count as one failure, looked at when somebody next
                                    asks; what comes for them later is late: 1 .. a day.
                                    Default 30000 */

    /* -- Calls. */
    uint64_t timeout;             /* of a breaker_call whose own is 0; 0 .. a day. Default 0: none */
    breaker_classify_fn classify; /* Default NULL: the built-in one */
    void *classify_data;
    breaker_outcome_t excluded_outcome; /* of statuses given to breaker_policy_exclude. Default
                                           BREAKER_IGNORED; pybreaker's users want BREAKER_SUCCESS */

    /* -- Another circuit than the native one: see <breaker/dialects.h>. It is copied. Then only what is
     * said under "Calls" is used of the above. Default NULL */
    const struct breaker_dialect_s *dialect;

    /* -- The fleet: processes that use one name in one storage share one circuit. Of no meaning on a
     * panel without a storage, and to dialects. */
    breaker_share_t share;      /* Default BREAKER_SHARE_COUNTS */
    uint64_t sync_interval;     /* what is counted travels so often: 1 .. 60000. Default 10 */
    unsigned min_reporters;     /* the fleet's circuit breaks when so many processes fail in one bucket of the
                                   window, and failing ones are more than half of all that reported, over
                                   its buckets (so not before half a window of an outage that follows on a
                                   healthy one; each process that meets it breaks by itself at once): >= 1.
                                   Default 2; fleets of one, or of short-lived processes, want 1 */
    breaker_outage_t on_outage; /* Default BREAKER_OUTAGE_LOCAL */
} breaker_options_t;

/* Fills in the defaults and the size. Then set what you care about. */
#define breaker_options_init(options) breaker_options_init_sized((options), sizeof *(options))
BREAKER_API void breaker_options_init_sized(breaker_options_t *options, size_t size);

/* Checks the options (NULL: the defaults) and makes a policy of them; they are copied. UV_EINVAL: an
 * option is out of range, and *bad_field (if bad_field is not NULL) is its name, a static string
 * ("size" when the struct was not initialised; "error_ratio" when no rule is set at all); it is set
 * to NULL otherwise. UV_ENOMEM. */
BREAKER_API int breaker_policy_create(breaker_policy_t **policy, const breaker_options_t *options,
                                      const char **bad_field);

/* Gives up the creator's hold; breakers that use the policy keep it alive. NULL is allowed. */
BREAKER_API void breaker_policy_destroy(breaker_policy_t *policy);

/* The excluded statuses, which may grow while breakers run (pybreaker's excluded exceptions): such a
 * status has excluded_outcome, and the classifier is not asked. Excluding twice is once.
 * UV_ENOMEM; including one that is not excluded is UV_ENOENT. */
BREAKER_API int breaker_policy_exclude(breaker_policy_t *policy, int status);
BREAKER_API int breaker_policy_include(breaker_policy_t *policy, int status);

/* ---- Panel -------------------------------------------------------------------------------------*/

typedef struct breaker_panel_options_s {
    size_t size; /* set by breaker_panel_options_init; grows at the end only */

    void *data; /* the user's; given to the functions below and by breaker_panel_data */

    /* Clock of the decisions, in ms; must not go back (a step back does no harm: time stands still).
     * Default NULL: uv_now(loop), which stands still inside a callback. With a clock of one's own,
     * deadlines are looked at on each turn of the loop, so tests run in virtual time. */
    uint64_t (*now)(void *data);

    /* A draw from [0, 1). Default NULL: a generator of the panel's own, seeded by the system. */
    double (*random)(void *data);

    /* The most breakers that breaker_obtain may create. Default 0: no bound. */
    unsigned max_obtained;

    /* The most events waiting to be told: 1 .. 65536. Default 256 */
    unsigned max_events;

    /* Where circuits are shared, or kept by dialects that converse with a storage. The user's; it must
     * outlive the panel. Default NULL: none; such dialects then have a private one in memory. What a
     * shared circuit sends on nobody's behalf does not hold the loop: a loop that runs out then gives it
     * one more turn, to leave the process. An order with a callback waits for the answer. */
    struct breaker_storage_s *storage;

    /* How long a storage may take over one transaction: 1 .. a day. After it the circuit decides
     * without. Default 500 */
    uint64_t storage_timeout;

    /* The most conversations with a storage at once, of all breakers; further calls wait for one to
     * end: 1 .. 65536. Default 64 */
    unsigned max_turns;

    /* The wall clock that dialects write down, in ms since 1970. Default NULL: the system's */
    uint64_t (*wall)(void *data);
} breaker_panel_options_t;

#define breaker_panel_options_init(options)                                                        \
    breaker_panel_options_init_sized((options), sizeof *(options))
BREAKER_API void breaker_panel_options_init_sized(breaker_panel_options_t *options, size_t size);

/* Makes a panel on a loop, which must outlive it. options may be NULL: the defaults. A panel without
 * work does not keep the loop alive. UV_EINVAL for options out of range; UV_ENOMEM; what the storage
 * answers when it is opened. */
BREAKER_API int breaker_panel_create(breaker_panel_t **panel, struct uv_loop_s *loop,
                                     const breaker_panel_options_t *options);

typedef void (*breaker_panel_cb)(void *data); /* the panel options' data */

/* Destroys the panel and its breakers, as breaker_destroy does. Asynchronous: pending calls and orders
 * end with UV_ECANCELED, every start that was begun is waited for until its breaker_finish, then the
 * libuv handles are closed, and done (may be NULL) is the last callback of all. After this call
 * the panel and its breakers are not to be used any more; breaker_finish stays allowed, and due.
 * UV_EALREADY when called twice.
 * This also works after the host has closed the panel's handles itself (uv_walk): from that moment
 * breaker_call and orders with a callback answer UV_ESHUTDOWN, and what was pending ends when the
 * panel is destroyed. */
BREAKER_API int breaker_panel_destroy(breaker_panel_t *panel, breaker_panel_cb done);

/* In a child process, after uv_loop_fork: gives the panel a random seed of its own. What shared circuits
 * have under way stays the parent's: counts that were not sent yet, trials, orders, which end here with
 * UV_ECANCELED. */
BREAKER_API int breaker_panel_fork(breaker_panel_t *panel);

BREAKER_API void *breaker_panel_data(const breaker_panel_t *panel);
BREAKER_API struct uv_loop_s *breaker_panel_loop(const breaker_panel_t *panel);

/* ---- Breakers, by name -------------------------------------------------------------------------*/

/* Makes a breaker in PASSING. The name (1 .. 255 bytes) is copied, the policy counted. UV_EEXIST: the
 * panel has one of that name; UV_ENAMETOOLONG; UV_EINVAL for an empty name; UV_ENOMEM;
 * UV_ESHUTDOWN: the panel is being destroyed. */
BREAKER_API int breaker_create(breaker_t **breaker, breaker_panel_t *panel, const char *name,
                               breaker_policy_t *policy);

/* Immediate for the caller: the handle is gone, the name free, no event is told any more. Its pending
 * calls and orders end with UV_ECANCELED in the next drain; what was started still owes its
 * breaker_finish. NULL is allowed. */
BREAKER_API void breaker_destroy(breaker_t *breaker);

/* The breaker of that name, or NULL. */
BREAKER_API breaker_t *breaker_find(const breaker_panel_t *panel, const char *name);

/* The breaker of that name, made from the policy if there is none: one per upstream host, say. Where
 * max_obtained is reached, it makes room by destroying one that breaker_obtain made and that is idle:
 * PASSING, no hold, no call, permit or order under way (nor, of a shared circuit, a transition that is
 * still to be written), no listener of its own, and not used of late; UV_ENOBUFS when there is none. So
 * do not keep the handle beyond the call, permit or order that it was asked for: ask again by name.
 * Errors as breaker_create. */
BREAKER_API int breaker_obtain(breaker_t **breaker, breaker_panel_t *panel, const char *name,
                               breaker_policy_t *policy);

/* Visits every breaker, in no order, until visit returns nonzero, and returns that (else 0). visit may
 * destroy the breaker it is given, and no other; it must not create any. */
typedef int (*breaker_visit_fn)(void *data, breaker_t *breaker);
BREAKER_API int breaker_each(breaker_panel_t *panel, breaker_visit_fn visit, void *data);

/* How many breakers the panel has. */
BREAKER_API size_t breaker_panel_count(const breaker_panel_t *panel);

BREAKER_API const char *breaker_name(const breaker_t *breaker);
BREAKER_API breaker_panel_t *breaker_panel(const breaker_t *breaker);
BREAKER_API breaker_policy_t *breaker_policy(const breaker_t *breaker);

/* Exchanges the policy of a live breaker. State, epoch, totals and a BROKEN under way are kept; a
 * RECOVERING goes on as one, with its counts, by trials where the new policy has BREAKER_IMMEDIATE. The
 * counts of PASSING start afresh where window, buckets or last_calls differ, or only one of the two
 * policies has a slow_ratio; those of a shared circuit, which has ten buckets at most, where the span of a
 * bucket differs. UV_ENOMEM: all as before. UV_EINVAL: not of the same dialect, or it would make a shared
 * circuit one of this process alone, or the reverse (share). */
BREAKER_API int breaker_set_policy(breaker_t *breaker, breaker_policy_t *policy);

/* ---- Use, at once ------------------------------------------------------------------------------
 * Values and no callbacks: a few nanoseconds, no allocation, no clock read. */

/* Asks for one call. 0: admitted, and *permit must be given to breaker_report once, whatever becomes
 * of the call. BREAKER_EREJECTED: refused, *permit is cleared; breaker_retry_after and
 * breaker_inspect say why. UV_ENOTSUP, always: a dialect that converses with a storage. */
BREAKER_API int breaker_try_acquire(breaker_t *breaker, breaker_permit_t *permit);

/* Reports the outcome of an admitted call, and clears the permit. status is kept as the last error if
 * the outcome is a failure, and told to listeners. BREAKER_ESTALE: the permit is cleared already
 * (nothing happens), or of an earlier epoch, the circuit having moved on since (counted as late,
 * changes nothing else). UV_EINVAL: no such outcome; the permit is kept. */
BREAKER_API int breaker_report(breaker_t *breaker, breaker_permit_t *permit,
                               breaker_outcome_t outcome, int status);

/* How long until it is worth while to ask again: the rest of BROKEN; 0 in PASSING; in RECOVERING, the
 * time to the next sure admission at the latest (of a shared circuit's: to when one may be had);
 * UINT64_MAX when forced open; with BREAKER_OUTAGE_REFUSE and the storage away, the time until it is
 * asked again, and at least 1. Computes, changes nothing. */
BREAKER_API uint64_t breaker_retry_after(const breaker_t *breaker);

/* ---- Use, with callbacks -----------------------------------------------------------------------*/

/* Begins the guarded I/O; runs from the loop, once the circuit has admitted the call. 0: the I/O is
 * under way, and breaker_finish is due, exactly once (it may even be called inside start). Negative:
 * nothing was begun; the call ends with this status, and breaker_finish must not be called. Where
 * something has been begun that takes a callback to undo (a handle to close), return 0 and finish
 * from there. */
typedef int (*breaker_start_cb)(breaker_call_t *call);

/* The call is over for the circuit. status: what breaker_finish was given or start (or the fallback)
 * returned; UV_ETIMEDOUT; UV_ECANCELED (breaker_cancel, or the breaker was destroyed); BREAKER_EREJECTED
 * (refused: neither start nor a fallback ran); BREAKER_ETRIPPED, instead of the status of the call that
 * tripped the circuit, where a dialect says so. */
typedef void (*breaker_done_cb)(breaker_call_t *call, int status);

typedef void (*breaker_call_cb)(breaker_call_t *call);

/* The library's: something that is to happen at a time. */
struct breaker_due_s {
    struct breaker_due_s *next, **link;
    uint64_t time;
    void (*late)(struct breaker_due_s *due);
};

/* One guarded call: the caller's memory, embedded in a request of the caller's own.
 *
 * A call ends twice: once for the circuit (done), once for its I/O (breaker_finish: "my I/O no longer
 * touches this"). When both have happened, or done alone where nothing was started, the memory is the
 * caller's again; release, if set, says so, last. With release set, the memory must not be freed or
 * reused before it runs; without it, after whichever of the two came second. A libuv handle beside it
 * is the loop's until its close callback, which may come later than both. */
struct breaker_call_s {
    /* The caller's to set, after breaker_call_init and before breaker_call. */
    void *data;
    breaker_call_cb stop;      /* asked from the loop to end the I/O, at a timeout or a cancel, before
                                  done; breaker_finish remains due, and may be called inside. May be
                                  NULL */
    breaker_call_cb release;   /* the last callback. May be NULL */
    breaker_start_cb fallback; /* begun instead of start when the call is refused; what it brings goes
                                  to done and is not counted by the circuit. May be NULL */
    uint64_t timeout;          /* from start to breaker_finish: 1 .. a day; a failure at once for the
                                  circuit. 0: the policy's. Starts of one drain count from one reading
                                  of the clock. It gains what time the loop itself stood still, once */
    uint64_t idle;             /* from start, or the last breaker_touch: 1 .. a day; the same, for what
                                  may last long and must not fall silent (a stream). 0: any time */

    /* To read in done. */
    breaker_outcome_t outcome; /* how it went, for the circuit; 0 where it was not admitted. Counted,
                                  unless the circuit had moved on meanwhile: see totals.late */
    int refused;               /* the circuit refused; fallback, if any, made the result */
    uint64_t retry_after;      /* when refused: as breaker_retry_after */
    int last_error;            /* when refused: the status of the last failure */
    int reason;                /* dialects: a breaker_reason_t, why refused or BREAKER_ETRIPPED */

    /* The library's. */
    struct {
        size_t size;
        breaker_t *breaker;
        breaker_start_cb start;
        breaker_done_cb done;
        breaker_permit_t permit;
        breaker_call_t *next;             /* in a queue of the panel */
        breaker_call_t *previous_pending; /* among the breaker's */
        breaker_call_t *next_pending;
        struct breaker_due_s due; /* in the wheel of deadlines; or in the queue for a conversation */
        uint64_t ends, heard;     /* by timeout; the last sign of life */
        int status;
        unsigned stage;
        unsigned flags;
        void *conversation; /* with a storage, about this call */
    } library;
};

/* Makes the memory ready: everything zero. Once before the first use; a call that is over may be used
 * again as it is, or be made ready anew. Never while it is in use. */
#define breaker_call_init(call) breaker_call_init_sized((call), sizeof *(call))
BREAKER_API void breaker_call_init_sized(breaker_call_t *call, size_t size);

/* The breaker of a call, from breaker_call until done has returned; NULL once it is destroyed, also
 * inside done. Of a call that is over it may not be asked. */
BREAKER_API breaker_t *breaker_of(const breaker_call_t *call);

/* Guards one asynchronous operation. In the next drain the circuit is asked: admitted, start runs;
 * refused, fallback runs or done gets BREAKER_EREJECTED. A pending call keeps the loop alive.
 * UV_EBUSY: the request is in use; UV_EINVAL: it was never made ready, or timeout or idle is over a day;
 * UV_ESHUTDOWN: the panel is being destroyed or its handles were closed. */
BREAKER_API int breaker_call(breaker_t *breaker, breaker_call_t *call, breaker_start_cb start,
                             breaker_done_cb done);

/* The I/O of a started call is over. The status is classified (see breaker_classify_fn), counted, and
 * handed to done in the next drain. After done (a timeout, a cancel) it changes nothing but the count
 * of late results, and lets release run. UV_EINVAL: not started, or never made ready;
 * BREAKER_ESTALE: finished before. */
BREAKER_API int breaker_finish(breaker_call_t *call, int status);

/* The same, where the status alone does not tell the outcome (a 200 with an error inside). */
BREAKER_API int breaker_finish_as(breaker_call_t *call, int status, breaker_outcome_t outcome);

/* The I/O of a started call has shown that it lives: the time of call.idle begins anew. Costs a look at the
 * loop's clock. UV_EINVAL: not started, or never made ready; BREAKER_ESTALE: over. */
BREAKER_API int breaker_touch(breaker_call_t *call);

/* Ends a call with UV_ECANCELED, in the next drain; one under way is asked to stop, and its outcome is
 * CANCELLED. UV_EALREADY: it is over or about to be; UV_EINVAL: never made ready or begun. */
BREAKER_API int breaker_cancel(breaker_call_t *call);

/* Makes a guarded function of a start function (aiomisc's cutout):
 *     static BREAKER_CUTOUT(fetch, github, fetch_start)
 * defines  int fetch(breaker_call_t *call, breaker_done_cb done).
 * The second argument is any expression for the breaker, evaluated at each call. */
#define BREAKER_CUTOUT(name, breaker, start)                                                       \
    int name(breaker_call_t *call, breaker_done_cb done)                                           \
    {                                                                                              \
        return breaker_call((breaker), call, (start), done);                                       \
    }

/* ---- Management --------------------------------------------------------------------------------
 * Orders to the circuit. They take effect in the call for a circuit of this process, and asynchronously
 * where a storage is asked. The order is the caller's memory until its callback; callback may be NULL,
 * and then order is not used and may be NULL too. The callback's status:
 *
 *   0                the order stands, also in the storage
 *   UV_ECANCELED     the breaker was destroyed before
 *   UV_EBUSY         a shared circuit: others were faster, again and again
 *   the storage's error, UV_ETIMEDOUT among them: a dialect acted here alone; a shared circuit acts here
 *                    until the storage is back, and then goes on to the others, within a minute or, a
 *                    hold, whenever, unless somebody laid another meanwhile. Of several states ordered
 *                    before the storage has the first, the last is meant, and so of holds
 *
 * Returned: UV_ESHUTDOWN as breaker_call; UV_EBUSY: the order is in use; UV_ENOBUFS: without a callback,
 * and all conversations with the storage are taken, or other orders wait for one. */
typedef void (*breaker_order_cb)(breaker_order_t *order, int status);

struct breaker_order_s {
    void *data; /* the caller's */
    struct {
        breaker_order_cb done;
        breaker_order_t *next;
        breaker_t *breaker;
        int status;
        unsigned kind;
        unsigned number;
        unsigned in_use; /* zero it before the first use */
    } library;
};

/* To BROKEN, for as long as a rule's trip would last (pybreaker's open). In BROKEN: begins it anew, and is
 * no further one of consecutive trips.
 * An order is a transition, and told as one, also where it leads from a state to itself. */
BREAKER_API int breaker_trip(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done);
/* The same for so long (1 .. a day), whatever the policy says: where the dependency itself has told when to
 * come back. A shared circuit stays broken no longer, in each process, than broken_limit of the policy
 * there (lengthened by its jitter), which is what no clock can exceed. UV_ENOTSUP: a dialect. */
BREAKER_API int breaker_trip_for(breaker_t *breaker, uint64_t time, breaker_order_t *order,
                                 breaker_order_cb done);
/* To RECOVERING at once, from its beginning (pybreaker's half_open). With BREAKER_IMMEDIATE: to
 * PASSING. */
BREAKER_API int breaker_recover(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done);
/* To PASSING with fresh counts and no consecutive trips (pybreaker's close). */
BREAKER_API int breaker_reset(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done);
/* Lays a hold over the circuit, or takes it away. */
BREAKER_API int breaker_hold(breaker_t *breaker, breaker_hold_t hold, breaker_order_t *order,
                             breaker_order_cb done);

/* Asks the storage what it holds, no earlier than now, so that breaker_inspect, in the callback, shows
 * it. At once, and without effect, for a circuit of this process. */
BREAKER_API int breaker_refresh(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done);

/* Which circuits there are in the storage, whatever process has them: each that was used in the last half
 * day (asked for calls, or given an order; not one that was only created) is told by name, at least once, and
 * some that were used up to a day before; then done, once. Both
 * run from the loop, as the completions of orders do. status: 0, the storage's error, or UV_ECANCELED when
 * the panel was destroyed before. */
typedef void (*breaker_listing_name_cb)(breaker_listing_t *listing, const char *name);
typedef void (*breaker_listing_cb)(breaker_listing_t *listing, int status);

/* The caller's memory, until done. Zero it before the first use. */
struct breaker_listing_s {
    void *data; /* the caller's */
    struct {
        breaker_listing_name_cb name;
        breaker_listing_cb done;
        unsigned in_use;
    } library;
};

/* Needs 32 KB until done. UV_ENOTSUP: the panel has no storage, or one that keeps no such list
 * (BREAKER_STORAGE_MEMBERS); UV_EBUSY: the listing is in use; UV_ENOMEM; UV_ESHUTDOWN as breaker_call. */
BREAKER_API int breaker_list(breaker_panel_t *panel, breaker_listing_t *listing,
                             breaker_listing_name_cb name, breaker_listing_cb done);

/* ---- Watching ----------------------------------------------------------------------------------*/

/* What happened since the breaker was created. */
typedef struct breaker_totals_s {
    uint64_t admitted;
    uint64_t rejected;
    uint64_t ok;
    uint64_t failed; /* timeouts included */
    uint64_t ignored;
    uint64_t cancelled;
    uint64_t timed_out;
    uint64_t late; /* results that came after their epoch, or after their call was over (but for
                      UV_ECANCELED, which an I/O that was stopped says) */
    uint64_t slow;
    uint64_t trips;
} breaker_totals_t;

typedef struct breaker_snapshot_s {
    breaker_state_t state;
    breaker_hold_t hold;
    uint64_t epoch;          /* grows with each transition, hold, and write-off of missing probes; of a
                                dialect in a storage: 0, and so is since */
    uint64_t since;          /* the panel's clock at the last transition; 0: before it began */
    breaker_counts_t counts; /* PASSING: the window; RECOVERING: since it began; BROKEN: none. Of a
                                shared circuit: of all processes, which may be PASSING while this one
                                is BROKEN by itself; but consecutive is always this one's */
    double ratio;            /* failed / (ok + failed) of counts; 0 where there are none */
    uint64_t retry_after;    /* as breaker_retry_after */
    int last_error;          /* status of the last failure; 0: none yet */
    unsigned in_flight;      /* permits and calls admitted and not yet reported */
    unsigned trips;          /* consecutive ones; 0 after a while in PASSING or a reset */
    breaker_counts_t tripped; /* BROKEN, RECOVERING: the counts at the trip; PASSING: zero */
    breaker_totals_t totals;
} breaker_snapshot_t;

/* Tells all about a breaker as of now; computes, changes nothing: a BROKEN whose time is over is still
 * BROKEN, with retry_after 0, until somebody asks for a call. */
#define breaker_inspect(breaker, snapshot)                                                         \
    breaker_inspect_sized((breaker), (snapshot), sizeof *(snapshot))
BREAKER_API int breaker_inspect_sized(const breaker_t *breaker, breaker_snapshot_t *snapshot,
                                      size_t size);

/* Kinds of events; a listener asks for a set of them. */
enum {
    BREAKER_BEFORE_CALL = 1 << 0, /* a call was admitted */
    BREAKER_ON_SUCCESS = 1 << 1,
    BREAKER_ON_FAILURE = 1 << 2,
    BREAKER_ON_REJECTED = 1 << 3,
    BREAKER_ON_LATE = 1 << 4, /* a result after its epoch or its call; see totals.late */
    BREAKER_ON_STATE_CHANGE = 1 << 5,
    BREAKER_ON_OTHER_POLICY = 1 << 6, /* shared: another process made a transition by a policy with other
                                         numbers in it; told once, and again after breaker_set_policy */
    /* For a panel's listeners: */
    BREAKER_ON_STORAGE_LOST = 1 << 7, /* the panel's storage is away; status says why. With a breaker: it
                                         is well, but will not do with this shared circuit's keys (one
                                         is taken by something else, or there is no room for more) */
    BREAKER_ON_STORAGE_FOUND = 1 << 8,
    BREAKER_ON_MISSED = 1 << 9, /* events came faster than memory can hold */
    BREAKER_ON_ALL = (1 << 7) - 1
};
#define BREAKER_KINDS 9 /* kinds that can be missed, from BREAKER_BEFORE_CALL on */

typedef struct breaker_event_s {
    int kind;
    breaker_t *breaker;      /* NULL: BREAKER_ON_MISSED; BREAKER_ON_STORAGE_..., mostly */
    uint64_t time;           /* the panel's clock when it happened */
    int status;              /* success, failure, late: the call's. Rejected, state change: the last error */
    uint64_t duration;       /* success, failure, late: how long the call took */
    breaker_state_t from;    /* state change; otherwise the state at the time, in both */
    breaker_state_t to;
    breaker_counts_t counts; /* state change: the evidence it was made on; of many processes,
                                consecutive is 0 */
    uint64_t retry_after;    /* rejected, and state change to BROKEN */
    int elsewhere;           /* state change: others made it, or time did, and it was learnt from the
                                storage. Not, where this process broke by its own results, or was one of
                                several that made it at once */
    uint64_t missed[BREAKER_KINDS]; /* BREAKER_ON_MISSED: how many of each kind, in order of kinds */
} breaker_event_t;

/* Events arrive in order, after the state is final, from the loop, and never for a destroyed breaker.
 * When more than max_events wait, further ones are only counted, and told by one BREAKER_ON_MISSED;
 * but the newest transition of every breaker is always told, after that, and as one from the state that
 * was told last. */
typedef void (*breaker_notify_cb)(breaker_listener_t *listener, const breaker_event_t *event);

/* The caller's memory, until breaker_unlisten or the end of its breaker or panel. Zero it first. */
struct breaker_listener_s {
    int kinds;                /* a set of the above */
    breaker_notify_cb notify; /* event is good during the callback only */
    void *data;
    struct {
        breaker_listener_t *next;
        breaker_panel_t *panel;
        breaker_t *breaker;
        uint64_t since;
        unsigned on;
    } library;
};

/* Listens to one breaker, or to all of a panel. Several listeners are told in the order in which they
 * came, the breaker's before the panel's. A listener is told what happens after it began to listen (but
 * BREAKER_ON_MISSED counts what was missed since it was told last, to whomever).
 * UV_EBUSY: it listens already; UV_EINVAL: no kinds, unknown ones, or no notify; UV_ENOMEM (the first
 * listener of a panel makes the room for events, but not one to BREAKER_ON_MISSED alone); UV_ESHUTDOWN. */
BREAKER_API int breaker_listen(breaker_t *breaker, breaker_listener_t *listener);
BREAKER_API int breaker_panel_listen(breaker_panel_t *panel, breaker_listener_t *listener);

/* From here on it is told nothing, not even what waits; allowed inside its own event and inside
 * others'. The memory is the caller's at once. UV_EINVAL: it does not listen. */
BREAKER_API int breaker_unlisten(breaker_listener_t *listener);

/* ---- Memory ------------------------------------------------------------------------------------
 * Replaces the allocator, as uv_replace_allocator does: before anything else is called, for the whole
 * process. All three are needed. */
BREAKER_API int breaker_replace_allocator(void *(*allocate)(size_t size),
                                          void *(*reallocate)(void *memory, size_t size),
                                          void (*release)(void *memory));

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_H */
