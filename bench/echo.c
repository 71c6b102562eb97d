/* The rows echo_share and echo_guard_share: what a guard adds to the CPU that a client spends on a real
 * request: a call around the request and its answer, and the library's own guard of a write. Sixteen
 * connections to an echo service, on each one request at a time; the next begins when the answer to
 * the last has been read, as requests do that come in from outside. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "echo.h"

#include "bench.h"

#include <breaker/uv.h>
#include <sched.h>
#include <stdlib.h>

enum mode {
    BARE,
    PUT_OFF, /* unguarded, but all that was read begins its next request together, after the poll: what
                a guard does beside guarding, and good for the processor's caches */
    WRITTEN, /* by breaker_uv_write in the place of uv_write: its call is over when that is */
    GUARDED, /* the answer's read callback finishes one call and begins the next */
    CHAINED, /* done begins the next: it waits for the next drain, as it always does */
    MODES
};

struct connection {
    struct client *client;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    breaker_call_t calls[2]; /* in turns: one is done only after the next has begun */
    unsigned call;
    unsigned got;
    struct connection *next; /* of those put off */
    char bytes[4 * ECHO_BYTES];
};

struct client {
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_check_t check;
    struct connection *put_off;
    breaker_panel_t *panel;
    breaker_policy_t *policy;
    breaker_t *breaker;
    struct connection connections[ECHO_CONNECTIONS];
    enum mode mode;
    uint64_t left; /* requests to begin */
    unsigned busy; /* requests under way */
    uint64_t turns;
    unsigned stride; /* requests in a round */
};

static void begin_request(struct connection *connection);

/* In turns, too; not in the connections, so that these lie as close together as ever. */
static breaker_uv_write_t writes[ECHO_CONNECTIONS][2];

static void on_written(uv_write_t *write, int status)
{
    (void)write;
    measure_check("a client's write", status);
}

static uv_buf_t next_request(struct connection *connection)
{
    static char request[ECHO_BYTES];

    connection->got = 0;
    return uv_buf_init(request, sizeof request);
}

static int send_request(struct connection *connection)
{
    uv_buf_t buffer = next_request(connection);

    return uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buffer, 1, on_written);
}

static int send_guarded(struct connection *connection)
{
    struct client *client = connection->client;
    uv_buf_t buffer = next_request(connection);

    connection->call ^= 1;
    return breaker_uv_write(client->breaker,
                            &writes[connection - client->connections][connection->call],
                            (uv_stream_t *)&connection->tcp, &buffer, 1, on_written);
}

static int on_start(breaker_call_t *call)
{
    return send_request(call->data);
}

static void begin_or_rest(struct connection *connection)
{
    struct client *client = connection->client;

    if (client->left > 0) {
        client->left--;
        begin_request(connection);
    } else if (--client->busy == 0) {
        uv_stop(&client->loop);
    }
}

static void on_done(breaker_call_t *call, int status)
{
    struct connection *connection = call->data;

    measure_check("a guarded request", status);
    if (connection->client->mode == CHAINED)
        begin_or_rest(connection);
}

