/* The dialects: circuits that decide as five Python systems do, so that programs which share a circuit
 * with them, or take over from them, find theirs here.
 *
 *   breaker_aiomisc_t     aiomisc.CircuitBreaker: buckets of error ratios, a random sample as recovery
 *   breaker_pybreaker_t   pybreaker, asyncbreaker, aiobreaker, infuse: consecutive failures, trial calls
 *   breaker_lasier_t      lasier: failures or their percentage in a fixed window, keys that expire
 *   breaker_requests_t    the requests circuit breaker: percentage of HTTP errors in a sliding log
 *
 * They are faithful: what was observed of the originals is done, quirks included, and each declaration
 * below names the quirks. Two things were not taken over: what only Python's locks and exceptions could
 * do wrong, and start-ups that close the circuit of a whole fleet. For new work the native circuit is
 * the one; the presets at the end of this header give it the parameters and the documented behaviour
 * of each system, and none of the quirks.
 *
 * A dialect is chosen by the policy:
 *
 *     breaker_pybreaker_t py;
 *     breaker_pybreaker_init(&py);
 *     py.fail_max = 3;
 *     breaker_options_init(&options);
 *     options.dialect = &py.dialect;
 *
 * The struct, its lists and strings are copied by breaker_policy_create, which names the field that is
 * wrong. Of breaker_options_t only what concerns calls is used then: timeout, classify,
 * excluded_outcome. The variant, names (namespace, keys, service) and the flavour are read when a breaker
 * is created; all else may change while it lives, by breaker_set_policy with a policy of the same kind:
 * the state is kept.
 *
 * Storage. aiomisc is local: it keeps everything in the process, and breaker_try_acquire works. The
 * others keep their state in the panel's storage, or in a private one in memory where the panel has
 * none; for them breaker_try_acquire is UV_ENOTSUP, and use is by breaker_call. Where the storage fails
 * they do as the originals: calls are admitted, and what cannot be counted is not.
 *
 * Outcomes. SUCCESS and FAILURE are what they say; what IGNORED (an exception that was excluded, or is
 * not among those caught) and CANCELLED (Python's BaseException: a cancelled task) mean is said below.
 * The lists and functions of a dialect are asked about the status of each FAILURE, after the policy's
 * classifier and exclusions have said what it is.
 *
 * Verdicts. A call that trips the circuit ends with BREAKER_ETRIPPED where the original replaces the
 * exception of the call by its own. The reason of a refusal or a verdict is a breaker_reason_t.
 *
 * Times are milliseconds. Where the original keeps whole seconds on the wire, so do these: see
 * breaker_flavour_t. */
#ifndef BREAKER_DIALECTS_H
#define BREAKER_DIALECTS_H

#include <breaker.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first member of every dialect's options: their size, and whose they are. */
typedef struct breaker_dialect_s {
    size_t size; /* set by the init of each; the structs grow at the end only */
    int kind;    /* one of the below */
} breaker_dialect_t;

enum {
    BREAKER_DIALECT_AIOMISC = 1,
    BREAKER_DIALECT_PYBREAKER = 2,
    BREAKER_DIALECT_LASIER = 3,
    BREAKER_DIALECT_REQUESTS = 4
};

/* Two systems behave otherwise in memory than on Redis. The family of pybreaker keeps the instant of
 * an opening to the millisecond in memory; on the wire in whole seconds, and moves it only forward. The
 * requests breaker's log begins at a whole second; in memory that second is still in it, on the wire its
 * first instant is not. */
typedef enum {
    BREAKER_FLAVOUR_AUTO = 0, /* as the storage is: WIRE if it has BREAKER_STORAGE_WIRE */
    BREAKER_FLAVOUR_MEMORY = 1,
    BREAKER_FLAVOUR_WIRE = 2
} breaker_flavour_t;

/* Why a dialect refused a call, or answered BREAKER_ETRIPPED. */
typedef enum {
    BREAKER_REASON_NONE = 0,
    BREAKER_REASON_OPEN = 1,    /* refused: the circuit is open */
    BREAKER_REASON_TRIPPED = 2, /* this failure reached the threshold */
    BREAKER_REASON_TRIAL = 3    /* this call was a trial, and failed */
} breaker_reason_t;

