/* Keeps memory, which holds tokens, out of core files. */
#pragma once

/* Forbids core files, and pipes to a core handler (core_pattern): RLIMIT_CORE does not stop those,
 * PR_SET_DUMPABLE does (core(5), prctl(2)). It also stops processes of the same user, but not root,
 * from reading or tracing this one's memory. The process can still read its own /proc/self;
 * /proc/PID belongs to root. Call it before the first secret is read. */
void dump_forbid(void);