static void begin_request(struct connection *connection)
{
    struct client *client = connection->client;

    if (client->mode == BARE) {
        measure_check("uv_write", send_request(connection));
        return;
    }
    if (client->mode == PUT_OFF) {
        connection->next = client->put_off;
        client->put_off = connection;
        return;
    }
    if (client->mode == WRITTEN) {
        measure_check("breaker_uv_write", send_guarded(connection));
        return;
    }
    connection->call ^= 1;
    measure_check(
        "breaker_call",
        breaker_call(client->breaker, &connection->calls[connection->call], on_start, on_done));
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(connection->bytes, sizeof connection->bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;

    (void)buffer;
    if (count < 0) {
        measure_fail("a client's read", (int)count);
    }
    connection->got += (unsigned)count;
    if (connection->got < ECHO_BYTES) {
        return;
    }
    if (connection->client->mode >= GUARDED) {
        measure_check("breaker_finish", breaker_finish(&connection->calls[connection->call], 0));
    }
    if (connection->client->mode != CHAINED) {
        begin_or_rest(connection);
    }
}

/* ---- The client's life -------------------------------------------------------------------------*/

static void on_connected(uv_connect_t *connect, int status)
{
    measure_check("a client's connect", status);
    uv_read_start(connect->handle, on_alloc, on_read);
}

static void on_turn(uv_prepare_t *turn)
{
    ++*(uint64_t *)turn->data;
}

static void send_put_off(uv_check_t *check)
{
    struct client *client = check->data;

    while (client->put_off != NULL) {
        struct connection *connection = client->put_off;

        client->put_off = connection->next;
        measure_check("uv_write", send_request(connection));
    }
}

static void connect_all(struct client *client, const struct sockaddr_in *address)
{
    for (unsigned i = 0; i < ECHO_CONNECTIONS; i++) {
        struct connection *connection = &client->connections[i];

        connection->client = client;
        for (unsigned call = 0; call < 2; call++) {
            breaker_uv_init(&writes[i][call]);
            breaker_call_init(&connection->calls[call]);
            connection->calls[call].data = connection;
        }
        uv_tcp_init(&client->loop, &connection->tcp);
        uv_tcp_nodelay(&connection->tcp, 1);
        connection->tcp.data = connection;
        measure_check("uv_tcp_connect",
                      uv_tcp_connect(&connection->connect, &connection->tcp,
                                     (const struct sockaddr *)address, on_connected));
    }
}

static void client_open(struct client *client, const struct sockaddr_in *address)
{
    client->policy = batch_policy();
    measure_check("uv_loop_init", uv_loop_init(&client->loop));
    measure_check("breaker_panel_create",
                  breaker_panel_create(&client->panel, &client->loop, NULL));
    measure_check("breaker_create",
                  breaker_create(&client->breaker, client->panel, "echo", client->policy));
    uv_prepare_init(&client->loop, &client->turn);
    client->turn.data = &client->turns;
    uv_prepare_start(&client->turn, on_turn);
    uv_unref((uv_handle_t *)&client->turn);
    uv_check_init(&client->loop, &client->check);
    client->check.data = client;
    connect_all(client, address);
}

static void client_close(struct client *client)
{
    for (unsigned i = 0; i < ECHO_CONNECTIONS; i++)
        uv_close((uv_handle_t *)&client->connections[i].tcp, NULL);
    uv_close((uv_handle_t *)&client->turn, NULL);
    uv_close((uv_handle_t *)&client->check, NULL);
    panel_close(client->panel, &client->loop);
    breaker_policy_destroy(client->policy);
    free(client);
}

/* ---- The row -----------------------------------------------------------------------------------*/

/* Nanoseconds of the client's CPU for each request. */
static double run_requests(struct client *client, enum mode mode, uint64_t times)
{
    client->mode = mode;
    client->left = times - ECHO_CONNECTIONS;
    client->busy = ECHO_CONNECTIONS;
    uint64_t from = measure_cpu();

    for (unsigned i = 0; i < ECHO_CONNECTIONS; i++) {
        begin_request(&client->connections[i]);
    }
    if (mode == PUT_OFF) {
        uv_check_start(&client->check, send_put_off);
        send_put_off(&client->check);
    }
    uv_run(&client->loop, UV_RUN_DEFAULT);
    uv_check_stop(&client->check);
    uint64_t spent = measure_cpu() - from;

    uv_run(&client->loop, UV_RUN_NOWAIT); /* what is left to be done of the last ones */
    return (double)spent / (double)times;
}

/* Client and server take turns on one core, and neither is interrupted for the other, so that as many
 * answers meet the client in each turn of its loop whether it is guarded or not. With a core for each,
 * chance decides how many, and that moves the figure more than any guard. Where the system does not
 * allow it, so be it: turns and turns_bare tell. */
struct scheduling {
    cpu_set_t cores;
    int policy;
};

static void share_one_core(struct scheduling *before)
{
    const struct sched_param none = {0};
    cpu_set_t one;
    int core = 0;

    before->policy = sched_getscheduler(0);
    if (sched_getaffinity(0, sizeof before->cores, &before->cores) != 0) {
        CPU_ZERO(&before->cores);
        return;
    }
    while (core < CPU_SETSIZE - 1 && !CPU_ISSET(core, &before->cores)) {
        core++;
    }
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof one, &one);
    sched_setscheduler(0, SCHED_BATCH, &none);
}

