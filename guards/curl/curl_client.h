/* What the files of the curl guard share. */
#ifndef CURL_CLIENT_H
#define CURL_CLIENT_H

#include <breaker/curl.h>
#include <stdbool.h>
#include <uv.h>

struct curl_mount {
    struct curl_mount *next; /* the longest prefixes first */
    char name[BREAKER_NAME_MAX + 1];
    size_t length;
    char prefix[];
};

struct curl_transfer {
    breaker_call_t call;
    breaker_curl_t *client;
    struct curl_transfer *next, **link; /* of the client's */
    struct curl_transfer *next_in_table;
    CURL *easy;
    breaker_curl_cb done;
    breaker_curl_sinks_t sinks;
    bool is_in_multi, is_starved, is_cancelled;
    char *redirect; /* where to go on, or NULL */
    char *url;      /* of this hop, in our spelling */
    char name[BREAKER_NAME_MAX + 1];
    breaker_curl_result_t result;
};

struct breaker_curl_s {
    breaker_panel_t *panel;
    uv_loop_t *loop;
    breaker_curl_options_t options;
    struct curl_mount *mounts;
    struct curl_transfer *transfers;
    breaker_listener_t ear; /* on the panel, until its end */
    CURLM *multi;
    uv_timer_t timer;
    struct curl_socket *sockets; /* curl_loop.c's */
    unsigned handles;            /* of libuv, open */
    bool is_closing;
    breaker_curl_destroy_cb destroyed;
    void *destroyed_data;
};

/* curl_url.c: scheme://host:port/path?query, in small letters up to the path and always with the
 * port; a prefix may also be a scheme or nothing. To be given to memory_release. UV_EINVAL,
 * UV_ENOMEM. */
int curl_url_spell(char **spelling, const char *url, bool is_prefix);
size_t curl_url_origin(const char *spelling); /* the length of scheme://host:port */

/* curl_client.c: the panel is there, and not about to end. Nothing of it may be touched otherwise. */
bool curl_client_has_panel(breaker_curl_t *client);

/* curl_table.c: the transfers under way, by their easy handles, from the asking until they are told.
 * False: the handle is under way, here or elsewhere. */
bool curl_table_enter(struct curl_transfer *transfer);
void curl_table_leave(struct curl_transfer *transfer);
struct curl_transfer *curl_table_find(const breaker_curl_t *client, const CURL *easy);

/* curl_mount.c: the breaker for a URL so spelt, and its name. */
int curl_mount_find(breaker_curl_t *client, const char *url, breaker_t **breaker, char *name);
void curl_mount_end(breaker_curl_t *client);

/* curl_loop.c */
int curl_loop_open(breaker_curl_t *client);
void curl_loop_close(breaker_curl_t *client); /* and then frees the client */

/* curl_judge.c */
int curl_judge_status(CURLcode code);
breaker_outcome_t curl_judge_outcome(CURLcode code, long response);

/* curl_hop.c: how a hop begins, how it is taken back; libcurl has ended one, if it is ours. */
int curl_hop_start(breaker_call_t *call);
void curl_hop_stop(breaker_call_t *call);
void curl_hop_ended(breaker_curl_t *client, CURL *easy, CURLcode code);

/* curl_redirect.c: before and after each hop; where the response leads, if it is to be followed;
 * and there. UV_ENOENT, UV_EINVAL: not there. */
void curl_redirect_prepare(struct curl_transfer *transfer);
void curl_redirect_restore(struct curl_transfer *transfer);
void curl_redirect_look(struct curl_transfer *transfer);
void curl_redirect_drop(struct curl_transfer *transfer);
int curl_redirect_follow(struct curl_transfer *transfer);

/* curl.c: all transfers, given up; a hop to the URL, which it takes. */
void curl_transfers_cancel(breaker_curl_t *client, bool for_want_of_memory);
int curl_transfer_begin(struct curl_transfer *transfer, char *url);

#endif /* CURL_CLIENT_H */
