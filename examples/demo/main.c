/* The demos:
 *
 *     demo [PICTURE]           one process, with a breaker and without; demo.svg if not named
 *     demo fleet [PICTURE]     three processes that share a circuit in Redis; demo-fleet.svg
 *     demo fleet-client ...    one of these three, as the demo starts it
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "fleet-client") == 0) {
        return fleet_client_main(argc - 2, argv + 2);
    }
    if (argc > 1 && strcmp(argv[1], "fleet") == 0) {
        return fleet_main(argc > 2 ? argv[2] : "demo-fleet.svg");
    }
    return solo_main(argc > 1 ? argv[1] : "demo.svg");
}
