/* The picture of a run, as SVG: what the service did, what the breaker did, and what became of the
 * requests with it and without, on one axis of time. A request is drawn where it was made, not
 * where it ended.
 */
#include <stdio.h>

#include "svg.h"

#define RATE_TOP 112.0 /* of the axes of requests, per second */

static const struct svg_panel with_panel = {246, 446};
static const struct svg_panel without_panel = {506, 646};

/* ---- The traffic: what became of the requests made at each moment, stacked */

/* The share of the axis that the first `layers` of answered, failed and refused fill. */
static double height_of(const struct fate *fate, int layers)
{
    unsigned count = fate->answered;

    count += layers > 1 ? fate->failed : 0;
    count += layers > 2 ? fate->refused : 0;
    return count * (1000.0 / DEMO_STRETCH) / RATE_TOP;
}

static void draw_area(FILE *out, const struct run *run, const struct svg_panel *panel,
                      enum door door, int layers, const char *fill)
{
    unsigned i;

    fprintf(out, "<path d=\"M%.1f %.1f", svg_x(0), panel->bottom);
    for (i = 0; i < DEMO_STRETCHES; i++) {
        double y = svg_y(panel, height_of(&run->fates[door][i], layers));

        fprintf(out, "L%.1f %.1fL%.1f %.1f", svg_x(i * DEMO_STRETCH), y,
                svg_x((i + 1) * DEMO_STRETCH), y);
    }
    fprintf(out, "L%.1f %.1fZ\" fill=\"%s\"/>\n", svg_x(DEMO_END), panel->bottom, fill);
}

static void draw_traffic(FILE *out, const struct run *run, const struct svg_panel *panel,
                         enum door door)
{
    draw_area(out, run, panel, door, 3, REFUSED);
    draw_area(out, run, panel, door, 2, BAD);
    draw_area(out, run, panel, door, 1, GOOD);
}

/* ---- The ratio of errors, which has the right axis of the upper panel */

#define RATIO_FULL (100 / RATE_TOP) /* 100 % is as high as 100 requests a second */

static void draw_ratio_axis(FILE *out, const struct svg_panel *panel)
{
    double half = svg_y(panel, 0.5 * RATIO_FULL);
    int percent;

    for (percent = 0; percent <= 100; percent += 25) {
        svg_text(out, RIGHT + 10, svg_y(panel, percent / RATE_TOP) + 4,
                 "class=\"tick\" style=\"fill:" RATIO "\"", "%d %%", percent);
    }
    fprintf(out,
            "<text transform=\"translate(%.1f %.1f) rotate(90)\" class=\"axis\" style=\"fill:" RATIO
            "\">error ratio</text>\n",
            RIGHT + 54, (panel->top + panel->bottom) / 2);
    svg_rule(out, LEFT, half, RIGHT, half, "class=\"limit\"");
}

/* The line, broken where the breaker sees nothing; or, with gaps, only the gaps, level from where the
 * line broke off. */
static void draw_ratio_line(FILE *out, const struct run *run, const struct svg_panel *panel,
                            int gaps, const char *look)
{
    double y = svg_y(panel, 0);
    int seen = 0, began = 0;
    unsigned i;

    fputs("<path d=\"", out);
    for (i = 0; i < run->ratio_count; i++) {
        const struct ratio *point = &run->ratios[i];
        double x = svg_x(point->time);
        int sees = point->ratio >= 0;

        if (gaps && began && seen != sees) {
            fprintf(out, "%s%.1f %.1f", sees ? "L" : "M", x, y);
        }
        if (sees) {
            y = svg_y(panel, point->ratio * RATIO_FULL);
        }
        if (!gaps && sees) {
            fprintf(out, "%s%.1f %.1f", seen ? "L" : "M", x, y);
        }
        seen = sees;
        began |= sees;
    }
    fprintf(out, "\" %s/>\n", look);
}

static void draw_ratio(FILE *out, const struct run *run, const struct svg_panel *panel)
{
    draw_ratio_axis(out, panel);
    draw_ratio_line(out, run, panel, 1, "class=\"unseen\"");
    draw_ratio_line(out, run, panel, 0, "class=\"halo\"");
    draw_ratio_line(out, run, panel, 0, "class=\"ratio\"");
}

/* ---- Words */

static void draw_legend(FILE *out)
{
    double x = LEFT, y = 704;

    svg_key(out, &x, y, GOOD, "answered", 110);
    svg_key(out, &x, y, BAD, "failed", 88);
    svg_key(out, &x, y, REFUSED, "refused at once by the breaker", 252);
    svg_rule(out, x, y - 4, x + 22, y - 4, "class=\"ratio\"");
    svg_text(out, x + 30, y, "class=\"key\"", "error ratio that the breaker sees");
    x += 280;
    svg_rule(out, x, y - 4, x + 22, y - 4, "class=\"limit\"");
    svg_text(out, x + 30, y, "class=\"key\"", "where it trips");
}

static void draw_cards(FILE *out, const struct run *run, const struct findings *findings)
{
    char figure[64];

    snprintf(figure, sizeof figure, "%u, not %u", findings->sick_hits[DOOR_WITH],
             findings->sick_hits[DOOR_WITHOUT]);
    svg_card(out, 0, figure, "requests hit the sick service");
    snprintf(figure, sizeof figure, "%.0f s, not %.0f s", run->stream[DOOR_WITH].waited / 1000,
             run->stream[DOOR_WITHOUT].waited / 1000);
    svg_card(out, 1, figure, "users waited for failures, in all");
    if (findings->tripped_after >= 0) {
        snprintf(figure, sizeof figure, "%.2f s", findings->tripped_after / 1000);
    }
    svg_card(out, 2, findings->tripped_after >= 0 ? figure : "never",
             "from first trouble to the trip");
    if (findings->recovered_after >= 0) {
        snprintf(figure, sizeof figure, "%.2f s", findings->recovered_after / 1000);
    }
    svg_card(out, 3, findings->recovered_after >= 0 ? figure : "never",
             "from the healing to all calls");
}

struct picture {
    const struct run *run;
    const struct findings *findings;
};

static void draw_all(FILE *out, const struct run *run, const struct findings *findings)
{
    svg_open(out, "A service falls sick and heals, with a circuit breaker and without");
    svg_text(
        out, 44, 82, SVG_FAINT_LABEL,
        "%d requests a second each way, each with a time limit of %d ms; all figures are measured "
        "in "
        "this run",
        DEMO_RATE, DEMO_PATIENCE);

    svg_service(out);
    svg_states(out, 154, "the breaker", run);
    svg_text(out, LEFT, with_panel.top - 16, "class=\"head\"", "With the breaker");
    svg_axes(out, &with_panel, RATE_TOP, 25);
    draw_traffic(out, run, &with_panel, DOOR_WITH);
    svg_text(out, LEFT, without_panel.top - 16, "class=\"head\"", "Without");
    svg_axes(out, &without_panel, RATE_TOP, 25);
    draw_traffic(out, run, &without_panel, DOOR_WITHOUT);
    svg_script_edges(out, without_panel.bottom);
    draw_ratio(out, run, &with_panel);
    draw_legend(out);
    draw_cards(out, run, findings);
}

static void draw(FILE *out, const void *data)
{
    const struct picture *picture = data;

    draw_all(out, picture->run, picture->findings);
}

int draw_svg(const char *path, const struct run *run, const struct findings *findings)
{
    struct picture picture = {run, findings};

    return svg_write(path, draw, &picture);
}
