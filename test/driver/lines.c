/* Knows how standard input becomes lines: read by the loop, so that the breaker's own work goes on,
 * and handed out one at a time, so that answers come in the order of the commands. */
#include "drive.h"
#include <string.h>

static void read_more(struct drive *drive);

/* ---- Out ---------------------------------------------------------------------------------------*/

/* True: a line, or what is left at the end, is in line. */
static bool take_line(struct lines *lines, char *line, size_t *line_length)
{
    const char *newline = memchr(lines->bytes, '\n', lines->length);
    size_t length = newline != NULL ? (size_t)(newline - lines->bytes) : lines->length;
    size_t taken = length + (newline != NULL);
    bool is_line = newline != NULL || (lines->is_over && length > 0) || length == LINES_MAX;

    if (!is_line)
        return false;
    memcpy(line, lines->bytes, length);
    line[length] = '\0';
    *line_length = length;
    lines->length -= taken;
    memmove(lines->bytes, lines->bytes + taken, lines->length);
    return true;
}

void lines_next(struct drive *drive)
{
    static char line[LINES_MAX + 1]; /* too large for a stack */
    size_t length;

    while (drive->answer == NULL && !drive->is_ending && take_line(&drive->lines, line, &length))
        command_run(drive, line, length);
    if (drive->is_ending)
        return;
    if (drive->lines.is_over && drive->lines.length == 0 && drive->answer == NULL)
        house_leave(drive);
    else
        read_more(drive);
}

/* ---- In ----------------------------------------------------------------------------------------*/

static void came(struct drive *drive, ssize_t count)
{
    if (count > 0)
        drive->lines.length += (size_t)count;
    else if (count != 0)
        drive->lines.is_over = true;
    lines_next(drive);
}

static uv_buf_t room(struct lines *lines)
{
    return uv_buf_init(lines->bytes + lines->length, (unsigned)(LINES_MAX - lines->length));
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct drive *drive = handle->data;

    (void)wanted;
    *buffer = room(&drive->lines);
}

static void on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct drive *drive = stream->data;

    (void)buffer;
    uv_read_stop(stream);
    drive->lines.is_reading = false;
    came(drive, count);
}

static void on_file(uv_fs_t *request)
{
    struct drive *drive = request->data;
    ssize_t count = request->result;

    uv_fs_req_cleanup(request);
    drive->lines.is_reading = false;
    if (drive->is_ending)
        return;
    came(drive, count == 0 ? UV_EOF : count);
}

static void read_more(struct drive *drive)
{
    struct lines *lines = &drive->lines;
    uv_buf_t buffer = room(lines);
    int status;

    if (lines->is_reading || lines->is_over || buffer.len == 0)
        return;
    if (lines->is_file && drive->answer != NULL) /* lines are not moved while one is read into */
        return;
    lines->is_reading = true;
    if (lines->is_file)
        status = uv_fs_read(&drive->loop, &lines->file, 0, &buffer, 1, -1, on_file);
    else
        status = uv_read_start(&lines->in.stream, on_room, on_bytes);
    if (status != 0) {
        lines->is_reading = false;
        came(drive, status);
    }
}

void lines_begin(struct drive *drive)
{
    struct lines *lines = &drive->lines;
    uv_handle_type type = uv_guess_handle(0);

    lines->file.data = drive;
    if (type == UV_NAMED_PIPE) {
        uv_pipe_init(&drive->loop, &lines->in.pipe, 0);
        uv_pipe_open(&lines->in.pipe, 0);
    } else if (type == UV_TTY) {
        uv_tty_init(&drive->loop, &lines->in.tty, 0, 1);
    } else {
        lines->is_file = true;
    }
    lines->in.handle.data = drive;
    read_more(drive);
}

void lines_end(struct drive *drive)
{
    struct lines *lines = &drive->lines;

    if (!lines->is_file)
        uv_close(&lines->in.handle, NULL);
}
