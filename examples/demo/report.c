/* What the run came to: the findings, whether the breaker did its job, and the summary for people. */
#include <stdio.h>

#include "demo.h"

/* The breaker did its job if it tripped, if at most this share of what hit the sick service without it
 * still did so with it, and if it was PASSING again at the end. */
#define HITS_SHARE_MAX 0.25

void findings_make(struct findings *findings, const struct run *run)
{
    unsigned i;

    findings->sick_hits[DOOR_WITH] = atomic_load(&run->service.sick_hits[DOOR_WITH]);
    findings->sick_hits[DOOR_WITHOUT] = atomic_load(&run->service.sick_hits[DOOR_WITHOUT]);
    findings->tripped_after = findings->recovered_after = -1;
    findings->tripped_on = findings->false_trips = 0;
    for (i = 0; i < run->change_count; i++) {
        const struct change *change = &run->changes[i];

        if (change->to == BREAKER_BROKEN && change->time < DEMO_STALLS_FROM) {
            findings->false_trips++;
        } else if (change->to == BREAKER_BROKEN && findings->tripped_after < 0) {
            findings->tripped_after = change->time - DEMO_STALLS_FROM;
            findings->tripped_on = change->counts.ok + change->counts.failed;
        }
        findings->recovered_after = -1; /* whatever was before did not last */
        if (change->to == BREAKER_PASSING && change->time >= DEMO_HEALS_AT) {
            findings->recovered_after = change->time - DEMO_HEALS_AT;
        }
    }
}

static void row(const char *title, double with, double without, const char *unit)
{
    if (*unit == '\0') {
        printf("  %-46s%12.0f%14.0f\n", title, with, without);
    } else {
        printf("  %-46s%10.1f %s%12.1f %s\n", title, with, unit, without, unit);
    }
}

static double mean(double sum, unsigned count)
{
    return count > 0 ? sum / count : 0;
}

static void print_table(const struct run *run, const struct findings *findings)
{
    const struct stream *with = &run->stream[DOOR_WITH], *without = &run->stream[DOOR_WITHOUT];

    printf("\n  %-46s%12s%14s\n", "", "with breaker", "without");
    row("requests that users made", with->flow.asked, without->flow.asked, "");
    row("requests that hit the sick service", findings->sick_hits[DOOR_WITH],
        findings->sick_hits[DOOR_WITHOUT], "");
    row("requests that users saw fail", with->flow.failed + with->flow.refused,
        without->flow.failed, "");
    row("    of these, refused at once", with->flow.refused, 0, "");
    row("        of these, after it had healed", with->refused_when_well, 0, "");
    row("time that users waited for them, in all", with->waited / 1000, without->waited / 1000,
        "s");
    row("    each, on the average", mean(with->waited, with->flow.failed + with->flow.refused),
        mean(without->waited, without->flow.failed), "ms");
    putchar('\n');
}

int report_print(const struct run *run, const struct findings *findings)
{
    unsigned with = findings->sick_hits[DOOR_WITH], without = findings->sick_hits[DOOR_WITHOUT];
    int good = 1;

    print_table(run, findings);
    if (findings->false_trips > 0) {
        printf("  WRONG: the breaker tripped while the service was well.\n");
        good = 0;
    }
    if (findings->tripped_after >= 0) {
        printf("  It tripped %.2f s after the service fell sick, on the results of %u calls.\n",
               findings->tripped_after / 1000, findings->tripped_on);
    } else {
        printf("  WRONG: the breaker never tripped.\n");
        good = 0;
    }
    if (with > without * HITS_SHARE_MAX) {
        printf("  WRONG: the sick service still got %.0f %% of the requests.\n",
               without > 0 ? with * 100.0 / without : 100.0);
        good = 0;
    } else {
        printf("  The sick service was spared %.0f %% of the requests.\n",
               without > 0 ? 100 - with * 100.0 / without : 0);
    }
    if (findings->recovered_after >= 0) {
        printf("  %.2f s after the service had healed, all calls passed again.\n",
               findings->recovered_after / 1000);
    } else {
        printf("  WRONG: the breaker did not recover.\n");
        good = 0;
    }
    return good;
}
