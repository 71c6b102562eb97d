/* Which breaker a URL has: the one mounted on the longest prefix, the one of its host, or one that
 * lets all pass. Breakers are kept by their names, since the program may destroy them. */
#include "curl_client.h"
#include "memory.h"
#include <string.h>

/* The place of a prefix, or where it would be. */
static struct curl_mount **place_of(breaker_curl_t *client, const char *prefix, size_t length)
{
    struct curl_mount **link = &client->mounts;

    while (*link != NULL && ((*link)->length > length ||
                             ((*link)->length == length && strcmp((*link)->prefix, prefix) != 0)))
        link = &(*link)->next;
    return link;
}

static bool is_there(const struct curl_mount *mount, const char *prefix, size_t length)
{
    return mount != NULL && mount->length == length && strcmp(mount->prefix, prefix) == 0;
}

int breaker_curl_mount(breaker_curl_t *client, const char *prefix, breaker_t *breaker)
{
    struct curl_mount **link, *mount;
    char *spelling;
    size_t length;
    int status;

    if (client == NULL || prefix == NULL || breaker == NULL ||
        breaker_panel(breaker) != client->panel)
        return UV_EINVAL;
    if ((status = curl_url_spell(&spelling, prefix, true)) != 0)
        return status;
    length = strlen(spelling);
    link = place_of(client, spelling, length);
    if (!is_there(*link, spelling, length)) {
        mount = memory_allocate(sizeof *mount + length + 1);
        if (mount != NULL) {
            memcpy(mount->prefix, spelling, length + 1);
            mount->length = length;
            mount->next = *link;
            *link = mount;
        } else {
            status = UV_ENOMEM;
        }
    }
    if (status == 0)
        memcpy((*link)->name, breaker_name(breaker), strlen(breaker_name(breaker)) + 1);
    memory_release(spelling);
    return status;
}

int breaker_curl_unmount(breaker_curl_t *client, const char *prefix)
{
    struct curl_mount **link, *mount;
    char *spelling;
    int status;

    if (client == NULL || prefix == NULL)
        return UV_EINVAL;
    if ((status = curl_url_spell(&spelling, prefix, true)) != 0)
        return status;
    link = place_of(client, spelling, strlen(spelling));
    mount = *link;
    if (is_there(mount, spelling, strlen(spelling))) {
        *link = mount->next;
        memory_release(mount);
    } else {
        status = UV_ENOENT;
    }
    memory_release(spelling);
    return status;
}

/* One that never refuses and counts nothing: so what passes goes the way that all transfers go. */
static int make_passing(breaker_panel_t *panel, const char *name, breaker_t **breaker)
{
    breaker_options_t options;
    breaker_policy_t *policy;
    int status;

    breaker_options_init(&options);
    options.share = BREAKER_SHARE_NONE;
    if ((status = breaker_policy_create(&policy, &options, NULL)) != 0)
        return status;
    if ((status = breaker_create(breaker, panel, name, policy)) == 0)
        breaker_hold(*breaker, BREAKER_HOLD_CLOSED, NULL, NULL);
    breaker_policy_destroy(policy);
    return status;
}

static int find_passing(breaker_curl_t *client, breaker_t **breaker, char *name)
{
    static const char passing[] = "unguarded";

    memcpy(name, passing, sizeof passing);
    *breaker = breaker_find(client->panel, name);
    return *breaker != NULL ? 0 : make_passing(client->panel, name, breaker);
}

static int find_host(breaker_curl_t *client, const char *url, breaker_t **breaker, char *name)
{
    size_t length = curl_url_origin(url);

    if (client->options.hosts == NULL && client->options.unmounted == BREAKER_CURL_PASS)
        return find_passing(client, breaker, name);
    if (client->options.hosts == NULL)
        return UV_ENOENT;
    if (length > BREAKER_NAME_MAX)
        return UV_ENAMETOOLONG;
    memcpy(name, url, length);
    name[length] = '\0';
    return breaker_obtain(breaker, client->panel, name, client->options.hosts);
}

int curl_mount_find(breaker_curl_t *client, const char *url, breaker_t **breaker, char *name)
{
    struct curl_mount *mount = client->mounts;

    while (mount != NULL && strncmp(mount->prefix, url, mount->length) != 0)
        mount = mount->next;
    if (mount == NULL)
        return find_host(client, url, breaker, name);
    memcpy(name, mount->name, sizeof mount->name);
    *breaker = breaker_find(client->panel, name);
    return *breaker == NULL ? UV_ENOENT : 0;
}

void curl_mount_end(breaker_curl_t *client)
{
    struct curl_mount *mount;

    while ((mount = client->mounts) != NULL) {
        client->mounts = mount->next;
        memory_release(mount);
    }
}
