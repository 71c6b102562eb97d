/* See bells.h. */
#include "bells.h"
#include <stdio.h>
#include <string.h>

int bells_set_up(void **state)
{
    (void)state;
    server_start(&server, false);
    proxy_start(&proxy, server.path);
    return 0;
}

int bells_tear_down(void **state)
{
    (void)state;
    proxy_end(&proxy);
    server_end(&server);
    return 0;
}

struct server server;
struct proxy proxy;
struct rig rig;

int bells_begin(void **state)
{
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", proxy.port);
    server_do(&server, "FLUSHALL");
    proxy.mode = PROXY_PASS;
    proxy.connections = 0;
    rig_init(&rig, url);
    rig.options.prefix = "p:";
    rig_open(&rig);
    rig_until_well(&rig);
    return 0;
}

int bells_end(void **state)
{
    (void)state;
    proxy.mode = PROXY_PASS;
    rig_end(&rig);
    return 0;
}

void listen_to(const char *key)
{
    assert_int_equal(rig.storage->ops->listen(rig.storage, &rig.client, key, strlen(key)), 0);
}

bool rings_with(const char *value)
{
    return rig.bell_length == strlen(value) && memcmp(rig.bell_value, value, rig.bell_length) == 0;
}

void until_heard(const char *key)
{
    static unsigned count;
    char last[16];
    unsigned before = rig.bells;
    while (rig.bells == before) {
        server_do(&server, "PUBLISH p:%s hello", key);
        rig_run_for(&rig, 1);
    }
    snprintf(last, sizeof last, "%u", ++count);
    server_do(&server, "PUBLISH p:%s %s", key, last);
    RIG_UNTIL(&rig, rings_with(last));
}

unsigned second_heard;
bool second_closed;

static void on_second_bell(breaker_client_t *client, const char *key, size_t key_length,
                           const char *value, size_t length)
{
    (void)client, (void)key, (void)key_length, (void)length;
    second_heard += value != NULL;
}

static void on_second_health(breaker_client_t *client, int status)
{
    (void)client, (void)status;
}

static void on_second_closed(breaker_client_t *client)
{
    (void)client;
    second_closed = true;
}

breaker_client_t second_client(void)
{
    second_heard = 0;
    second_closed = false;
    return (breaker_client_t){.loop = &rig.loop,
                              .bell = on_second_bell,
                              .health = on_second_health,
                              .closed = on_second_closed};
}
