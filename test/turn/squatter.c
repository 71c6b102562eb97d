/* A storage that is well, and will not do with one circuit's keys: that circuit goes on alone, and says so;
 * the others notice nothing. */
#include "fake.h"
#include "fixture.h"

#include <breaker/storage.h>
#include <string.h>

struct town {
    struct fixture *f;
    struct fake *fake;
    breaker_client_t stranger;
    uv_timer_t keeper;
    breaker_listener_t listener;
};

static struct town town;

static void on_keeper(uv_timer_t *keeper)
{
    (void)keeper;
}

static void on_bell(breaker_client_t *client, const char *key, size_t key_length, const char *value,
                    size_t length)
{
    (void)client, (void)key, (void)key_length, (void)value, (void)length;
}

static void on_health(breaker_client_t *client, int status)
{
    (void)client, (void)status;
}

static void on_closed(breaker_client_t *client)
{
    client->data = NULL;
}

static void pass(uint64_t ms)
{
    for (; ms > 0; ms--) {
        town.f->clock++;
        fake_advance(town.fake, 1);
        for (int i = 0; i < 3; i++)
            uv_run(&town.f->loop, UV_RUN_NOWAIT);
    }
}

static void on_event(breaker_listener_t *listener, const breaker_event_t *event)
{
    (void)listener;
    record(town.f, "%s:%s:%d", event->breaker == NULL ? "storage" : breaker_name(event->breaker),
           event->kind == BREAKER_ON_STORAGE_LOST ? "lost" : "found", event->status == UV_EINVAL);
}

static void town_open(void **state)
{
    breaker_panel_options_t options;
    breaker_storage_t *storage;

    memset(&town, 0, sizeof town);
    town.f = *state;
    town.fake = fake_create(1);
    storage = fake_storage(town.fake);
    breaker_panel_options_init(&options);
    options.storage = storage;
    fixture_panel(town.f, &options, true);
    uv_timer_init(&town.f->loop, &town.keeper);
    uv_timer_start(&town.keeper, on_keeper, 1000000000, 0);
    town.stranger = (breaker_client_t){.loop = &town.f->loop,
                                       .data = &town,
                                       .bell = on_bell,
                                       .health = on_health,
                                       .closed = on_closed};
    assert_int_equal(storage->ops->open(storage, &town.stranger), 0);
    town.listener.kinds = BREAKER_ON_STORAGE_LOST | BREAKER_ON_STORAGE_FOUND;
    town.listener.notify = on_event;
    assert_int_equal(breaker_panel_listen(town.f->panel, &town.listener), 0);
}

static void town_close(void)
{
    breaker_storage_t *storage = fake_storage(town.fake);

    storage->ops->close(storage, &town.stranger);
    fixture_destroy_panel(town.f);
    for (int i = 0; i < 100 && (town.f->destroyed == 0 || town.stranger.data != NULL); i++)
        pass(1);
    uv_close((uv_handle_t *)&town.keeper, NULL);
    fixture_wait_destroyed(town.f);
    fake_destroy(town.fake);
}

static void on_complete(breaker_transaction_t *transaction, int status)
{
    *(int *)transaction->data = status;
}

static void do_verb(breaker_verb_kind_t kind, const char *key)
{
    breaker_storage_t *storage = fake_storage(town.fake);
    breaker_verb_t verb = {
        .kind = kind, .key = key, .key_length = (uint16_t)strlen(key), .cut = -1};
    int status = 1;
    breaker_transaction_t transaction = {
        .verbs = &verb, .count = 1, .complete = on_complete, .data = &status};

    storage->ops->submit(storage, &town.stranger, &transaction);
    pass(2);
    assert_int_equal(status, 0);
}

static breaker_t *shared(const char *name)
{
    breaker_options_t options;

    breaker_options_init(&options);
    options.min_calls = 3;
    options.min_reporters = 1;
    return make_breaker(town.f, name, &options);
}

static void test_a_squatted_record(void **state)
{
    breaker_t *one, *other;

    town_open(state);
    do_verb(BREAKER_LOG, "{one}:1:r");
    one = shared("one");
    other = shared("other");
    pass(1000);
    expect(town.f, "one:lost:1");
    count_many(one, 3, BREAKER_FAILURE);
    assert_int_equal(look(one).state, BREAKER_BROKEN); /* alone */
    count_many(other, 3, BREAKER_FAILURE);
    pass(1000);
    assert_int_equal(look(other).state, BREAKER_BROKEN);
    expect(town.f, "");
    do_verb(BREAKER_DELETE, "{one}:1:r");
    assert_false(is_admitted(one));
    pass(3000);
    assert_false(is_admitted(one));
    pass(100);
    expect(town.f, "one:found:0");
    town_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BARE_TEST(test_a_squatted_record),
    };
    return cmocka_run_group_tests_name("squatted keys", tests, NULL, NULL);
}
