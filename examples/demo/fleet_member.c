/* A process of the fleet, as its parent has it: started from the same program, heard over a pipe.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fleet.h"

/* ---- What it tells: see fleet_client.c */

static void hear_sample(struct run *run, const char *line)
{
    struct sample *sample = &run->samples[run->sample_count];
    struct flow *flow = &sample->flow[DOOR_WITH];
    int state;

    if (run->sample_count < DEMO_SAMPLES_MAX &&
        sscanf(line, "s %lf %d %lf %u %u %u %u %u", &sample->time, &state, &sample->ratio,
               &flow->asked, &flow->sent, &flow->answered, &flow->failed, &flow->refused) == 8) {
        sample->state = (breaker_state_t)state;
        run->stream[DOOR_WITH].flow = *flow;
        run->sample_count++;
    }
}

static void hear_change(struct run *run, const char *line)
{
    struct change *change = &run->changes[run->change_count];
    int from, to;

    if (run->change_count < DEMO_CHANGES_MAX &&
        sscanf(line, "c %lf %d %d %u %u %d", &change->time, &from, &to, &change->counts.ok,
               &change->counts.failed, &change->elsewhere) == 6) {
        change->from = (breaker_state_t)from;
        change->to = (breaker_state_t)to;
        run->change_count++;
    }
}

static void hear_line(struct member *member, const char *line)
{
    if (line[0] == 's') {
        hear_sample(&member->run, line);
    } else if (line[0] == 'c') {
        hear_change(&member->run, line);
    } else if (line[0] == 'x' && member->trouble[0] == '\0') {
        snprintf(member->trouble, sizeof member->trouble, "%.150s", line + 2);
    }
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct member *member = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(member->line + member->length,
                          (unsigned)(sizeof member->line - 1 - member->length));
}

static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct member *member = stream->data;
    char *end;

    (void)buffer;
    if (length < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    member->length += (size_t)length;
    member->line[member->length] = '\0';
    while ((end = strchr(member->line, '\n')) != NULL) {
        *end = '\0';
        hear_line(member, member->line);
        member->length -= (size_t)(end + 1 - member->line);
        memmove(member->line, end + 1, member->length + 1);
    }
    if (member->length == sizeof member->line - 1) {
        member->length = 0; /* no line of ours is as long */
    }
}

/* ---- Its life */

static void exited(uv_process_t *process, int64_t status, int number)
{
    struct member *member = process->data;

    member->is_over = 1;
    member->exit_status = number != 0 ? -number : status;
    uv_close((uv_handle_t *)process, NULL);
}

int member_start(struct member *member, uv_loop_t *loop, const char *program,
                 const struct fleet *fleet)
{
    size_t index = (size_t)(member - fleet->members);
    char port[16], rate[16], start[32], word[] = "fleet-client", path[sizeof fleet->redis.path];
    char name[] = "demo";
    char *arguments[] = {name, word, path, port, rate, start, NULL};
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    uv_process_options_t options = {.file = program, .args = arguments, .stdio = stdio};
    int status;

    snprintf(path, sizeof path, "%s", fleet->redis.path);
    snprintf(port, sizeof port, "%d", fleet->service.port[index]);
    snprintf(rate, sizeof rate, "%u", fleet_rates[index]);
    snprintf(start, sizeof start, "%" PRIu64, fleet->service.start);
    stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    stdio[1].data.stream = (uv_stream_t *)&member->told;
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = 2;
    options.stdio_count = 3;
    options.exit_cb = exited;
    member->told.data = member->process.data = member;
    uv_pipe_init(loop, &member->told, 0);
    if ((status = uv_spawn(loop, &member->process, &options)) < 0) {
        uv_close((uv_handle_t *)&member->told, NULL);
        uv_close((uv_handle_t *)&member->process, NULL);
        member->is_over = 1;
        member->exit_status = status;
        return status;
    }
    return uv_read_start((uv_stream_t *)&member->told, lend_buffer, heard);
}

void member_end(struct member *member, int number)
{
    if (member->process.data != NULL && !member->is_over) {
        uv_process_kill(&member->process, number);
    }
}
