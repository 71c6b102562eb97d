/* The display while the demo runs: lines redrawn in place on a terminal, a line a second anywhere
 * else. NO_COLOR takes the colours away, a locale without UTF-8 the blocks.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

#define WIDTH 40 /* of the bar and of the strips */

static const char green[] = "\033[32m", yellow[] = "\033[33m", red[] = "\033[31m";
static const char dim[] = "\033[2m", bold[] = "\033[1m", plain[] = "\033[0m";

void live_start(struct live *live, const char *intro)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");

    setlocale(LC_CTYPE, "");
    live->in_place = isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    live->colours = live->in_place && (no_color == NULL || *no_color == '\0');
    live->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    printf("\n  %s\n\n", intro);
    if (live->in_place) {
        fputs("\033[?25l\033[?7l", stdout); /* no cursor, no wrapped lines */
    }
    fflush(stdout);
}

void live_end(struct live *live)
{
    if (live->in_place) {
        fputs("\033[?25h\033[?7h", stdout);
    }
    fflush(stdout);
}

static const char *paint(const struct live *live, const char *colour)
{
    return live->colours ? colour : "";
}

static const char *state_colour(breaker_state_t state)
{
    return state == BREAKER_PASSING ? green : state == BREAKER_BROKEN ? red : yellow;
}

static const char *health_colour(enum health health)
{
    return health == HEALTH_WELL ? green : health == HEALTH_STALLS ? yellow : red;
}

/* ---- Rates, over the second before the last sample */

struct rates {
    double sent, answered, failed, refused;
};

double live_rate(unsigned earlier, unsigned later, double ms)
{
    return ms > 0 ? (later - earlier) * 1000.0 / ms : 0;
}

static struct rates rates_now(const struct run *run, enum door door)
{
    static const struct sample zero;
    unsigned back = 1000 / DEMO_SAMPLE;
    const struct sample *last = &run->samples[run->sample_count - 1];
    const struct sample *first = run->sample_count > back ? last - back : &zero;
    const struct flow *a = &first->flow[door], *b = &last->flow[door];
    double ms = last->time - first->time;
    struct rates rates;

    rates.sent = live_rate(a->sent, b->sent, ms);
    rates.answered = live_rate(a->answered, b->answered, ms);
    rates.failed = live_rate(a->failed, b->failed, ms);
    rates.refused = live_rate(a->refused, b->refused, ms);
    return rates;
}

/* ---- Without a terminal */

static void tell_line(struct live *live, const struct run *run)
{
    const struct sample *last = &run->samples[run->sample_count - 1];
    struct rates with = rates_now(run, DOOR_WITH), without = rates_now(run, DOOR_WITHOUT);
    char ratio[16] = "   -";

    if (++live->told % (1000 / DEMO_SAMPLE) != 0) {
        return;
    }
    if (last->ratio >= 0) {
        snprintf(ratio, sizeof ratio, "%3.0f%%", last->ratio * 100);
    }
    printf("%3.0f s  service %-7s  breaker %-10s  errors %s  admitted %3.0f/s  refused %3.0f/s  "
           "failed %3.0f/s | without: failed %3.0f/s\n",
           last->time / 1000, health_text(health_at(last->time)), breaker_state_name(last->state),
           ratio, with.sent, with.refused, with.failed, without.failed);
    fflush(stdout);
}

/* ---- On a terminal */

void live_line(struct live *live)
{
    fputs("\033[K\n", stdout);
    live->lines++;
}

static void show_bar(struct live *live, double share, const char *colour)
{
    int cell, full = (int)(share * WIDTH + 0.5);

    fputs(paint(live, colour), stdout);
    for (cell = 0; cell < WIDTH; cell++) {
        if (cell == full) {
            fputs(paint(live, plain), stdout);
            fputs(paint(live, dim), stdout);
        }
        fputs(cell < full ? (live->utf8 ? "█" : "#") : (live->utf8 ? "░" : "-"), stdout);
    }
    fputs(paint(live, plain), stdout);
}

