/* Guards work on the thread pool. Nobody can stop a thread, and the work may use what the caller
 * owns, so the callback waits for its end, even where the circuit has given up: the two ends of a
 * call are awaited here, and the later one calls back. */
#include "../guard.h"
#include <breaker/uv.h>

static breaker_uv_work_t *of(breaker_call_t *call)
{
    return GUARD_OF(breaker_uv_work_t, call, call);
}

static void worked(uv_work_t *req, int status)
{
    breaker_uv_work_t *request = (breaker_uv_work_t *)req;
    int told = request->guard.told;

    request->guard.over = 1;
    breaker_finish(&request->call, status == 0 ? request->status : status);
    if (told)
        request->guard.after(req, request->guard.verdict);
}

static int start(breaker_call_t *call)
{
    breaker_uv_work_t *request = of(call);
    int status = uv_queue_work(request->guard.loop, &request->req, request->guard.work, worked);

    request->guard.over = status != 0;
    return status;
}

static void stop(breaker_call_t *call)
{
    uv_cancel((uv_req_t *)&of(call)->req);
}

static void done(breaker_call_t *call, int status)
{
    breaker_uv_work_t *request = of(call);

    request->guard.told = 1;
    request->guard.verdict = status;
    if (request->guard.over)
        request->guard.after(&request->req, status);
}

int breaker_uv_queue_work(breaker_t *breaker, uv_loop_t *loop, breaker_uv_work_t *request,
                          uv_work_cb work, uv_after_work_cb after)
{
    int status;

    if (request == NULL || work == NULL || after == NULL || !guard_is_on(breaker, loop))
        return UV_EINVAL;
    if ((status = breaker_call(breaker, &request->call, start, done)) != 0)
        return status;
    request->call.stop = stop;
    request->call.fallback = NULL;
    request->status = 0;
    request->guard.loop = loop;
    request->guard.work = work;
    request->guard.after = after;
    request->guard.told = 0;
    request->guard.over = 1; /* until it is begun */
    return 0;
}
