/* Channels that are left: as many are subscribed to as there are keys that somebody listens to. */
#include "bells.h"
#include <stdio.h>

static void unlisten(const char *key)
{
    rig.storage->ops->unlisten(rig.storage, &rig.client, key, strlen(key));
}

static long long listeners(const char *key)
{
    redisReply *reply = server_ask(&server, "PUBSUB NUMSUB p:%s", key);
    long long count = reply->element[1]->integer;
    freeReplyObject(reply);
    return count;
}

static size_t channels(void)
{
    redisReply *reply = server_ask(&server, "PUBSUB CHANNELS *");
    size_t count = reply->elements;
    freeReplyObject(reply);
    return count;
}

/* A channel for each key that is listened to, however many there were, and whatever the order. */
static void channels_are_left(void **state)
{
    enum { NAMES = 3000, KEPT = 10 };
    char key[16];
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        snprintf(key, sizeof key, "k%d", i);
        listen_to(key);
        if (i % 7 == 0)
            rig_run_for(&rig, 0);
        if (i >= KEPT) {
            snprintf(key, sizeof key, "k%d", i - KEPT);
            unlisten(key);
        }
    }
    until_heard("k2999");
    RIG_UNTIL(&rig, channels() == KEPT);
    assert_int_equal(listeners("k2990"), 1);
    assert_int_equal(listeners("k2989"), 0);
    unlisten("k2999"); /* and back, before the server knows */
    listen_to("k2999");
    until_heard("k2999");
    unlisten("k2998");
    RIG_UNTIL(&rig, channels() == KEPT - 1);
    server_do(&server, "CLIENT KILL TYPE pubsub");
    until_heard("k2999");
    RIG_UNTIL(&rig, channels() == KEPT - 1);
    assert_int_equal(proxy.connections, 3); /* it was dropped by none but the server */
}

/* Who else listens goes on. */
static void a_channel_of_two_is_kept(void **state)
{
    breaker_client_t second = second_client();
    (void)state;
    assert_int_equal(rig.storage->ops->open(rig.storage, &second), 0);
    assert_int_equal(rig.storage->ops->listen(rig.storage, &second, "n", 1), 0);
    listen_to("n");
    until_heard("n");
    RIG_UNTIL(&rig, second_heard >= 1);
    rig.storage->ops->unlisten(rig.storage, &second, "n", 1);
    rig_run_for(&rig, 50);
    unsigned heard = second_heard;
    until_heard("n");
    assert_int_equal(second_heard, heard);
    rig.storage->ops->close(rig.storage, &second);
    RIG_UNTIL(&rig, second_closed);
}

/* In its own callback, and that of another that hears the same. */
static void on_leaving_bell(breaker_client_t *client, const char *key, size_t key_length,
                            const char *value, size_t length)
{
    (void)length;
    if (value) {
        rig.bells++;
        rig.storage->ops->unlisten(rig.storage, client, key, key_length);
    }
}

static void leaving_inside(void **state)
{
    char key[16];
    (void)state;
    rig.client.bell = on_leaving_bell;
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "k%d", i);
        listen_to(key);
    }
    RIG_UNTIL(&rig, channels() == 100);
    for (int i = 0; i < 100; i++)
        server_do(&server, "PUBLISH p:k%d x", i);
    RIG_UNTIL(&rig, channels() == 0);
    assert_int_equal(rig.bells, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BELLS(channels_are_left),
        IN_BELLS(a_channel_of_two_is_kept),
        IN_BELLS(leaving_inside),
    };
    return cmocka_run_group_tests_name("redis: leaving channels", tests, bells_set_up,
                                       bells_tear_down);
}
