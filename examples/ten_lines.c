#include <breaker.h>
#include <stdio.h>
#include <uv.h>

static void found(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    uv_freeaddrinfo(list);
    breaker_finish(request->data, status); /* the I/O is over, and this is how it went */
}

static int start(breaker_call_t *call) /* the circuit let it through: begin the I/O */
{
    uv_getaddrinfo_t *request = call->data;
    request->data = call;
    return uv_getaddrinfo(uv_default_loop(), request, found, "127.0.0.1", NULL, NULL);
}

static void done(breaker_call_t *call, int status) /* also when it was refused, or took too long */
{
    (void)call;
    printf("127.0.0.1: %s\n", status < 0 ? breaker_strerror(status) : "found");
}

int main(void)
{
    breaker_panel_t *panel;
    breaker_t *names;
    breaker_policy_t *policy;
    uv_getaddrinfo_t request;
    breaker_call_t call;

    breaker_panel_create(&panel, uv_default_loop(), NULL);
    breaker_policy_create(&policy, NULL, NULL);
    breaker_create(&names, panel, "names", policy);

    breaker_call_init(&call);
    call.data = &request;
    call.timeout = 2000;
    breaker_call(names, &call, start, done);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);

    breaker_panel_destroy(panel, NULL);
    breaker_policy_destroy(policy);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return uv_loop_close(uv_default_loop()) != 0 || call.outcome != BREAKER_SUCCESS;
}