/* Is it one of these statuses? Nonzero: yes. Asked inside calls into the library; see breaker.h on
 * functions that the caller lends. */
typedef int (*breaker_status_fn)(void *data, int status);

/* Statuses, given as a list or told by a function, or both. */
typedef struct breaker_statuses_s {
    const int *list;
    size_t count;
    breaker_status_fn match; /* may be NULL */
    void *data;
} breaker_statuses_t;

/* ---- aiomisc -----------------------------------------------------------------------------------
 * aiomisc.CircuitBreaker, whose states the library's are named after. Local to the process.
 *
 * Calls are counted in buckets a tenth of response_time long, a result in the bucket of its start; the
 * newest ten that saw a call are kept. A bucket is bad when failed / total >= error_ratio. PASSING
 * becomes BROKEN when ten buckets are there and all those younger than response_time are bad; BROKEN
 * becomes RECOVERING when a call comes after broken_time; in RECOVERING a call is admitted with
 * probability 2^(t/recovery_time) - 1, and the circuit breaks again when half of error_ratio of the
 * fresh buckets are bad, or passes when a call comes after recovery_time.
 *
 * Quirks: every call makes its bucket, also a refused one, and an empty bucket is not bad: so nothing
 * trips at one call per bucket or fewer. One good bucket vetoes. The ten buckets may be stale. Buckets
 * are no finer than 100 ms.
 *
 * SUCCESS counts as ok. A FAILURE of the listed statuses is remembered as the last error, and counts as
 * failed unless the inspector says 0. Other FAILUREs, IGNORED and CANCELLED are seen and neither: they
 * dilute the ratio. breaker_report answers BREAKER_ESTALE when the bucket of a result is gone: the
 * statistic has lost it, the last error has not. */
typedef struct breaker_aiomisc_s {
    breaker_dialect_t dialect;
    double error_ratio;        /* 0 .. 1; 0: every bucket with a call is bad. Default 0.5 */
    uint64_t response_time;    /* 1 .. a day. Default 10000 */
    uint64_t broken_time;      /* up to a day; 0: response_time. Default 0, as the next two */
    uint64_t recovery_time;    /* likewise */
    uint64_t passing_time;     /* the least time in PASSING after a recovery; likewise */
    breaker_statuses_t listed; /* "exceptions". Default none: all are */
    /* "exception_inspector": 0 says that this status does not count as failed. Default NULL */
    breaker_status_fn inspector;
    void *inspector_data;
} breaker_aiomisc_t;

#define breaker_aiomisc_init(options) breaker_aiomisc_init_sized((options), sizeof *(options))
BREAKER_API void breaker_aiomisc_init_sized(breaker_aiomisc_t *options, size_t size);

typedef struct breaker_aiomisc_bucket_s {
    int64_t id; /* its beginning in tenths of a second, by the panel's clock */
    uint32_t failed, ok;
    uint32_t total; /* calls that ended */
} breaker_aiomisc_bucket_t;

/* The statistics, as of now. */
typedef struct breaker_aiomisc_snapshot_s {
    breaker_state_t state;
    int last_error;        /* 0: none, or a success since */
    double recovery_ratio; /* bad buckets of the fresh ones */
    double delay;          /* s, until the state may change again */
    uint64_t calls;        /* asked for, and in which state: */
    uint64_t passing;
    uint64_t broken;
    uint64_t recovering;
    uint64_t recovering_ok; /* of those in RECOVERING, admitted */
    uint64_t recovering_failed;
    unsigned count; /* of buckets, oldest first */
    breaker_aiomisc_bucket_t buckets[10];
} breaker_aiomisc_snapshot_t;

/* Fills it in; changes nothing. UV_EINVAL: the breaker's circuit is not of this dialect. The same holds for
 * the inspections below, which show what this breaker last learnt: breaker_refresh asks the storage. */
BREAKER_API int breaker_aiomisc_inspect(const breaker_t *breaker,
                                        breaker_aiomisc_snapshot_t *snapshot);

