/* The picture of a run, as SVG: what the service did, what the breaker did, and what became of the
 * requests with it and without, on one axis of time. A request is drawn where it was made, not where
 * it ended.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "demo.h"

#define WIDTH 1200
#define HEIGHT 860
#define LEFT 130.0
#define RIGHT 1130.0
#define RATE_TOP 112.0 /* of the axes of requests, per second */

#define GOOD "#3d9a72"
#define BAD "#d2504a"
#define WARY "#e5a23a"
#define REFUSED "#b9c4d0"
#define RATIO "#4b3c9b"
#define INK "#22303c"
#define FAINT "#6b7885"
#define RULE "#e3e8ed"

struct panel {
    double top, bottom;
    enum door door;
};

static const struct panel with_panel = {246, 446, DOOR_WITH};
static const struct panel without_panel = {506, 646, DOOR_WITHOUT};

static double x_of(double ms)
{
    double x = LEFT + (RIGHT - LEFT) * ms / DEMO_END;

    return x < RIGHT ? x : RIGHT;
}

static double y_of(const struct panel *panel, double share)
{
    return panel->bottom - (panel->bottom - panel->top) * (share < 1 ? share : 1);
}

/* ---- Pieces */

/* look: more attributes, such as font-size and fill. */
static void text(FILE *out, double x, double y, const char *look, const char *format, ...)
{
    va_list values;

    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, look);
    va_start(values, format);
    vfprintf(out, format, values);
    va_end(values);
    fputs("</text>\n", out);
}

static void rule(FILE *out, double x1, double y1, double x2, double y2, const char *look)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
            look);
}

/* A stretch of time in a band, with its name where there is room for it. */
static void stretch(FILE *out, double y, double from, double to, const char *fill, const char *name)
{
    double x = x_of(from), width = x_of(to) - x;

    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"26\" rx=\"3\" fill=\"%s\" "
            "stroke=\"#fff\" stroke-width=\"1.5\"/>\n",
            x, y, width, fill);
    if (width > 48) {
        text(out, x + width / 2, y + 17.5,
             width > 84 ? "class=\"band\"" : "class=\"band\" style=\"font-size:10px\"", "%s", name);
    }
}

/* ---- The two bands */

static void draw_service(FILE *out)
{
    static const double edges[] = {0, DEMO_STALLS_FROM, DEMO_FAILS_FROM, DEMO_HEALS_AT, DEMO_END};
    static const char *const fills[] = {GOOD, WARY, BAD};
    unsigned i;

    text(out, LEFT - 14, 137, "class=\"label\" text-anchor=\"end\"", "the service");
    for (i = 0; i < 4; i++) {
        enum health health = health_at(edges[i]);

        stretch(out, 120, edges[i], edges[i + 1], fills[health], health_text(health));
    }
}

static void draw_states(FILE *out, const struct run *run)
{
    static const char *const fills[] = {GOOD, BAD, WARY};
    breaker_state_t state = BREAKER_PASSING;
    double since = 0;
    unsigned i;

    text(out, LEFT - 14, 171, "class=\"label\" text-anchor=\"end\"", "the breaker");
    for (i = 0; i <= run->change_count; i++) {
        double until = i < run->change_count ? run->changes[i].time : DEMO_END;

        stretch(out, 154, since, until, fills[state], breaker_state_name(state));
        if (i < run->change_count) {
            state = run->changes[i].to;
            since = until;
        }
    }
}

/* ---- Axes */

static void draw_axes(FILE *out, const struct panel *panel)
{
    int step;

    for (step = 0; step <= 100; step += 25) {
        double y = y_of(panel, step / RATE_TOP);

        rule(out, LEFT, y, RIGHT, y, "stroke=\"" RULE "\"");
        text(out, LEFT - 10, y + 4, "class=\"tick\" text-anchor=\"end\"", "%d", step);
    }
    for (step = 0; step <= DEMO_END / 1000; step += 2) {
        double x = x_of(step * 1000);

        rule(out, x, panel->bottom, x, panel->bottom + 5, "stroke=\"" FAINT "\"");
        text(out, x, panel->bottom + 20, "class=\"tick\" text-anchor=\"middle\"", "%d s", step);
    }
    fprintf(out,
            "<text transform=\"translate(%.1f %.1f) rotate(-90)\" class=\"axis\">requests a "
            "second</text>\n",
            LEFT - 50, (panel->top + panel->bottom) / 2);
}

