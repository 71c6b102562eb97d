/* What the parts of the demo of a fleet share: three processes with one circuit in Redis.
 *
 *   fleet.c          the parent: starts Redis, the service and the processes, and ends them
 *   fleet_client.c   one of the processes; tells the parent what happens to it, in lines
 *   fleet_member.c   the parent's side of it
 *   fleet_redis.c    the redis-server
 *   fleet_show.c     the display
 *   fleet_report.c   the verdict and the summary
 *   fleet_draw.c     the picture
 */
#ifndef FLEET_DEMO_H
#define FLEET_DEMO_H

#include <sys/types.h>

#include "demo.h"

#define FLEET_SIZE DEMO_DOORS_MAX

/* Requests a second. The last one makes too few to judge by itself: 20 in a second are needed. */
static const unsigned fleet_rates[FLEET_SIZE] = {60, 30, 10};
#define FLEET_RATE 100 /* of all */

/* Redis' work is counted over each part of the script. */
enum { PART_WELL, PART_SICK, PART_HEALED, FLEET_PARTS };

struct redis {
    pid_t pid;
    char directory[64];
    char path[96]; /* of its socket */
};

struct member {
    uv_process_t process;
    uv_pipe_t told;
    char line[256];
    size_t length;
    int is_over;         /* the process */
    int64_t exit_status; /* below 0: a signal, or a libuv error */
    char trouble[160];   /* with the storage, in words; "": none */
    struct run run;      /* DOOR_WITH only; its start is the fleet's */
};

struct fleet {
    struct service service;
    struct redis redis;
    struct member members[FLEET_SIZE];
    unsigned long long served[FLEET_PARTS + 1]; /* transactions, at the beginning of each part */
    double served_at[FLEET_PARTS + 1];
    unsigned parts; /* looked at */
};

/* ---- Redis. What cannot be done is told on stderr; then the result is negative. */
int redis_start(struct redis *redis);
void redis_end(struct redis *redis);
/* How many transactions it has served, by its own count; -1: it did not say. */
long long redis_served(const struct redis *redis);

/* ---- Processes */
int member_start(struct member *member, uv_loop_t *loop, const char *program,
                 const struct fleet *fleet);
void member_end(struct member *member, int number);

/* ---- What it came to */
struct fleet_findings {
    unsigned asked_sick; /* requests that users made while the service was sick */
    unsigned hits;       /* of these, those that reached it */
    double first_broke;  /* ms from the first trouble to the first that broke; below 0: none did */
    int first;           /* which */
    double broke_after[FLEET_SIZE];     /* ms after the first; below 0: never */
    double recovered_after[FLEET_SIZE]; /* ms from the healing to PASSING for good; below 0: not */
    unsigned false_trips;
    double served[FLEET_PARTS]; /* transactions a second; below 0: not known */
};

void fleet_findings_make(struct fleet_findings *findings, const struct fleet *fleet);
/* Returns whether the breakers did their job together. */
int fleet_report_print(const struct fleet *fleet, const struct fleet_findings *findings);
int fleet_draw(const char *path, const struct fleet *fleet, const struct fleet_findings *findings);

void fleet_show(struct live *live, const struct fleet *fleet);

#endif /* FLEET_DEMO_H */
