/* What the run of a fleet came to: the findings, whether the breakers did their job together, and
 * the summary for people.
 */
#include <stdio.h>

#include "fleet.h"

#define HITS_SHARE_MAX 0.25 /* of the requests made while the service was sick */
#define TOGETHER 500 /* ms: those who break later than this after the first are not together */

static void look_at(struct fleet_findings *findings, const struct run *run, int index)
{
    double broke = -1, recovered = -1;
    unsigned i;

    for (i = 0; i < run->change_count; i++) {
        const struct change *change = &run->changes[i];

        if (change->to == BREAKER_BROKEN && change->time < DEMO_STALLS_FROM) {
            findings->false_trips++;
        } else if (change->to == BREAKER_BROKEN && broke < 0) {
            broke = change->time - DEMO_STALLS_FROM;
        }
        recovered = -1; /* whatever was before did not last */
        if (change->to == BREAKER_PASSING && change->time >= DEMO_HEALS_AT) {
            recovered = change->time - DEMO_HEALS_AT;
        }
    }
    findings->broke_after[index] = broke; /* until the first is known */
    findings->recovered_after[index] = recovered;
    if (broke >= 0 && (findings->first_broke < 0 || broke < findings->first_broke)) {
        findings->first_broke = broke;
        findings->first = index;
    }
}

static void look_at_traffic(struct fleet_findings *findings, const struct fleet *fleet)
{
    unsigned part;

    for (part = 0; part < FLEET_PARTS; part++) {
        double ms = fleet->served_at[part + 1] - fleet->served_at[part];

        findings->served[part] = -1;
        if (part + 1 < fleet->parts && ms > 0) {
            findings->served[part] =
                (double)(fleet->served[part + 1] - fleet->served[part]) * 1000 / ms;
        }
    }
}

void fleet_findings_make(struct fleet_findings *findings, const struct fleet *fleet)
{
    int i;

    *findings = (struct fleet_findings){.first_broke = -1};
    findings->asked_sick = FLEET_RATE * (DEMO_HEALS_AT - DEMO_STALLS_FROM) / 1000;
    for (i = 0; i < FLEET_SIZE; i++) {
        findings->hits += atomic_load(&fleet->service.sick_hits[i]);
        look_at(findings, &fleet->members[i].run, i);
    }
    for (i = 0; i < FLEET_SIZE; i++) {
        if (findings->broke_after[i] >= 0) {
            findings->broke_after[i] -= findings->first_broke;
        }
    }
    look_at_traffic(findings, fleet);
}

static int wrong(const char *text)
{
    printf("  WRONG: %s\n", text);
    return 0;
}

static void print_times(const char *title, const double *times)
{
    int i;

    printf("\n  %-34s", title);
    for (i = 0; i < FLEET_SIZE; i++) {
        if (times[i] < 0) {
            printf("%12s", "never");
        } else {
            printf("%12.0f", times[i]);
        }
    }
}

static void print_table(const struct fleet *fleet, const struct fleet_findings *findings)
{
    int i;

    printf("\n  %-34s%12s%12s%12s\n", "", "process 1", "process 2", "process 3");
    printf("  %-34s", "requests that users made");
    for (i = 0; i < FLEET_SIZE; i++) {
        printf("%12u", fleet->members[i].run.stream[DOOR_WITH].flow.asked);
    }
    printf("\n  %-34s", "    of these, refused at once");
    for (i = 0; i < FLEET_SIZE; i++) {
        printf("%12u", fleet->members[i].run.stream[DOOR_WITH].flow.refused);
    }
    printf("\n  %-34s", "requests that hit the sick service");
    for (i = 0; i < FLEET_SIZE; i++) {
        printf("%12u", atomic_load(&fleet->service.sick_hits[i]));
    }
    print_times("broke after the first, ms", findings->broke_after);
    print_times("passed again after the healing, ms", findings->recovered_after);
    printf("\n\n");
}

static int judge_members(const struct fleet *fleet, const struct fleet_findings *findings)
{
    int i, good = 1;
    char text[256];

    for (i = 0; i < FLEET_SIZE; i++) {
        const struct member *member = &fleet->members[i];

        if (member->exit_status != 0) {
            snprintf(text, sizeof text, "process %d ended with status %d.", i + 1,
                     (int)member->exit_status);
            good = wrong(text);
        }
        if (member->trouble[0] != '\0') {
            snprintf(text, sizeof text, "process %d lost Redis: %s.", i + 1, member->trouble);
            good = wrong(text);
        }
        if (findings->broke_after[i] < 0 || findings->broke_after[i] > TOGETHER) {
            snprintf(text, sizeof text, "process %d did not break with the first.", i + 1);
            good = wrong(text);
        }
        if (findings->recovered_after[i] < 0) {
            snprintf(text, sizeof text, "process %d did not recover.", i + 1);
            good = wrong(text);
        }
    }
    return good;
}

static void print_traffic(const struct fleet_findings *findings)
{
    if (findings->served[PART_HEALED] >= 0) {
        printf(
            "  Redis served %.0f transactions a second while the service was well, %.0f while it "
            "was sick,\n  and %.0f after it had healed, by its own count.\n",
            findings->served[PART_WELL], findings->served[PART_SICK],
            findings->served[PART_HEALED]);
    }
}

int fleet_report_print(const struct fleet *fleet, const struct fleet_findings *findings)
{
    double share = (double)findings->hits / findings->asked_sick;
    double last_broke = 0, last_recovered = 0;
    int i, good = 1;

    print_table(fleet, findings);
    if (findings->false_trips > 0) {
        good = wrong("a breaker tripped while the service was well.");
    }
    good &= judge_members(fleet, findings);
    for (i = 0; i < FLEET_SIZE; i++) {
        if (findings->broke_after[i] > last_broke) {
            last_broke = findings->broke_after[i];
        }
        if (findings->recovered_after[i] > last_recovered) {
            last_recovered = findings->recovered_after[i];
        }
    }
    if (share > HITS_SHARE_MAX) {
        good = wrong("the sick service still got too many of the requests.");
    }
    if (good) {
        printf(
            "  Process %d broke %.2f s after the service fell sick, and the others within %.0f ms "
            "of it;\n  process 3 makes too few requests to find out alone.\n",
            findings->first + 1, findings->first_broke / 1000, last_broke);
        printf("  The sick service saw %u of the %u requests that were made meanwhile (%.0f %%).\n",
               findings->hits, findings->asked_sick, share * 100);
        printf("  %.2f s after it had healed, all calls of all processes passed again.\n",
               last_recovered / 1000);
    }
    print_traffic(findings);
    return good;
}
