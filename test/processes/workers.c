/* Knows how the test leads its processes: started, asked together, ended. What a process does not
 * hear because it does not listen yet it learns when it is asked, and some of them never are. */
#include "workers.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct crew *shown; /* by crew_tell */

bool crew_tell(void)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct worker *w = &shown->workers[i];
        print_error("worker %u: pid %d state %d hold %d asked %u admitted %u refused %u order %d "
                    "lost %u found %u events",
                    i, (int)w->pid, w->state, w->held, w->asked, w->admitted, w->refused, w->order,
                    w->lost, w->found);
        for (unsigned k = 0; k < w->event_count; k++)
            print_error(" %d%s%d", (int)w->events[k].from, w->events[k].elsewhere ? "<" : ">",
                        (int)w->events[k].to);
        print_error("\n");
    }
    return true;
}

int crew_begin(void **state)
{
    struct crew_rig *rig = calloc(1, sizeof *rig);

    rig->crew =
        mmap(NULL, sizeof *rig->crew, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(rig->crew != MAP_FAILED);
    shown = rig->crew;
    server_start(&rig->server, false);
    *state = rig;
    return 0;
}

int crew_end(void **state)
{
    struct crew_rig *rig = *state;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        crew_kill(rig, i);
    if (rig->server.pid) /* whatever happened to the processes, each key they left goes by itself */
        server_assert_no_key_stays(&rig->server, "*");
    server_end(&rig->server);
    munmap(rig->crew, sizeof *rig->crew);
    free(rig);
    return 0;
}

void crew_kill(struct crew_rig *rig, unsigned index)
{
    struct worker *worker = &rig->crew->workers[index];

    if (worker->pid > 0) {
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, NULL, 0);
        worker->pid = 0;
    }
}

/* Those that hear the bell. */
static long long listeners(struct crew_rig *rig)
{
    redisReply *reply = server_ask(&rig->server, "PUBSUB NUMSUB {crew}:1:n");
    long long count = reply->elements == 2 ? reply->element[1]->integer : 0;

    freeReplyObject(reply);
    return count;
}

void crew_start(struct crew_rig *rig, const breaker_options_t *options, unsigned rate)
{
    crew_start_with(rig, options, 1, rate, WORKERS);
}

void crew_start_with(struct crew_rig *rig, const breaker_options_t *options, unsigned policies,
                     unsigned rate, unsigned count)
{
    struct crew *crew = rig->crew;
    pid_t parent = getpid();

    crew->count = count;
    for (unsigned i = 0; i < count; i++) {
        crew->workers[i].rate = rate;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                _exit(1);
            worker_live(crew, &crew->workers[i], rig->server.path, &options[i % policies]);
        }
        crew->workers[i].pid = pid;
    }
    for (unsigned i = 0; i < count; i++)
        CREW_UNTIL(crew->workers[i].is_up);
    CREW_UNTIL(listeners(rig) == count);
    CREW_UNTIL(server_calls(&rig->server, "evalsha") >= count); /* and know Redis' clock */
}

static bool runs(const struct worker *worker)
{
    return worker->pid > 0;
}

unsigned crew_running(const struct crew *crew)
{
    unsigned count = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        count += runs(&crew->workers[i]);
    return count;
}

unsigned crew_count(const struct crew *crew, breaker_state_t state)
{
    unsigned count = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        count += runs(&crew->workers[i]) && crew->workers[i].state == (int)state;
    return count;
}

unsigned crew_held(const struct crew *crew, breaker_hold_t hold)
{
    unsigned count = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        count += runs(&crew->workers[i]) && crew->workers[i].held == (int)hold;
    return count;
}

unsigned crew_sum(const struct crew *crew, size_t counter)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        sum += atomic_load(
            (const atomic_uint *)(const void *)((const char *)&crew->workers[i] + counter));
    return sum;
}

void crew_order(struct crew *crew, unsigned index, enum order order, breaker_hold_t hold)
{
    struct worker *worker = &crew->workers[index];

    worker->hold = (int)hold;
    worker->order = order;
    CREW_UNTIL(worker->order == ORDER_NONE);
    assert_int_equal(worker->order_status, 0);
}

void crew_forget_events(struct crew *crew)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        crew->workers[i].event_count = 0;
}

unsigned crew_told(const struct worker *worker, breaker_state_t to, int elsewhere)
{
    unsigned count = 0;

    for (unsigned i = 0; i < worker->event_count; i++)
        count += worker->events[i].to == to && worker->events[i].elsewhere == elsewhere;
    return count;
}
