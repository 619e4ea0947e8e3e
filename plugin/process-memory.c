#include "lib.h"
#include "process-memory.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

void process_memory_protect(void)
{
	struct rlimit limit;

	/* 0 would not keep a program in core_pattern from getting it, core(5);
	   but who has 0 already may not go up to 1 */
	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		i_fatal("getrlimit(RLIMIT_CORE) failed: %m");
	if (limit.rlim_max > 0) {
		limit.rlim_cur = limit.rlim_max = 1;
		if (setrlimit(RLIMIT_CORE, &limit) < 0)
			i_fatal("setrlimit(RLIMIT_CORE) failed: %m");
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		i_fatal("prctl(PR_SET_DUMPABLE) failed: %m");
}

void process_die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		i_fatal("prctl(PR_SET_PDEATHSIG) failed: %m");
	/* it may have died before */
	if (getppid() != parent)
		_exit(0);
}
