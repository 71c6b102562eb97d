/* The pieces that the pictures of both demos are drawn with: bands, axes, keys, cards. */
#ifndef SVG_H
#define SVG_H

#include <stdio.h>

#include "demo.h"

#define WIDTH 1200
#define HEIGHT 860
#define LEFT 130.0
#define RIGHT 1130.0

#define GOOD "#3d9a72"
#define BAD "#d2504a"
#define WARY "#e5a23a"
#define REFUSED "#b9c4d0"
#define RATIO "#4b3c9b"
#define INK "#22303c"
#define FAINT "#6b7885"
#define RULE "#e3e8ed"
#define SVG_FAINT_LABEL "class=\"label\" style=\"fill:" FAINT "\""

/* A diagram over time: from the top to the bottom of its axes. */
struct svg_panel {
    double top, bottom;
};

double svg_x(double ms);
double svg_y(const struct svg_panel *panel, double share);

/* look: more attributes, such as font-size and fill. */
void svg_text(FILE *out, double x, double y, const char *look, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void svg_rule(FILE *out, double x1, double y1, double x2, double y2, const char *look);

void svg_open(FILE *out, const char *title);
void svg_service(FILE *out); /* the band of its health */
void svg_states(FILE *out, double y, const char *label, const struct run *run);
void svg_script_edges(FILE *out, double bottom);
/* top: what the axis of requests a second ends with. */
void svg_axes(FILE *out, const struct svg_panel *panel, double top, int step);
void svg_key(FILE *out, double *x, double y, const char *fill, const char *name, int width);
void svg_card(FILE *out, int place, const char *figure, const char *words);

/* Writes a picture to a file, with what closes it. Returns 0 or a libuv error. */
int svg_write(const char *path, void (*draw)(FILE *out, const void *data), const void *data);

#endif /* SVG_H */