static void share_no_more(const struct scheduling *before)
{
    const struct sched_param none = {0};

    sched_setscheduler(0, before->policy, &none);
    sched_setaffinity(0, sizeof before->cores, &before->cores);
}

struct run {
    struct client *client;
    struct echo_server *server;
    struct scheduling before;
    unsigned rounds;
    double *figures;
    double *cost[MODES];
    double *share[MODES]; /* of the bare round beside it; BARE: two bare rounds, the noise */
};

static void run_open(struct run *run, const struct effort *effort)
{
    struct sockaddr_in address;

    run->rounds = effort->quick ? 5 : 401;
    run->client = calloc(1, sizeof *run->client);
    run->figures = calloc(2 * MODES * run->rounds, sizeof *run->figures);
    if (run->client == NULL || run->figures == NULL) {
        measure_fail("calloc", UV_ENOMEM);
    }
    for (unsigned i = 0; i < MODES; i++) {
        run->cost[i] = run->figures + 2 * i * run->rounds;
        run->share[i] = run->figures + (2 * i + 1) * run->rounds;
    }
    share_one_core(&run->before);
    run->server = echo_server_start(&address);
    run->client->stride = effort->quick ? 160 : 400;
    client_open(run->client, &address);
    run_requests(run->client, GUARDED, run->client->stride); /* connects, and warms up */
}

static void run_close(struct run *run)
{
    client_close(run->client);
    echo_server_stop(run->server);
    share_no_more(&run->before);
    free(run->figures);
}

/* Each mode between two bare rounds, whose mean it is set beside. */
static void run_round(struct run *run, unsigned round, const enum mode *modes, unsigned count)
{
    struct client *client = run->client;
    double before = run_requests(client, BARE, client->stride);

    for (unsigned i = 0; i < count; i++) {
        double cost = run_requests(client, modes[i], client->stride);
        double after = run_requests(client, BARE, client->stride);

        run->cost[modes[i]][round] = cost;
        run->share[modes[i]][round] = 2 * cost / (before + after);
        before = after;
    }
}

static double turns_per_request(struct client *client, enum mode mode)
{
    uint64_t from = client->turns;

    run_requests(client, mode, client->stride);
    return (double)(client->turns - from) / client->stride;
}

/* The first of the modes is BARE, the second PUT_OFF, the third what the row is about. */
static void run_row(struct run *run, const enum mode *modes, unsigned count, struct row *row)
{
    enum mode ours = modes[2];

    for (unsigned i = 0; i < run->rounds; i++)
        run_round(run, i, modes, count);
    row->value = measure_median(run->cost[ours], run->rounds);
    row->limit = measure_median(run->cost[BARE], run->rounds);
    row->ratio = measure_median(run->share[ours], run->rounds);
    row_extra(row, "bare_over_bare", measure_median(run->share[BARE], run->rounds));
    row_extra(row, "over_put_off", row->ratio / measure_median(run->share[PUT_OFF], run->rounds));
    row_extra(row, "turns", turns_per_request(run->client, ours));
    row_extra(row, "turns_bare", turns_per_request(run->client, BARE));
}

void echo_share(const struct effort *effort, struct row *row)
{
    static const enum mode modes[] = {BARE, PUT_OFF, GUARDED, CHAINED};
    struct run run;

    run_open(&run, effort);
    run_row(&run, modes, 4, row);
    row_extra(row, "begun_in_done", measure_median(run.share[CHAINED], run.rounds));
    run_close(&run);
}

void echo_guard_share(const struct effort *effort, struct row *row)
{
    static const enum mode modes[] = {BARE, PUT_OFF, WRITTEN};
    struct run run;

    run_open(&run, effort);
    run_row(&run, modes, 3, row);
    run_close(&run);
}
