/* What tests of the bell share: one storage over a proxy, with the prefix "p:", anew for each test. */
#ifndef BELLS_H
#define BELLS_H

#include "proxy.h"
#include "rig.h"
#include "server.h"

extern struct server server;
extern struct proxy proxy;
extern struct rig rig;

int bells_set_up(void **state); /* of a group: the server */
int bells_tear_down(void **state);
int bells_begin(void **state); /* of a test */
int bells_end(void **state);
#define IN_BELLS(test) cmocka_unit_test_setup_teardown(test, bells_begin, bells_end)

void listen_to(const char *key);
bool rings_with(const char *value);
/* Until the connection for it is there, and nothing more is on its way. */
void until_heard(const char *key);

/* A second client of the storage, to be opened. */
extern unsigned second_heard;
extern bool second_closed;
breaker_client_t second_client(void);

#endif /* BELLS_H */