static void draw_script_edges(FILE *out)
{
    static const int edges[] = {DEMO_STALLS_FROM, DEMO_FAILS_FROM, DEMO_HEALS_AT};
    unsigned i;

    for (i = 0; i < 3; i++) {
        rule(out, x_of(edges[i]), 146, x_of(edges[i]), without_panel.bottom,
             "stroke=\"" INK "\" stroke-opacity=\"0.45\" stroke-dasharray=\"2 4\"");
    }
}

/* ---- The traffic: what became of the requests made at each moment, stacked */

/* The share of the axis that the first `layers` of answered, failed and refused fill. */
static double height_of(const struct fate *fate, int layers)
{
    unsigned count = fate->answered;

    count += layers > 1 ? fate->failed : 0;
    count += layers > 2 ? fate->refused : 0;
    return count * (1000.0 / DEMO_STRETCH) / RATE_TOP;
}

static void draw_area(FILE *out, const struct run *run, const struct panel *panel, int layers,
                      const char *fill)
{
    unsigned i;

    fprintf(out, "<path d=\"M%.1f %.1f", x_of(0), panel->bottom);
    for (i = 0; i < DEMO_STRETCHES; i++) {
        double y = y_of(panel, height_of(&run->fates[panel->door][i], layers));

        fprintf(out, "L%.1f %.1fL%.1f %.1f", x_of(i * DEMO_STRETCH), y,
                x_of((i + 1) * DEMO_STRETCH), y);
    }
    fprintf(out, "L%.1f %.1fZ\" fill=\"%s\"/>\n", x_of(DEMO_END), panel->bottom, fill);
}

static void draw_traffic(FILE *out, const struct run *run, const struct panel *panel)
{
    draw_area(out, run, panel, 3, REFUSED);
    draw_area(out, run, panel, 2, BAD);
    draw_area(out, run, panel, 1, GOOD);
}

/* ---- The ratio of errors, which has the right axis of the upper panel */

#define RATIO_FULL (100 / RATE_TOP) /* 100 % is as high as 100 requests a second */

static void draw_ratio_axis(FILE *out, const struct panel *panel)
{
    double half = y_of(panel, 0.5 * RATIO_FULL);
    int percent;

    for (percent = 0; percent <= 100; percent += 25) {
        text(out, RIGHT + 10, y_of(panel, percent / RATE_TOP) + 4,
             "class=\"tick\" style=\"fill:" RATIO "\"", "%d %%", percent);
    }
    fprintf(out,
            "<text transform=\"translate(%.1f %.1f) rotate(90)\" class=\"axis\" style=\"fill:" RATIO
            "\">error ratio</text>\n",
            RIGHT + 54, (panel->top + panel->bottom) / 2);
    rule(out, LEFT, half, RIGHT, half, "class=\"limit\"");
}

/* The line, broken where the breaker sees nothing; or, with gaps, only the gaps, level from where the
 * line broke off. */
static void draw_ratio_line(FILE *out, const struct run *run, const struct panel *panel, int gaps,
                            const char *look)
{
    double y = y_of(panel, 0);
    int seen = 0, began = 0;
    unsigned i;

    fputs("<path d=\"", out);
    for (i = 0; i < run->ratio_count; i++) {
        const struct ratio *point = &run->ratios[i];
        double x = x_of(point->time);
        int sees = point->ratio >= 0;

        if (gaps && began && seen != sees) {
            fprintf(out, "%s%.1f %.1f", sees ? "L" : "M", x, y);
        }
        if (sees) {
            y = y_of(panel, point->ratio * RATIO_FULL);
        }
        if (!gaps && sees) {
            fprintf(out, "%s%.1f %.1f", seen ? "L" : "M", x, y);
        }
        seen = sees;
        began |= sees;
    }
    fprintf(out, "\" %s/>\n", look);
}

static void draw_ratio(FILE *out, const struct run *run, const struct panel *panel)
{
    draw_ratio_axis(out, panel);
    draw_ratio_line(out, run, panel, 1, "class=\"unseen\"");
    draw_ratio_line(out, run, panel, 0, "class=\"halo\"");
    draw_ratio_line(out, run, panel, 0, "class=\"ratio\"");
}

/* ---- Words */

static void legend_item(FILE *out, double *x, double y, const char *fill, const char *name,
                        int width)
{
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n",
            *x, y - 10, fill);
    text(out, *x + 21, y, "class=\"key\"", "%s", name);
    *x += width;
}

static void draw_legend(FILE *out)
{
    double x = LEFT, y = 704;

    legend_item(out, &x, y, GOOD, "answered", 110);
    legend_item(out, &x, y, BAD, "failed", 88);
    legend_item(out, &x, y, REFUSED, "refused at once by the breaker", 252);
    rule(out, x, y - 4, x + 22, y - 4, "class=\"ratio\"");
    text(out, x + 30, y, "class=\"key\"", "error ratio that the breaker sees");
    x += 280;
    rule(out, x, y - 4, x + 22, y - 4, "class=\"limit\"");
    text(out, x + 30, y, "class=\"key\"", "where it trips");
}

