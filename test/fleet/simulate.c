#include "chaos.h"
#include <stdio.h>
#include <stdlib.h>
int fleet_mutant;
int main(int argc, char **argv)
{
    struct sim sim;
    int a = atoi(argv[1]), b = atoi(argv[2]);
    if (argc > 3)
        fleet_mutant = atoi(argv[3]);
    int bad = 0;
    unsigned long t = 0, taught = 0;
    for (int s = a; s <= b; s++) {
        chaos_run(&sim, s, 0);
        t += sim.steps;
        taught += sim.taught;
        if (sim.wrong[0]) {
            bad++;
            printf("seed %d: %s\n", s, sim.wrong);
        }
        sim_close(&sim);
    }
    printf("%d bad of %d, %lu steps, taught %lu\n", bad, b - a + 1, t, taught);
}
