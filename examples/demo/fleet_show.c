/* The display of the fleet: what each process makes of the service, all under one axis of time.
 */
#include <stdio.h>

#include "fleet.h"

static const struct sample *newest(const struct run *run)
{
    static const struct sample none = {.ratio = -1};

    return run->sample_count > 0 ? &run->samples[run->sample_count - 1] : &none;
}

/* Over the second before the newest sample. */
static double rate_of(const struct run *run, int refused)
{
    static const struct sample zero;
    unsigned back = 1000 / DEMO_SAMPLE;
    const struct sample *b = newest(run);
    const struct sample *a = run->sample_count > back ? b - back : &zero;
    const struct flow *earlier = &a->flow[DOOR_WITH], *later = &b->flow[DOOR_WITH];

    return live_rate(refused ? earlier->refused : earlier->sent,
                     refused ? later->refused : later->sent, b->time - a->time);
}

static void show_frame(struct live *live, const struct fleet *fleet, double now)
{
    unsigned i;

    live_again(live);
    live_time(live, now);
    live_service(live, &fleet->members[0].run);
    for (i = 0; i < FLEET_SIZE; i++) {
        const struct run *run = &fleet->members[i].run;

        printf("  process %u ", i + 1);
        live_states(live, run);
        printf(", %.0f/s sent, %.0f/s refused", rate_of(run, 0), rate_of(run, 1));
        live_line(live);
    }
    fflush(stdout);
}

static void tell_line(const struct fleet *fleet, double now)
{
    unsigned i;

    printf("%3.0f s  service %-7s", now / 1000, health_text(health_at(now)));
    for (i = 0; i < FLEET_SIZE; i++) {
        const struct run *run = &fleet->members[i].run;

        printf("  | %u %-10s %2.0f/s sent %2.0f/s refused", i + 1,
               breaker_state_name(newest(run)->state), rate_of(run, 0), rate_of(run, 1));
    }
    putchar('\n');
    fflush(stdout);
}

void fleet_show(struct live *live, const struct fleet *fleet)
{
    double now = run_time(&fleet->members[0].run);

    if (live->in_place) {
        show_frame(live, fleet, now < DEMO_END ? now : DEMO_END);
    } else if (++live->told % (1000 / DEMO_SAMPLE) == 0 && now < DEMO_END + 500) {
        tell_line(fleet, now);
    }
}
