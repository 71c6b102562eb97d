/* A scenario, from its first step to its first difference. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "replay.h"

enum script_result { SCRIPT_PASSED, SCRIPT_FAILED, SCRIPT_REFUSED };

/* Prints the first difference, if there is one; or which option is refused, where the cast looks at
 * them. */
enum script_result script_play(const json_t *scenario, const struct player *player,
                               const struct cast *cast);

#endif /* SCRIPT_H */
