/* How a row is told: a line of a table for people, a line of JSON for programs. */
#include "bench.h"

#include <math.h>

void report_head(void)
{
    printf("%-21s %10s %10s %8s  %-22s %-8s %s\n", "row", "ours", "limit", "ratio", "must",
           "wished", "holds");
}

static const char *figure(char *text, size_t size, double value)
{
    double rounded = fabs(value);

    if (isnan(value)) {
        snprintf(text, size, "-");
    } else {
        snprintf(text, size, rounded >= 1000 ? "%.0f" : rounded >= 100 ? "%.1f" : "%.2f", value);
    }
    return text;
}

/* "<= 3 x, 10 (21) ns": in brackets, what that is on this machine. */
static const char *asked(char *text, size_t size, const struct row *row)
{
    const struct bound *bound = row->bound;
    const char *sign = bound->at_least ? ">=" : "<=";
    double value = bound->judged == JUDGE_BOTH ? bound->must_value : bound->must;
    char ratio[32] = "";
    char here[32] = "";

    if (bound->judged != JUDGE_VALUE) {
        snprintf(ratio, sizeof ratio, " %g x%s", bound->must,
                 bound->judged == JUDGE_BOTH ? "," : "");
    }
    if (row_slower(row) > 1) {
        snprintf(here, sizeof here, " (%.0f)", value * row_slower(row));
    }
    if (bound->judged == JUDGE_RATIO) {
        snprintf(text, size, "%s%s", sign, ratio);
    } else {
        snprintf(text, size, "%s%s %g%s %s", sign, ratio, value, here, bound->unit);
    }
    return text;
}

static const char *wished(char *text, size_t size, const struct bound *bound)
{
    if (isnan(bound->wished)) {
        snprintf(text, size, "-");
    } else {
        snprintf(text, size, "%g %s", bound->wished,
                 bound->wished_of == JUDGE_RATIO ? "x" : bound->unit);
    }
    return text;
}

void report_row(const struct row *row)
{
    const struct bound *bound = row->bound;
    char value[32], limit[32], ratio[32], must[80], wish[32];

    printf("%-21s %10s %10s %8s  %-22s %-8s %s", bound->name,
           figure(value, sizeof value, row->value), figure(limit, sizeof limit, row->limit),
           figure(ratio, sizeof ratio, row->ratio), asked(must, sizeof must, row),
           wished(wish, sizeof wish, bound), row_holds(row) ? "yes  " : "NO   ");
    for (unsigned i = 0; i < row->extra_count; i++) {
        printf(" %s %s", row->extras[i].name, figure(value, sizeof value, row->extras[i].value));
    }
    printf("\n");
    fflush(stdout);
}

void report_markdown_head(void)
{
    printf("| row | ours | limit, same run | ratio | must | holds |\n|---|---|---|---|---|---|\n");
}

void report_markdown_row(const struct row *row)
{
    char value[32], limit[32], ratio[32], must[80];

    printf("| `%s` | %s | %s | %s | %s | %s |\n", row->bound->name,
           figure(value, sizeof value, row->value), figure(limit, sizeof limit, row->limit),
           figure(ratio, sizeof ratio, row->ratio), asked(must, sizeof must, row),
           row_holds(row) ? "yes" : "no");
    fflush(stdout);
}

void report_foot(const struct effort *effort)
{
    printf(
        "\nours and limit: medians of rounds run in turns, ns of the thread's CPU unless the row "
        "says else;\nratio: median of the ratios of neighbouring rounds\n");
    for (size_t i = 0; i < rows_count; i++) {
        if (rows[i].note != NULL) {
            printf("%s: %s\n", rows[i].name, rows[i].note);
        }
    }
    if (effort->quick) {
        printf("A smoke run: the figures mean nothing.\n");
    }
}

static void number(FILE *file, const char *name, double value)
{
    if (isfinite(value)) {
        fprintf(file, ", \"%s\": %.6g", name, value);
    } else {
        fprintf(file, ", \"%s\": null", name);
    }
}

int report_json(const struct row *row, FILE *file)
{
    const struct bound *bound = row->bound;

    fprintf(file, "{\"row\": \"%s\"", bound->name);
    number(file, "value", row->value);
    fprintf(file, ", \"unit\": \"%s\"", bound->unit);
    number(file, "limit", row->limit);
    number(file, "ratio", row->ratio);
    number(file, "must", bound->must);
    fprintf(file, ", \"must_of\": \"%s\"", bound->judged == JUDGE_VALUE ? "value" : "ratio");
    if (bound->judged == JUDGE_BOTH) {
        number(file, "must_value", bound->must_value);
    }
    if (isfinite(bound->set_at)) {
        number(file, "slower", row_slower(row));
    }
    number(file, "wished", bound->wished);
    fprintf(file, ", \"wished_of\": \"%s\"", bound->wished_of == JUDGE_RATIO ? "ratio" : "value");
    fprintf(file, ", \"holds\": %s", row_holds(row) ? "true" : "false");
    if (bound->note != NULL) {
        fprintf(file, ", \"note\": \"%s\"", bound->note);
    }
    for (unsigned i = 0; i < row->extra_count; i++) {
        number(file, row->extras[i].name, row->extras[i].value);
    }
    fprintf(file, "}\n");
    return ferror(file) ? UV_EIO : 0;
}
