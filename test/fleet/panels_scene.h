/* Situations of real panels, as tests describe them: one set of panels, called all, whose programs do what
 * they are told. */
#ifndef PANELS_SCENE_H
#define PANELS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "panels.h"
#include "panels_chaos.h"
#include <cmocka.h>

extern struct panels all;
extern double share; /* of the calls that fail */
extern int answer;   /* to the last order */

void open_some(unsigned count, double rate,
               const breaker_options_t *options); /* NULL: panels_options */
void join(unsigned count, double rate);
void close_all(void);

/* us, with turns for those whose programs do nothing. */
void pass(uint64_t time);

breaker_t *of(unsigned member);
breaker_snapshot_t look(unsigned member);
void report(unsigned member, unsigned times, breaker_outcome_t outcome);

/* An order of this member, counted in it when told. */
breaker_order_t *order_of(unsigned member);
void on_order(breaker_order_t *order, int status);

#endif /* PANELS_SCENE_H */
