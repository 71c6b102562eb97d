/* What the parts of the demo share: the script of the service, the two streams of requests, and the
 * record of the run that the display, the summary and the picture are made from.
 */
#ifndef DEMO_H
#define DEMO_H

#include <breaker.h>
#include <stdatomic.h>
#include <stdint.h>
#include <uv.h>

/* ---- The script, in ms since the start. The service is well, stalls, fails, and is well again. */
#define DEMO_STALLS_FROM 4000
#define DEMO_FAILS_FROM 8000
#define DEMO_HEALS_AT 12000
#define DEMO_END 20000

#define DEMO_RATE 100     /* requests a second in each stream */
#define DEMO_PATIENCE 300 /* ms: the time limit of a request, the same in both streams */

enum health { HEALTH_WELL, HEALTH_STALLS, HEALTH_FAILS };

enum health health_at(double ms);
const char *health_text(enum health health);

/* For what is counted in stretches of DEMO_STRETCH ms. */
#define DEMO_STRETCH 200
#define DEMO_STRETCHES (DEMO_END / DEMO_STRETCH)

static inline unsigned demo_stretch(double ms)
{
    unsigned stretch = ms > 0 ? (unsigned)(ms / DEMO_STRETCH) : 0;

    return stretch < DEMO_STRETCHES ? stretch : DEMO_STRETCHES - 1;
}

/* ---- The service: a few doors to the same behaviour, in a thread and a loop of its own. */
enum door { DOOR_WITH, DOOR_WITHOUT, DOORS };
#define DEMO_DOORS_MAX 3

struct service {
    uint64_t start; /* uv_hrtime at the script's zero */
    unsigned doors;
    int port[DEMO_DOORS_MAX];
    atomic_uint sick_hits[DEMO_DOORS_MAX]; /* requests that reached it while it was not well */
    atomic_uint loads[DEMO_DOORS_MAX][DEMO_STRETCHES]; /* requests that reached it, and when */
    int status;

    uv_thread_t thread;
    uv_sem_t ready;
    uv_loop_t loop;
    uv_tcp_t listener[DEMO_DOORS_MAX];
    uv_async_t stop;
    struct visit *visits; /* connections that are open */
};

/* Returns 0 when all doors are open, or a libuv error. */
int service_start(struct service *service, unsigned doors, uint64_t start);
void service_stop(struct service *service);

/* ---- The streams */
struct flow { /* how the requests ended, as their users saw it */
    unsigned asked;
    unsigned sent; /* admitted, where there is a breaker */
    unsigned answered;
    unsigned failed;
    unsigned refused;
};

struct stream {
    struct run *run;
    enum door door;
    int port;
    breaker_t *breaker; /* NULL: the stream without one */
    struct flow flow;
    unsigned refused_when_well; /* refused from the moment on at which the service had healed */
    double waited;              /* ms that users waited for requests that failed, in all */
};

/* Sends one request. */
void stream_send(struct stream *stream);

/* ---- The record of the run */
#define DEMO_SAMPLE 100 /* ms */
#define DEMO_SAMPLES_MAX (DEMO_END / DEMO_SAMPLE + 1)
#define DEMO_CHANGES_MAX 64

struct sample {
    double time; /* ms */
    breaker_state_t state;
    double ratio; /* as below */
    struct flow flow[DOORS];
};

/* The ratio of failures as the breaker sees it, at each sample and at each decision; below 0 where it
 * has no evidence. */
struct ratio {
    double time; /* ms */
    double ratio;
};

/* What became of the requests that were made within one stretch. */
struct fate {
    unsigned answered, failed, refused;
};

struct change {
    double time; /* ms */
    breaker_state_t from, to;
    breaker_counts_t counts;
    int elsewhere; /* another process made it */
};

struct run {
    uint64_t start; /* uv_hrtime */
    struct service service;
    struct stream stream[DOORS];
    struct sample samples[DEMO_SAMPLES_MAX];
    unsigned sample_count;
    struct ratio ratios[DEMO_SAMPLES_MAX + 2 * DEMO_CHANGES_MAX];
    unsigned ratio_count;
    struct fate fates[DOORS][DEMO_STRETCHES];
    struct change changes[DEMO_CHANGES_MAX];
    unsigned change_count;
};

/* ms since the start of the run. */
double run_time(const struct run *run);

void run_note_sample(struct run *run, breaker_t *breaker);
void run_note_change(struct run *run, const breaker_event_t *event);

/* The requests that are due by now, of so many a second, and whether all of a stream have ended. */
unsigned run_due(const struct run *run, unsigned rate);
int stream_ended(const struct stream *stream);

/* The breaker that both demos use. min_reporters: see the fleet in breaker.h. */
int demo_breaker(breaker_t **breaker, breaker_panel_t *panel, unsigned min_reporters);

/* ---- The two demos; what they return is the exit status. */
int solo_main(const char *picture);
int fleet_main(const char *picture);
int fleet_client_main(int count, char **arguments);

/* The fate of the requests made at that time through that door. */
struct fate *run_fate(struct run *run, enum door door, double asked);

/* ---- What the run came to */
struct findings {
    unsigned sick_hits[DOORS];
    double tripped_after;   /* ms from the first trouble to the trip; below 0: never */
    double recovered_after; /* ms from the healing to PASSING for good; below 0: not */
    unsigned tripped_on;    /* the results that the trip was made on */
    unsigned false_trips;   /* while the service was well from the start */
};

void findings_make(struct findings *findings, const struct run *run);

/* Prints the summary; returns whether the breaker did its job. */
int report_print(const struct run *run, const struct findings *findings);

/* Writes the picture. Returns 0 or a libuv error. */
int draw_svg(const char *path, const struct run *run, const struct findings *findings);

/* ---- The display */
struct live {
    int in_place; /* a terminal: redraw; otherwise a line a second */
    int colours;
    int utf8;
    unsigned lines; /* on the screen now */
    unsigned told;  /* samples until the last plain line */
};

void live_start(struct live *live, const char *intro);
void live_update(struct live *live, const struct run *run);
void live_end(struct live *live);

/* Its pieces. */
void live_line(struct live *live);  /* ends one */
void live_again(struct live *live); /* back to the first line */
void live_time(struct live *live, double ms);
void live_service(struct live *live, const struct run *run);
void live_states(struct live *live, const struct run *run);
double live_rate(unsigned earlier, unsigned later, double ms);

#endif /* DEMO_H */