/* ---- pybreaker and its family ------------------------------------------------------------------
 * fail_max consecutive failures open the circuit; after reset_timeout the next call is a trial;
 * success_threshold successful trials close it, a failed one opens it again. State, counters and the
 * instant of the opening are in the storage; each breaker learns of what others did when it is next
 * used ("notices"), and tells that as a state change too.
 *
 *                 keys                                     states in the storage
 *   pybreaker     [NAMESPACE:]pybreaker:state, ...         closed open half-open
 *   asyncbreaker  [NAMESPACE:]asyncbreaker:state, ...      the same
 *   aiobreaker    [NAMESPACE:]aiobreaker:state, ...        CLOSED OPEN HALF_OPEN
 *   infuse        infuse[:NAMESPACE]:state, ...            as pybreaker
 *
 * and beside state fail_counter, opened_at and, in the first two, success_counter. The breaker's name is
 * no part of the keys of flavour WIRE: without a namespace, there is one circuit per database, as with
 * the originals. In flavour MEMORY the name is the namespace where none is given.
 *
 * Quirks: a result counts in the state that its call began in, however late: it may open a circuit
 * that is open, or close one that was opened since. Any number of calls may be trials at once. One
 * process' success zeroes the failures of all. Noticing repeats the side effects of a transition. In
 * infuse, noticing that the circuit is open begins the pause anew; in aiobreaker, a breaker created with
 * a reset_timeout of 0 has one of 60 s.
 * Not taken over: infuse closes the circuit when a process starts; aiobreaker cannot go on when its
 * state key is lost.
 *
 * IGNORED, and a FAILURE that is excluded, are successes. CANCELLED is a failure; in aiobreaker it is
 * neither. When the storage fails, the circuit is closed and the counters read 0. */
typedef enum {
    BREAKER_PYBREAKER = 1,
    BREAKER_ASYNCBREAKER = 2, /* documented as pybreaker made async; taken to be so */
    BREAKER_AIOBREAKER = 3,
    BREAKER_INFUSE = 4
} breaker_family_t;

typedef struct breaker_pybreaker_s {
    breaker_dialect_t dialect;
    breaker_family_t variant;
    unsigned fail_max;          /* 0 is as 1. Default 5 */
    unsigned success_threshold; /* 0 is as 1; aiobreaker and infuse have none: 0 or 1. Default 1 */
    uint64_t reset_timeout;     /* up to a day; 0: the next call is a trial. Default 60000 */
    int throw_new_error_on_trip; /* nonzero: the call that opens the circuit ends with BREAKER_ETRIPPED
                                    instead of its own status. Always so in aiobreaker and infuse.
                                    Default 1 */
    breaker_flavour_t flavour;   /* Default BREAKER_FLAVOUR_AUTO */
    const char *key_namespace;   /* up to 255 bytes. Default NULL */
    breaker_statuses_t excluded; /* Default none */
} breaker_pybreaker_t;

#define breaker_pybreaker_init(options) \
    breaker_family_init_sized((options), BREAKER_PYBREAKER, sizeof *(options))
#define breaker_asyncbreaker_init(options) \
    breaker_family_init_sized((options), BREAKER_ASYNCBREAKER, sizeof *(options))
#define breaker_aiobreaker_init(options) \
    breaker_family_init_sized((options), BREAKER_AIOBREAKER, sizeof *(options))
#define breaker_infuse_init(options) \
    breaker_family_init_sized((options), BREAKER_INFUSE, sizeof *(options))
BREAKER_API void breaker_family_init_sized(breaker_pybreaker_t *options, breaker_family_t variant,
                                           size_t size);

/* What this breaker knows of the circuit; the storage may be ahead of it. */
typedef struct breaker_pybreaker_snapshot_s {
    breaker_state_t state;   /* that this breaker acts on */
    breaker_state_t stored;  /* that it last read or wrote */
    int64_t fail_counter;    /* likewise */
    int64_t success_counter; /* likewise */
    int64_t opened_at;       /* wall clock, ms; -1: never */
    uint64_t time_remaining; /* of the pause */
    int last_error;          /* of the last failure of this breaker's own calls */
} breaker_pybreaker_snapshot_t;

BREAKER_API int breaker_pybreaker_inspect(const breaker_t *breaker,
                                          breaker_pybreaker_snapshot_t *snapshot);

