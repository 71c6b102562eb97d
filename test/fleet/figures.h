/* What the protocol costs and achieves, beside what FLEET measured. */
#ifndef FIGURES_H
#define FIGURES_H

int figures_run(void);

#endif /* FIGURES_H */
