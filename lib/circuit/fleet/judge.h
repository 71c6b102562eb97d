/* The evidence of a fleet, and what it says. */
#ifndef CIRCUIT_JUDGE_H
#define CIRCUIT_JUDGE_H

#include "fleet.h"

/* How the counts are kept, and what they are in all. */
struct tally_shape judge_shape(const struct fleet_world *world);
void judge_sum(const struct fleet *fleet, const struct fleet_world *world, struct tally_sums *sums);

/* In a bucket in which this process gave up a circuit, perhaps this one, it is not counted again. */
void judge_spare(struct fleet *fleet, const struct fleet_world *world);

/* After a result or an answer: does the evidence make a transition? */
void judge_evidence(struct fleet *fleet, const struct fleet_world *world, struct fleet_news *news);

/* Does a decision need more than what syncs bring by themselves? */
bool judge_is_suspicious(const struct fleet *fleet, const struct fleet_world *world);

/* Is this process failing by itself? */
bool judge_is_bad(const struct fleet *fleet, const struct fleet_world *world);

/* Is RECOVERING decided by trials, not by a sample? */
bool judge_is_trial(const struct fleet_world *world);

/* A hash of what should be the same in every process. */
uint16_t judge_policy(const struct rules *rules);

#endif /* CIRCUIT_JUDGE_H */
