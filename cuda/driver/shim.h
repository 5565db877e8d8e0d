/* What Go asks of shim.c. */
#ifndef CLASSLENS_SHIM_H
#define CLASSLENS_SHIM_H

int shim_open(const char *chosen);       /* loads libcuda (chosen, or the usual places) and gives cuInit's answer; once */
int shim_loaded(void);                   /* a library was found */
const char *shim_failure(void);          /* why none was found */
int shim_simulated(void);                /* it is the project's simulated device */
const char *shim_sim_message(void);      /* the simulated device's words on the last fault of this thread's device */
int shim_sim_statistics(const char *kernel, unsigned long long *eight); /* see Statistics in Go */
int shim_sim_live(unsigned long long *six);                             /* see Counts in Go */

#endif
