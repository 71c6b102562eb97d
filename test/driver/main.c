/* Knows the life of the program: from its arguments to the end of standard input. */
#include "drive.h"
#include <stdlib.h>

int main(int count, char **arguments)
{
    struct drive *drive = calloc(1, sizeof *drive);

    if (drive == NULL)
        return FATAL;
    settings_read(&drive->settings, count - 1, arguments + 1);
    uv_loop_init(&drive->loop);
    house_build(drive);
    lines_begin(drive);
    uv_run(&drive->loop, UV_RUN_DEFAULT);
    house_clear(drive);
    int status = uv_loop_close(&drive->loop);
    free(drive);
    return status == 0 ? 0 : 1;
}
