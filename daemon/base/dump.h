/* Memory that holds tokens stays in memory. */
#pragma once

/* No core file, and nothing for a program that the kernel pipes cores to (core_pattern): that one
 * is not held back by RLIMIT_CORE, only by PR_SET_DUMPABLE (core(5), prctl(2)). With it, processes
 * of the same user cannot read this one's memory or trace it either; root can. The files of
 * /proc/self stay readable for the process itself, those of /proc/PID belong to root. To be called
 * before the first secret is read. */
void dump_forbid(void);