/* What the breaker (or the service) was like from the beginning until now. */
static void show_strip(struct live *live, const struct run *run, int of_breaker)
{
    unsigned cell, per_cell = DEMO_END / DEMO_SAMPLE / WIDTH;
    const char *letters = of_breaker ? "PBR" : ".sf";

    for (cell = 0; cell < WIDTH; cell++) {
        const struct sample *sample = &run->samples[cell * per_cell];
        enum health health = health_at(sample->time);

        if (cell * per_cell >= run->sample_count) {
            putchar(' ');
        } else if (live->colours && live->utf8) {
            printf("%s█", of_breaker ? state_colour(sample->state) : health_colour(health));
        } else {
            putchar(letters[of_breaker ? (int)sample->state : (int)health]);
        }
    }
    fputs(paint(live, plain), stdout);
}

void live_again(struct live *live)
{
    if (live->lines > 0) {
        printf("\033[%uA", live->lines);
    }
    live->lines = 0;
}

void live_time(struct live *live, double ms)
{
    double share = ms / DEMO_END;

    printf("  time      ");
    show_bar(live, share < 1 ? share : 1, bold);
    printf(" %.1f s", ms / 1000);
    live_line(live);
}

void live_service(struct live *live, const struct run *run)
{
    enum health health =
        health_at(run->sample_count > 0 ? run->samples[run->sample_count - 1].time : 0);

    printf("  service   ");
    show_strip(live, run, 0);
    printf(" %s%s%s%s", paint(live, bold), paint(live, health_colour(health)), health_text(health),
           paint(live, plain));
    live_line(live);
}

void live_states(struct live *live, const struct run *run)
{
    breaker_state_t state =
        run->sample_count > 0 ? run->samples[run->sample_count - 1].state : BREAKER_PASSING;

    show_strip(live, run, 1);
    printf(" %s%s%s%s", paint(live, bold), paint(live, state_colour(state)),
           breaker_state_name(state), paint(live, plain));
}

static void show_rates(struct live *live, const char *title, struct rates rates)
{
    printf("  %-14s%8.0f/s", title, rates.sent);
    printf("%s%10.0f/s%s", paint(live, rates.answered > 0 ? green : dim), rates.answered,
           paint(live, plain));
    printf("%s%10.0f/s%s", paint(live, rates.failed > 0 ? red : dim), rates.failed,
           paint(live, plain));
    printf("%s%10.0f/s%s", paint(live, rates.refused > 0 ? yellow : dim), rates.refused,
           paint(live, plain));
    live_line(live);
}

static void show_breaker(struct live *live, const struct sample *last, const struct run *run)
{
    printf("  breaker   ");
    live_states(live, run);
    if (last->state == BREAKER_BROKEN) {
        printf(", next try in %.1f s",
               (double)breaker_retry_after(run->stream[DOOR_WITH].breaker) / 1000);
    }
    live_line(live);
    printf("  errors    ");
    show_bar(live, last->ratio > 0 ? last->ratio : 0, last->ratio < 0.5 ? green : red);
    if (last->ratio >= 0) {
        printf(" %.0f %%", last->ratio * 100);
    }
    live_line(live);
}

static void show_frame(struct live *live, const struct run *run)
{
    const struct sample *last = &run->samples[run->sample_count - 1];

    live_again(live);
    live_time(live, last->time);
    live_service(live, run);
    show_breaker(live, last, run);
    live_line(live);
    printf("%s  %-14s%10s%12s%12s%12s%s", paint(live, dim), "", "sent", "answered", "failed",
           "refused", paint(live, plain));
    live_line(live);
    show_rates(live, "with breaker", rates_now(run, DOOR_WITH));
    show_rates(live, "without", rates_now(run, DOOR_WITHOUT));
    fflush(stdout);
}

void live_update(struct live *live, const struct run *run)
{
    if (live->in_place) {
        show_frame(live, run);
    } else {
        tell_line(live, run);
    }
}
