/* The picture of a fleet's run: the states of its processes in bands under that of the service,
 * and what the service saw of each process.
 */
#include <stdio.h>

#include "fleet.h"
#include "svg.h"

#define RATE_TOP 112.0

static const struct svg_panel load_panel = {296, 646};
static const char *const colours[FLEET_SIZE] = {"#3c6e9b", "#6fa3c7", "#b4d0e2"};

struct picture {
    const struct fleet *fleet;
    const struct fleet_findings *findings;
};

/* What came of the first so many processes in a stretch, as a share of the axis. */
static double height_of(const struct fleet *fleet, unsigned processes, unsigned stretch)
{
    unsigned i, count = 0;

    for (i = 0; i < processes; i++) {
        count += atomic_load(&fleet->service.loads[i][stretch]);
    }
    return count * (1000.0 / DEMO_STRETCH) / RATE_TOP;
}

static void draw_load(FILE *out, const struct fleet *fleet, unsigned processes)
{
    unsigned i;

    fprintf(out, "<path d=\"M%.1f %.1f", svg_x(0), load_panel.bottom);
    for (i = 0; i < DEMO_STRETCHES; i++) {
        double y = svg_y(&load_panel, height_of(fleet, processes, i));

        fprintf(out, "L%.1f %.1fL%.1f %.1f", svg_x(i * DEMO_STRETCH), y,
                svg_x((i + 1) * DEMO_STRETCH), y);
    }
    fprintf(out, "L%.1f %.1fZ\" fill=\"%s\"/>\n", svg_x(DEMO_END), load_panel.bottom,
            colours[processes - 1]);
}

static void draw_legend(FILE *out)
{
    double x = LEFT, y = 704;
    char name[64];
    unsigned i;

    for (i = 0; i < FLEET_SIZE; i++) {
        snprintf(name, sizeof name, "process %u, %u a second", i + 1, fleet_rates[i]);
        svg_key(out, &x, y, colours[i], name, 210);
    }
    svg_rule(out, x, y - 4, x + 22, y - 4, "class=\"limit\"");
    svg_text(out, x + 30, y, "class=\"key\"", "what users asked for");
}

static void draw_cards(FILE *out, const struct fleet_findings *findings)
{
    double broke = -1, recovered = -1;
    char figure[64];
    int i, all_recovered = 1;

    for (i = 0; i < FLEET_SIZE; i++) {
        broke = findings->broke_after[i] > broke ? findings->broke_after[i] : broke;
        recovered =
            findings->recovered_after[i] > recovered ? findings->recovered_after[i] : recovered;
        all_recovered &= findings->recovered_after[i] >= 0;
    }
    snprintf(figure, sizeof figure, "%u of %u", findings->hits, findings->asked_sick);
    svg_card(out, 0, figure, "requests hit the sick service");
    snprintf(figure, sizeof figure, "%.2f s", findings->first_broke / 1000);
    svg_card(out, 1, findings->first_broke >= 0 ? figure : "never",
             "from trouble to the first trip");
    snprintf(figure, sizeof figure, "%.0f ms", broke);
    svg_card(out, 2, broke >= 0 ? figure : "never", "later, the last one had broken");
    snprintf(figure, sizeof figure, "%.2f s", recovered / 1000);
    svg_card(out, 3, all_recovered ? figure : "never", "from the healing to all calls");
}

static void draw(FILE *out, const void *data)
{
    const struct picture *picture = data;
    const struct fleet *fleet = picture->fleet;
    double asked = svg_y(&load_panel, FLEET_RATE / RATE_TOP);
    char label[32];
    unsigned i;

    svg_open(out, "A service falls sick and heals, and three processes share a circuit breaker");
    svg_text(out, 44, 82, SVG_FAINT_LABEL,
             "three processes, one circuit in Redis; each request has a time limit of %d ms; all "
             "figures are measured in this run",
             DEMO_PATIENCE);
    svg_service(out);
    for (i = 0; i < FLEET_SIZE; i++) {
        snprintf(label, sizeof label, "process %u", i + 1);
        svg_states(out, 154 + 34 * i, label, &fleet->members[i].run);
    }
    svg_text(out, LEFT, load_panel.top - 16, "class=\"head\"", "What the service saw");
    svg_axes(out, &load_panel, RATE_TOP, 25);
    for (i = FLEET_SIZE; i > 0; i--) {
        draw_load(out, fleet, i);
    }
    svg_rule(out, LEFT, asked, RIGHT, asked, "class=\"limit\"");
    svg_script_edges(out, load_panel.bottom);
    draw_legend(out);
    draw_cards(out, picture->findings);
}

int fleet_draw(const char *path, const struct fleet *fleet, const struct fleet_findings *findings)
{
    struct picture picture = {fleet, findings};

    return svg_write(path, draw, &picture);
}
