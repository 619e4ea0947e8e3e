#include "lib.h"
#include "ioloop.h"
#include "process-memory.h"
#include "sealed-request.h"
#include "rekey.h"
#include "rekey-process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void ATTR_NORETURN
process_run(const struct rekey_process_params *params,
	    struct rekey_shared *shared, pid_t parent)
{
	const struct rekey_params rekey = {
		.event = params->event,
		.set = params->set,
		.user = params->user,
		.home = params->home,
		.base_dir = params->base_dir,
		.key_password = params->key_password,
		.shared = shared,
	};

	/* its copy: it reads mail, and has no use for it */
	if (params->seal_key != NULL)
		seal_private_key_wipe((struct seal_private_key *)
				      params->seal_key);
	/* the parent says when to stop, also at Ctrl-C */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	process_memory_protect();
	process_die_with_parent(parent);
	/* the parent's ioloop has descriptors that are also its own */
	(void)io_loop_create();
	rekey_run(&rekey);
	/* not exit(): what is open belongs to the parent */
	_exit(0);
}

int rekey_process_start(const struct rekey_process_params *params,
			struct rekey_process *process_r, const char **error_r)
{
	const pid_t parent = getpid();
	struct rekey_shared *shared;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		*error_r = t_strdup_printf("mmap() failed: %m");
		return -1;
	}
	shared->background = params->background;
	process_r->shared = shared;
	process_r->pid = fork();
	if (process_r->pid == 0)
		process_run(params, shared, parent);
	if (process_r->pid == -1) {
		*error_r = t_strdup_printf("fork() failed: %m");
		rekey_process_free(process_r);
		return -1;
	}
	return 0;
}

bool rekey_process_has_ended(struct rekey_process *process, bool wait)
{
	int status;
	pid_t ret;

	if (process->pid == -1)
		return TRUE;
	do {
		ret = waitpid(process->pid, &status, wait ? 0 : WNOHANG);
	} while (ret < 0 && errno == EINTR);
	if (ret == 0)
		return FALSE;
	process->pid = -1;
	return TRUE;
}

void rekey_process_free(struct rekey_process *process)
{
	if (munmap(process->shared, sizeof(*process->shared)) < 0)
		i_fatal("munmap() failed: %m");
	process->shared = NULL;
}