/* ---- lasier ------------------------------------------------------------------------------------
 * A circuit is a key that expires: while it is there, calls are refused. Failures and, for rules that
 * want them, requests are counted under keys of the user's own, each for failure_timeout from its first
 * event; a failure that the rule finds one too many sets the circuit's key for circuit_timeout, and the
 * counters are deleted. There is no half-open state.
 *
 *   circuit_<failure_key>   <failure_key>   <request_key>
 *
 * Quirks: the first failure begins the life of the failure key anew, so that failures may outlive the
 * requests they belong to. Only a failure trips. While the circuit is open nothing is counted. The
 * percentage rule wants more requests than min_accepted_requests.
 *
 * IGNORED, CANCELLED and a FAILURE that is not caught are requests, not failures. The call that trips
 * ends with BREAKER_ETRIPPED. When the storage fails, calls are admitted and nothing is counted. */
typedef enum {
    BREAKER_LASIER_MAX = 1,        /* MaxFailuresRule: failures >= max_failures */
    BREAKER_LASIER_PERCENTAGE = 2, /* PercentageFailuresRule: requests > min_accepted_requests and
                                      failures * 100 / requests >= max_failures_percentage */
    BREAKER_LASIER_OWN = 3         /* rule: nonzero trips */
} breaker_lasier_kind_t;

/* A rule of the user's own. requests is 0 unless they are counted. */
typedef int (*breaker_lasier_rule_fn)(void *data, uint64_t failures, uint64_t requests);

typedef struct breaker_lasier_s {
    breaker_dialect_t dialect;
    breaker_lasier_kind_t kind;     /* Default BREAKER_LASIER_MAX */
    unsigned max_failures;          /* >= 1. Default 5 */
    double max_failures_percentage; /* >= 0. Default 50 */
    unsigned min_accepted_requests; /* Default 10 */
    breaker_lasier_rule_fn rule;    /* needed by BREAKER_LASIER_OWN. Default NULL */
    void *rule_data;
    int count_requests;        /* for the rule. Default 0; always so for the percentage */
    uint64_t failure_timeout;  /* whole seconds: 1000 .. a day. Default 60000 */
    uint64_t circuit_timeout;  /* the same */
    const char *failure_key;   /* 1 .. 255 bytes. Default NULL: the breaker's name, :failures */
    const char *request_key;   /* the same. Default NULL: the breaker's name, :requests */
    breaker_statuses_t caught; /* "catch_exceptions". Default none: all are */
} breaker_lasier_t;

#define breaker_lasier_init(options) breaker_lasier_init_sized((options), sizeof *(options))
BREAKER_API void breaker_lasier_init_sized(breaker_lasier_t *options, size_t size);

/* As this breaker last read or wrote it. */
typedef struct breaker_lasier_snapshot_s {
    breaker_state_t state; /* PASSING or BROKEN */
    int64_t failures;
    int64_t requests;
    uint64_t retry_after; /* at most; 0 in PASSING */
    int last_error;
} breaker_lasier_snapshot_t;

BREAKER_API int breaker_lasier_inspect(const breaker_t *breaker,
                                       breaker_lasier_snapshot_t *snapshot);

/* ---- The requests circuit breaker --------------------------------------------------------------
 * eelabs' PercentageCircuitBreaker for the requests library. Answers are logged for ttl; the error that
 * makes minimum_failures errors and percent_failed of the log stops the traffic for
 * re_enable_after_seconds, counted from the whole second of the trip. There is no half-open state.
 *
 *   <service>-PercentCB   <service>-PercentCB-count   <service>-PercentCB-error
 *
 * and, of flavour WIRE, written when a breaker is created and never read: its parameters in
 * <service>-PercentCB-config, and its name in the set all_breakers (not if it is over 128 bytes).
 *
 * Statuses are HTTP's: above 499 is an error, other answers are successes. Negative ones are transport
 * failures, which the original does not see; count_transport makes them errors. That is the classifier
 * of this dialect, used where the policy has none. IGNORED and CANCELLED are not seen.
 *
 * Quirks: a success that was under way when the circuit tripped undoes the trip, for the whole fleet.
 * Every success stores "never tripped" anew. Errors under way at a trip trip again. The logs are not
 * emptied by a trip. The share is computed as 100 / n * e in doubles: 97 errors of 97 are not 100 %.
 *
 * Events: its monitors' success and failure are ON_SUCCESS and ON_FAILURE; trip and reset are
 * ON_STATE_CHANGE to BROKEN and to PASSING. When the storage fails, calls are admitted and nothing is
 * counted. A storage without logs will not do. */