static void card(FILE *out, int place, const char *figure, const char *words)
{
    double x = LEFT + place * 254;

    fprintf(out,
            "<rect x=\"%.1f\" y=\"732\" width=\"238\" height=\"92\" rx=\"8\" fill=\"#f4f6f8\"/>\n",
            x);
    text(out, x + 18, 774, "class=\"figure\"", "%s", figure);
    text(out, x + 18, 802, "class=\"key\"", "%s", words);
}

static void draw_cards(FILE *out, const struct run *run, const struct findings *findings)
{
    char figure[64];

    snprintf(figure, sizeof figure, "%u, not %u", findings->sick_hits[DOOR_WITH],
             findings->sick_hits[DOOR_WITHOUT]);
    card(out, 0, figure, "requests hit the sick service");
    snprintf(figure, sizeof figure, "%.0f s, not %.0f s", run->stream[DOOR_WITH].waited / 1000,
             run->stream[DOOR_WITHOUT].waited / 1000);
    card(out, 1, figure, "users waited for failures, in all");
    if (findings->tripped_after >= 0) {
        snprintf(figure, sizeof figure, "%.2f s", findings->tripped_after / 1000);
    }
    card(out, 2, findings->tripped_after >= 0 ? figure : "never", "from first trouble to the trip");
    if (findings->recovered_after >= 0) {
        snprintf(figure, sizeof figure, "%.2f s", findings->recovered_after / 1000);
    }
    card(out, 3, findings->recovered_after >= 0 ? figure : "never",
         "from the healing to all calls");
}

static void draw_all(FILE *out, const struct run *run, const struct findings *findings)
{
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
        "font-family=\"Inter, 'Segoe UI', Roboto, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n"
        "<title>A service falls sick and heals, with a circuit breaker and without</title>\n"
        "<style>.title{font-size:25px;font-weight:600;fill:" INK "}"
        ".label{font-size:13.5px;fill:" INK "}.key{font-size:13.5px;fill:" INK "}"
        ".head{font-size:15px;font-weight:600;fill:" INK "}"
        ".band{font-size:12px;font-weight:600;fill:#fff;text-anchor:middle}"
        ".tick{font-size:12px;fill:" FAINT "}"
        ".axis{font-size:12.5px;text-anchor:middle;fill:" FAINT "}"
        ".figure{font-size:24px;font-weight:600;fill:" INK "}"
        ".ratio,.halo,.unseen{fill:none;stroke-linejoin:round;stroke-linecap:round}"
        ".ratio{stroke:" RATIO ";stroke-width:2.6}"
        ".halo{stroke:#fff;stroke-opacity:.75;stroke-width:5.5}"
        ".unseen{stroke:" RATIO ";stroke-width:1.8;stroke-dasharray:.1 5}"
        ".limit{stroke:" RATIO ";stroke-width:1.2;stroke-dasharray:6 5}"
        "</style>\n",
        WIDTH, HEIGHT);
    fprintf(out, "<rect width=\"%d\" height=\"%d\" rx=\"14\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    text(out, 44, 54, "class=\"title\"",
         "A service falls sick and heals, with a circuit breaker and without");
    text(out, 44, 82, "class=\"label\" style=\"fill:" FAINT "\"",
         "%d requests a second each way, each with a time limit of %d ms; all figures are measured "
         "in "
         "this run",
         DEMO_RATE, DEMO_PATIENCE);

    draw_service(out);
    draw_states(out, run);
    text(out, LEFT, with_panel.top - 16, "class=\"head\"", "With the breaker");
    draw_axes(out, &with_panel);
    draw_traffic(out, run, &with_panel);
    text(out, LEFT, without_panel.top - 16, "class=\"head\"", "Without");
    draw_axes(out, &without_panel);
    draw_traffic(out, run, &without_panel);
    draw_script_edges(out);
    draw_ratio(out, run, &with_panel);
    draw_legend(out);
    draw_cards(out, run, findings);
    fputs("</svg>\n", out);
}

int draw_svg(const char *path, const struct run *run, const struct findings *findings)
{
    FILE *out = fopen(path, "w");
    int failed;

    if (out == NULL) {
        return uv_translate_sys_error(errno);
    }
    draw_all(out, run, findings);
    failed = ferror(out);
    return fclose(out) != 0 || failed ? UV_EIO : 0;
}
