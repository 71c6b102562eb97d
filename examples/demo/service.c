/* The service: how it behaves when it is well and when it is sick, and what reached it. It knows
 * nothing of breakers.
 *
 * It takes one line and answers one. Well: "ok" after 5 to 15 ms. Stalling: it takes the request
 * and says nothing. Failing: "error" after 20 ms.
 */
#include <stdlib.h>
#include <string.h>

#include "demo.h"

struct visit {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    struct service *service;
    struct visit *next, **link;
    unsigned handles; /* still open */
    unsigned door;
    char answer[8];
    char line[64];
};

static void handle_closed(uv_handle_t *handle)
{
    struct visit *visit = handle->data;

    if (--visit->handles == 0) {
        free(visit);
    }
}

static void end_visit(struct visit *visit)
{
    if (uv_is_closing((uv_handle_t *)&visit->tcp)) {
        return;
    }
    *visit->link = visit->next;
    if (visit->next != NULL) {
        visit->next->link = visit->link;
    }
    uv_close((uv_handle_t *)&visit->tcp, handle_closed);
    uv_close((uv_handle_t *)&visit->timer, handle_closed);
}

static void answered(uv_write_t *write, int status)
{
    (void)status; /* the client closes; heard() will tell */
    (void)write;
}

static void answer(uv_timer_t *timer)
{
    struct visit *visit = timer->data;
    uv_buf_t buffer = uv_buf_init(visit->answer, (unsigned)strlen(visit->answer));

    if (uv_write(&visit->write, (uv_stream_t *)&visit->tcp, &buffer, 1, answered) < 0) {
        end_visit(visit);
    }
}

static void serve(struct visit *visit)
{
    struct service *service = visit->service;
    double now = (double)(uv_hrtime() - service->start) / 1e6;
    enum health health = health_at(now);

    atomic_fetch_add(&service->loads[visit->door][demo_stretch(now)], 1);
    if (health != HEALTH_WELL) {
        atomic_fetch_add(&service->sick_hits[visit->door], 1);
    }
    if (health == HEALTH_STALLS) {
        return;
    }
    strcpy(visit->answer, health == HEALTH_WELL ? "ok\n" : "error\n");
    uv_timer_start(&visit->timer, answer, health == HEALTH_WELL ? 5 + (unsigned)rand() % 11 : 20,
                   0);
}

static void lend_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct visit *visit = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(visit->line, sizeof visit->line);
}

static void heard(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    (void)buffer;
    if (length < 0) {
        end_visit(stream->data);
    } else if (length > 0) {
        serve(stream->data);
    }
}

static void opened(uv_stream_t *listener, int status)
{
    struct service *service = listener->data;
    struct visit *visit;

    if (status < 0 || (visit = calloc(1, sizeof *visit)) == NULL) {
        return;
    }
    visit->service = service;
    visit->door = (unsigned)((uv_tcp_t *)listener - service->listener);
    uv_tcp_init(listener->loop, &visit->tcp);
    uv_timer_init(listener->loop, &visit->timer);
    visit->tcp.data = visit->timer.data = visit;
    visit->handles = 2;
    visit->next = service->visits;
    visit->link = &service->visits;
    if (visit->next != NULL) {
        visit->next->link = &visit->next;
    }
    service->visits = visit;
    if (uv_accept(listener, (uv_stream_t *)&visit->tcp) < 0 ||
        uv_read_start((uv_stream_t *)&visit->tcp, lend_buffer, heard) < 0) {
        end_visit(visit);
    }
}

static int open_door(struct service *service, unsigned door)
{
    uv_tcp_t *listener = &service->listener[door];
    struct sockaddr_in address;
    int length = sizeof address;
    int status;

    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&service->loop, listener);
    listener->data = service;
    if ((status = uv_tcp_bind(listener, (struct sockaddr *)&address, 0)) < 0 ||
        (status = uv_listen((uv_stream_t *)listener, 256, opened)) < 0 ||
        (status = uv_tcp_getsockname(listener, (struct sockaddr *)&address, &length)) < 0) {
        return status;
    }
    service->port[door] = ntohs(address.sin_port);
    return 0;
}

static void close_everything(struct service *service)
{
    unsigned door;

    for (door = 0; door < service->doors; door++) {
        uv_close((uv_handle_t *)&service->listener[door], NULL);
    }
    uv_close((uv_handle_t *)&service->stop, NULL);
    while (service->visits != NULL) {
        end_visit(service->visits);
    }
}

static void asked_to_stop(uv_async_t *async)
{
    close_everything(async->data);
}

static void live_in_thread(void *data)
{
    struct service *service = data;
    unsigned door;
    int status;

    uv_async_init(&service->loop, &service->stop, asked_to_stop);
    service->stop.data = service;
    service->status = 0;
    for (door = 0; door < service->doors; door++) {
        if ((status = open_door(service, door)) < 0) {
            service->status = status;
        }
    }
    if (service->status < 0) {
        close_everything(service);
    }
    uv_sem_post(&service->ready);
    uv_run(&service->loop, UV_RUN_DEFAULT);
    uv_loop_close(&service->loop);
}

int service_start(struct service *service, unsigned doors, uint64_t start)
{
    int status = uv_loop_init(&service->loop);

    if (status < 0) {
        return status;
    }
    service->doors = doors;
    service->start = start;
    service->visits = NULL;
    if ((status = uv_sem_init(&service->ready, 0)) < 0) {
        uv_loop_close(&service->loop);
        return status;
    }
    if ((status = uv_thread_create(&service->thread, live_in_thread, service)) < 0) {
        uv_sem_destroy(&service->ready);
        uv_loop_close(&service->loop);
        return status;
    }
    uv_sem_wait(&service->ready);
    if (service->status < 0) {
        uv_thread_join(&service->thread);
        uv_sem_destroy(&service->ready);
    }
    return service->status;
}

void service_stop(struct service *service)
{
    uv_async_send(&service->stop);
    uv_thread_join(&service->thread);
    uv_sem_destroy(&service->ready);
}
