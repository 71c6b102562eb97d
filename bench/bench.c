/* The bench's command line: which rows, how thoroughly, and where to. Its exit status says whether it
 * ran, not whether the figures please. */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: bench [--rows a,b] [--json FILE] [--markdown] [--quick] [--list]\n"
    "       bench peers\n"
    "Measures libbreaker beside the tightest C that does the same work, in one run.\n"
    "  --rows a,b   only these rows\n"
    "  --json FILE  also one JSON object per row and line, into FILE\n"
    "  --markdown   a table for the README\n"
    "  --quick      a smoke run: every row, in a moment; its figures mean nothing\n"
    "  --list       the names of the rows\n"
    "  peers        sets other circuit breakers beside it, where they can be installed\n";

struct wish {
    struct effort effort;
    const char *rows; /* NULL: all */
    const char *json;
    bool markdown;
};

static bool named_in(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* A name that no row has is a fault: a typing error must not look like a run. */
static int check_names(const char *list)
{
    const char *at = list;

    while (at != NULL) {
        char name[64];
        bool known = false;

        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        for (size_t i = 0; i < rows_count; i++) {
            known = known || strcmp(rows[i].name, name) == 0;
        }
        if (!known) {
            fprintf(stderr, "bench: no row \"%s\"; --list names them\n", name);
            return 2;
        }
        if ((at = strchr(at, ',')) != NULL) {
            at++;
        }
    }
    return 0;
}

static int run(const struct wish *wish, FILE *json)
{
    void (*tell)(const struct row *row) = wish->markdown ? report_markdown_row : report_row;

    if (wish->markdown) {
        report_markdown_head();
    } else {
        report_head();
    }
    for (size_t i = 0; i < rows_count; i++) {
        struct row row = {&rows[i], NAN, NAN, NAN, {{NULL, 0}}, 0, false};

        if (wish->rows != NULL && !named_in(wish->rows, rows[i].name)) {
            continue;
        }
        rows[i].run(&wish->effort, &row);
        tell(&row);
        if (json != NULL && report_json(&row, json) != 0) {
            fprintf(stderr, "bench: %s: %s\n", wish->json, strerror(errno));
            return 2;
        }
    }
    if (!wish->markdown) {
        report_foot(&wish->effort);
    }
    return 0;
}

static int run_into_file(const struct wish *wish)
{
    FILE *json = fopen(wish->json, "w");

    if (json == NULL) {
        fprintf(stderr, "bench: %s: %s\n", wish->json, strerror(errno));
        return 2;
    }
    int status = run(wish, json);

    if (fclose(json) != 0 && status == 0) {
        fprintf(stderr, "bench: %s: %s\n", wish->json, strerror(errno));
        return 2;
    }
    return status;
}

static int run_peers(void)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length > 0) {
        self[length] = '\0';
        execl("/bin/sh", "sh", BENCH_PEERS, self, (char *)NULL);
    }
    fprintf(stderr, "bench: %s: %s\n", BENCH_PEERS, strerror(errno));
    return 2;
}

static int misused(const char *argument)
{
    fprintf(stderr, "bench: not understood: %s\n%s", argument, USAGE);
    return 2;
}

int main(int argc, char **argv)
{
    struct wish wish = {{false}, NULL, NULL, false};

    if (argc == 2 && strcmp(argv[1], "peers") == 0) {
        return run_peers();
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            wish.effort.quick = true;
        } else if (strcmp(argv[i], "--markdown") == 0) {
            wish.markdown = true;
        } else if (strcmp(argv[i], "--rows") == 0 && i + 1 < argc) {
            wish.rows = argv[++i];
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            wish.json = argv[++i];
        } else if (strcmp(argv[i], "--list") == 0) {
            for (size_t row = 0; row < rows_count; row++) {
                puts(rows[row].name);
            }
            return 0;
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(USAGE, stdout);
            return 0;
        } else {
            return misused(argv[i]);
        }
    }
    if (check_names(wish.rows) != 0) {
        return 2;
    }
    return wish.json != NULL ? run_into_file(&wish) : run(&wish, NULL);
}
