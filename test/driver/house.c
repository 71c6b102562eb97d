/* Knows how the storage, the policy, the panel and the breaker of the arguments are made, and in which
 * order they go. */
#include "drive.h"
#include <string.h>

/* bad: the library's name of what is wrong; NULL: it is not one of the arguments but this. */
static void check(int status, const char *bad, const char *field)
{
    if (status != 0)
        settings_refuse(breaker_strerror(status), bad != NULL ? settings_argument(bad) : field,
                        NULL);
}

static void make_storage(struct drive *drive)
{
    struct settings *settings = &drive->settings;
    const char *bad = NULL;
    int status;

    if (strcmp(settings->storage, "memory") == 0) {
        status = breaker_memory_create(&drive->storage, NULL);
    } else {
#ifdef HAVE_REDIS
        if (breaker_redis_options_url(&settings->redis, settings->storage) != 0)
            settings_refuse("not memory, redis://... or unix:PATH", "storage", settings->storage);
        status = breaker_redis_create(&drive->storage, &settings->redis, &bad);
        drive->is_redis = true;
#else
        settings_refuse("built without Redis", "storage", settings->storage);
#endif
    }
    check(status, bad, "storage");
}

/* The library does not say which. */
static const char *panel_fault(const breaker_panel_options_t *options)
{
    bool is_time = options->storage_timeout >= 1 && options->storage_timeout <= BREAKER_TIME_MAX;

    return is_time ? "max_turns" : "storage_timeout";
}

static void make_panel(struct drive *drive)
{
    struct settings *settings = &drive->settings;
    int status;

    settings->panel.storage = drive->storage;
    settings->panel.data = drive;
    status = breaker_panel_create(&drive->panel, &drive->loop, &settings->panel);
    check(status, status == UV_EINVAL ? panel_fault(&settings->panel) : NULL, "storage");
    drive->listener.kinds = BREAKER_ON_STATE_CHANGE | BREAKER_ON_OTHER_POLICY |
                            BREAKER_ON_STORAGE_LOST | BREAKER_ON_STORAGE_FOUND | BREAKER_ON_MISSED;
    drive->listener.notify = answer_event;
    drive->listener.data = drive;
    breaker_panel_listen(drive->panel, &drive->listener);
}

void house_build(struct drive *drive)
{
    const char *bad = NULL;
    int status = breaker_policy_create(&drive->policy, &drive->settings.options, &bad);

    check(status, bad, "dialect");
    breaker_policy_exclude(drive->policy, EXCLUDED);
    make_storage(drive);
    make_panel(drive);
    status = breaker_create(&drive->breaker, drive->panel, drive->settings.name, drive->policy);
    if (status != 0)
        settings_refuse(breaker_strerror(status), "name", drive->settings.name);
    drive->order.data = drive;
    uv_timer_init(&drive->loop, &drive->pause);
    uv_idle_init(&drive->loop, &drive->teller);
}

void house_leave(struct drive *drive)
{
    if (drive->is_ending)
        return;
    drive->is_ending = true;
    lines_end(drive);
    uv_close((uv_handle_t *)&drive->pause, NULL);
    uv_close((uv_handle_t *)&drive->teller, NULL);
    breaker_panel_destroy(drive->panel, NULL);
    call_finish_all(drive);
}

void house_clear(struct drive *drive)
{
    breaker_policy_destroy(drive->policy);
#ifdef HAVE_REDIS
    if (drive->is_redis)
        breaker_redis_destroy(drive->storage);
#endif
    if (!drive->is_redis)
        breaker_memory_destroy(drive->storage);
    json_decref(drive->answer);
}
