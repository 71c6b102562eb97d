/* The pieces of the pictures: what they look like and where they are on the page. A request is
 * drawn where it was made, not where it ended.
 */
#include "svg.h"

#include <errno.h>
#include <stdarg.h>

double svg_x(double ms)
{
    double x = LEFT + (RIGHT - LEFT) * ms / DEMO_END;

    return x < RIGHT ? x : RIGHT;
}

double svg_y(const struct svg_panel *panel, double share)
{
    return panel->bottom - (panel->bottom - panel->top) * (share < 1 ? share : 1);
}

/* ---- Pieces */

void svg_text(FILE *out, double x, double y, const char *look, const char *format, ...)
{
    va_list values;

    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, look);
    va_start(values, format);
    vfprintf(out, format, values);
    va_end(values);
    fputs("</text>\n", out);
}

void svg_rule(FILE *out, double x1, double y1, double x2, double y2, const char *look)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
            look);
}

/* A stretch of time in a band, with its name where there is room for it. */
static void stretch(FILE *out, double y, double from, double to, const char *fill, const char *name)
{
    double x = svg_x(from), width = svg_x(to) - x;

    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"26\" rx=\"3\" fill=\"%s\" "
            "stroke=\"#fff\" stroke-width=\"1.5\"/>\n",
            x, y, width, fill);
    if (width > 48) {
        svg_text(out, x + width / 2, y + 17.5,
                 width > 84 ? "class=\"band\"" : "class=\"band\" style=\"font-size:10px\"", "%s",
                 name);
    }
}

/* ---- The two bands */

void svg_service(FILE *out)
{
    static const double edges[] = {0, DEMO_STALLS_FROM, DEMO_FAILS_FROM, DEMO_HEALS_AT, DEMO_END};
    static const char *const fills[] = {GOOD, WARY, BAD};
    unsigned i;

    svg_text(out, LEFT - 14, 137, "class=\"label\" text-anchor=\"end\"", "the service");
    for (i = 0; i < 4; i++) {
        enum health health = health_at(edges[i]);

        stretch(out, 120, edges[i], edges[i + 1], fills[health], health_text(health));
    }
}

void svg_states(FILE *out, double y, const char *label, const struct run *run)
{
    static const char *const fills[] = {GOOD, BAD, WARY};
    breaker_state_t state = BREAKER_PASSING;
    double since = 0;
    unsigned i;

    svg_text(out, LEFT - 14, y + 17, "class=\"label\" text-anchor=\"end\"", "%s", label);
    for (i = 0; i <= run->change_count; i++) {
        double until = i < run->change_count ? run->changes[i].time : DEMO_END;

        stretch(out, y, since, until, fills[state], breaker_state_name(state));
        if (i < run->change_count) {
            state = run->changes[i].to;
            since = until;
        }
    }
}

/* ---- Axes */

void svg_axes(FILE *out, const struct svg_panel *panel, double top, int rate_step)
{
    int step;

    for (step = 0; step <= top; step += rate_step) {
        double y = svg_y(panel, step / top);

        svg_rule(out, LEFT, y, RIGHT, y, "stroke=\"" RULE "\"");
        svg_text(out, LEFT - 10, y + 4, "class=\"tick\" text-anchor=\"end\"", "%d", step);
    }
    for (step = 0; step <= DEMO_END / 1000; step += 2) {
        double x = svg_x(step * 1000);

        svg_rule(out, x, panel->bottom, x, panel->bottom + 5, "stroke=\"" FAINT "\"");
        svg_text(out, x, panel->bottom + 20, "class=\"tick\" text-anchor=\"middle\"", "%d s", step);
    }
    fprintf(out,
            "<text transform=\"translate(%.1f %.1f) rotate(-90)\" class=\"axis\">requests a "
            "second</text>\n",
            LEFT - 50, (panel->top + panel->bottom) / 2);
}

void svg_script_edges(FILE *out, double bottom)
{
    static const int edges[] = {DEMO_STALLS_FROM, DEMO_FAILS_FROM, DEMO_HEALS_AT};
    unsigned i;

    for (i = 0; i < 3; i++) {
        svg_rule(out, svg_x(edges[i]), 146, svg_x(edges[i]), bottom,
                 "stroke=\"" INK "\" stroke-opacity=\"0.45\" stroke-dasharray=\"2 4\"");
    }
}

void svg_key(FILE *out, double *x, double y, const char *fill, const char *name, int width)
{
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n",
            *x, y - 10, fill);
    svg_text(out, *x + 21, y, "class=\"key\"", "%s", name);
    *x += width;
}

void svg_card(FILE *out, int place, const char *figure, const char *words)
{
    double x = LEFT + place * 254;

    fprintf(out,
            "<rect x=\"%.1f\" y=\"732\" width=\"238\" height=\"92\" rx=\"8\" fill=\"#f4f6f8\"/>\n",
            x);
    svg_text(out, x + 18, 774, "class=\"figure\"", "%s", figure);
    svg_text(out, x + 18, 802, "class=\"key\"", "%s", words);
}

void svg_open(FILE *out, const char *title)
{
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
        "font-family=\"Inter, 'Segoe UI', Roboto, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n"
        "<title>%s</title>\n"
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
        WIDTH, HEIGHT, title);
    fprintf(out, "<rect width=\"%d\" height=\"%d\" rx=\"14\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    svg_text(out, 44, 54, "class=\"title\"", "%s", title);
}

int svg_write(const char *path, void (*draw)(FILE *out, const void *data), const void *data)
{
    FILE *out = fopen(path, "w");
    int failed;

    if (out == NULL) {
        return uv_translate_sys_error(errno);
    }
    draw(out, data);
    fputs("</svg>\n", out);
    failed = ferror(out);
    return fclose(out) != 0 || failed ? UV_EIO : 0;
}