typedef struct breaker_requests_s {
    breaker_dialect_t dialect;
    const char *service;              /* 1 .. 255 bytes. Default NULL: the breaker's name */
    uint64_t ttl;                     /* whole seconds: 1000 .. a day. Default 60000 */
    double percent_failed;            /* >= 0. Default 10 */
    uint64_t re_enable_after_seconds; /* ms; whole seconds: 0 .. a day. Default 180000 */
    unsigned minimum_failures;        /* Default 5 */
    breaker_flavour_t flavour;        /* Default BREAKER_FLAVOUR_AUTO */
    int count_transport;              /* Default 0 */
} breaker_requests_t;

#define breaker_requests_init(options) breaker_requests_init_sized((options), sizeof *(options))
BREAKER_API void breaker_requests_init_sized(breaker_requests_t *options, size_t size);

/* As this breaker last read or wrote it. */
typedef struct breaker_requests_snapshot_s {
    breaker_state_t state;   /* PASSING or BROKEN */
    int64_t local_last_open; /* the copy that it decides on; wall clock, s; 0: never */
    int64_t last_open;       /* that it last read or wrote */
    int64_t count, errors;   /* entries of the logs when it last wrote to them */
    uint64_t retry_after;
    int last_error;
} breaker_requests_snapshot_t;

BREAKER_API int breaker_requests_inspect(const breaker_t *breaker,
                                         breaker_requests_snapshot_t *snapshot);

/* ---- Presets -----------------------------------------------------------------------------------
 * Options for the native circuit: the parameters of each system, what its documentation promises, and
 * none of its quirks. Each sets the fields that it names and leaves all others as breaker_options_init
 * made them, so call that first, and set afterwards what you want otherwise. Values out of range are
 * found by breaker_policy_create. */

/* BROKEN at error_ratio of at least ten calls within response_time; the same sample in RECOVERING, which
 * must show results. broken_time and recovery_time are response_time where they are 0. */
BREAKER_API void breaker_options_aiomisc(breaker_options_t *options, double error_ratio,
                                         uint64_t response_time, uint64_t broken_time,
                                         uint64_t recovery_time, uint64_t passing_time);

/* fail_max failures in a row; one trial at a time after reset_timeout; excluded statuses are successes.
 * All four of the family. For pybreaker's success_threshold, set options->success_threshold. */
BREAKER_API void breaker_options_pybreaker(breaker_options_t *options, unsigned fail_max,
                                           uint64_t reset_timeout);

/* max_failures failures within failure_timeout; nothing for circuit_timeout; then everything. */
BREAKER_API void breaker_options_lasier(breaker_options_t *options, unsigned max_failures,
                                        uint64_t failure_timeout, uint64_t circuit_timeout);

/* More than min_accepted_requests requests within failure_timeout, of which percentage failed. */
BREAKER_API void breaker_options_lasier_percentage(breaker_options_t *options, double percentage,
                                                   unsigned min_accepted_requests,
                                                   uint64_t failure_timeout,
                                                   uint64_t circuit_timeout);

/* minimum_failures failures within ttl, and percent_failed of all; nothing for re_enable_after; then
 * everything. Sets the classifier below, so that transport failures count too. */
BREAKER_API void breaker_options_requests(breaker_options_t *options, uint64_t ttl,
                                          double percent_failed, uint64_t re_enable_after,
                                          unsigned minimum_failures);

/* A classifier for HTTP: above 499 and negative are FAILURE, UV_ECANCELED is CANCELLED, the rest is
 * SUCCESS. data is not used. */
BREAKER_API breaker_outcome_t breaker_classify_http(void *data, int status);

#ifdef __cplusplus
}
#endif

#endif /* BREAKER_DIALECTS_H */
