/* The client of the curl guard: how it is made, how it ends when transfers are under way, and how
 * it learns of its panel's end. */
#include "curl_client.h"
#include "memory.h"
#include <string.h>

void breaker_curl_options_init_sized(breaker_curl_options_t *options, size_t size)
{
    if (options == NULL || size < sizeof *options)
        return;
    memset(options, 0, size);
    options->size = size;
}

/* There is nothing to hear: the ear is there to be taken off by the end of the panel, which is how
 * the client learns of it. */
static void hear(breaker_listener_t *ear, const breaker_event_t *event)
{
    (void)ear;
    (void)event;
}

static int listen_to_panel(breaker_curl_t *client)
{
    client->ear.kinds = BREAKER_ON_MISSED;
    client->ear.notify = hear;
    return breaker_panel_listen(client->panel, &client->ear);
}

bool curl_client_has_panel(breaker_curl_t *client)
{
    return breaker_unlisten(&client->ear) == 0 && listen_to_panel(client) == 0;
}

int breaker_curl_create(breaker_curl_t **client, breaker_panel_t *panel,
                        const breaker_curl_options_t *options)
{
    breaker_curl_t *made;
    int status;

    if (client == NULL || panel == NULL ||
        (options != NULL &&
         (options->size != sizeof *options || (unsigned)options->refusal > BREAKER_CURL_ERROR ||
          (unsigned)options->unmounted > BREAKER_CURL_PASS ||
          options->retry_after_limit > BREAKER_TIME_MAX)))
        return UV_EINVAL;
    if ((made = memory_zeroed(sizeof *made)) == NULL)
        return UV_ENOMEM;
    made->panel = panel;
    made->loop = breaker_panel_loop(panel);
    if (options != NULL)
        made->options = *options;
    if ((status = listen_to_panel(made)) == 0 && (status = curl_loop_open(made)) != 0)
        breaker_unlisten(&made->ear);
    if (status != 0) {
        memory_release(made);
        return status;
    }
    *client = made;
    return 0;
}

int breaker_curl_destroy(breaker_curl_t *client, breaker_curl_destroy_cb done, void *data)
{
    if (client == NULL)
        return UV_EINVAL;
    if (client->is_closing)
        return UV_EALREADY;
    client->is_closing = true;
    client->destroyed = done;
    client->destroyed_data = data;
    breaker_unlisten(&client->ear);
    curl_transfers_cancel(client, false);
    curl_mount_end(client);
    if (client->transfers == NULL)
        curl_loop_close(client);
    return 0;
}

CURLM *breaker_curl_multi(breaker_curl_t *client)
{
    return client == NULL ? NULL : client->multi;
}
