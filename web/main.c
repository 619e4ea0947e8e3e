#define _GNU_SOURCE /* explicit_bzero() */
#include "clock.h"
#include "http-listen.h"
#include "http-monitor.h"
#include "http-server.h"
#include "log.h"
#include "metrics.h"
#include "page-site.h"
#include "routes.h"
#include "service.h"
#include "settings.h"
#include "setup.h"
#include "site.h"

#include "pymailadmin-config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#define FILES_WANTED 8192

static const char usage[] =
	"usage: pymailadmin-web [--config FILE]\n"
	"       pymailadmin-web --check-config [FILE]\n"
	"       pymailadmin-web --setup [FILE]\n"
	"       pymailadmin-web --version | --help\n";

static atomic_bool draining;

static bool is_ready(void)
{
	return !atomic_load(&draining) && page_hooks.is_ready();
}

static void measure(void)
{
	page_hooks.measure();
}

static const struct http_monitor_hooks monitor_hooks = { is_ready, measure };

/* Passwords pass through: no core dump, no debugger of the same user. */
static int harden(void)
{
	struct rlimit files;
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -1;
	(void)umask(077);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur < FILES_WANTED) {
		files.rlim_cur = files.rlim_max < FILES_WANTED ?
			files.rlim_max : FILES_WANTED;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	return 0;
}

static void print_error(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "%s\n", text);
}

static void log_settings_error(void *context, const char *text)
{
	(void)context;
	log_error(NULL, "%s", text);
}

static int check_config(const char *path)
{
	struct settings *set = settings_read(path, print_error, NULL);

	if (set == NULL)
		return EX_CONFIG;
	settings_free(&set);
	puts("ok");
	return EX_OK;
}

static int set_up(const char *path)
{
	log_init(LOG_LEVEL_ERROR);
	if (harden() < 0) {
		log_error(NULL, "prctl() failed: %s", strerror(errno));
		return EX_OSERR;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	return setup_run(path);
}

static void init_metrics(void)
{
	static const char *names[METRICS_ROUTES_MAX];
	unsigned int i;

	for (i = 0; i < routes_count && i < METRICS_ROUTES_MAX; i++)
		names[i] = routes[i].path;
	metrics_init(PACKAGE_VERSION, names, i);
}

/* Until a signal to stop comes. */
static void wait_for_signal(const sigset_t *signals)
{
	const uint64_t msecs = service_watchdog_msecs();
	const struct timespec interval = {
		.tv_sec = (time_t)(msecs / 1000),
		.tv_nsec = (long)(msecs % 1000) * 1000000
	};
	int ret;

	for (;;) {
		ret = sigtimedwait(signals, NULL,
				   msecs > 0 ? &interval : NULL);
		if (ret > 0)
			return;
		if (errno == EAGAIN)
			service_notify("WATCHDOG=1");
	}
}

static int start(const struct settings *set, struct http_monitor **monitor,
		 struct http_server **server, const char **error_r)
{
	struct http_listener *listener;

	/* Both before a thread is started. */
	listener = http_listen(set->listen, error_r);
	if (listener == NULL)
		return -1;
	*server = http_server_start(set, &page_site, &listener, error_r);
	if (*server == NULL)
		return -1;
	if (set->metrics_listen[0] == '\0')
		return 0;
	listener = http_listen(set->metrics_listen, error_r);
	if (listener == NULL)
		return -1;
	*monitor = http_monitor_start(&listener, &monitor_hooks, error_r);
	return *monitor == NULL ? -1 : 0;
}

static int serve(const struct settings *set, const sigset_t *signals)
{
	struct http_monitor *monitor = NULL;
	struct http_server *server = NULL;
	const char *error = NULL;
	int ret;

	ret = start(set, &monitor, &server, &error);
	if (ret < 0) {
		log_error(NULL, "%s", error);
	} else {
		log_event(LOG_LEVEL_INFO, "start", "version", PACKAGE_VERSION,
			  "listen", set->listen, NULL);
		service_notify("READY=1\nSTATUS=Serving.");
		wait_for_signal(signals);
		service_notify("STOPPING=1\nSTATUS=Finishing requests.");
		log_event(LOG_LEVEL_INFO, "stopping", NULL);
		atomic_store(&draining, true);
	}
	http_server_stop(&server);
	http_monitor_stop(&monitor);
	if (ret == 0)
		log_event(LOG_LEVEL_INFO, "stopped", NULL);
	return ret < 0 ? EX_OSERR : EX_OK;
}

static int run(const char *path)
{
	struct settings *set;
	const char *error;
	sigset_t signals;
	int status;

	log_init(LOG_LEVEL_INFO);
	if (harden() < 0) {
		log_error(NULL, "prctl() failed: %s", strerror(errno));
		return EX_OSERR;
	}
	/* Before any thread is made, so that all inherit it. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	set = settings_read(path, log_settings_error, NULL);
	if (set == NULL)
		return EX_CONFIG;
	log_init((enum log_level)set->log_level);
	init_metrics();
	page_site_init(set);
	if (site_start(set, &error) < 0) {
		log_error(NULL, "%s", error);
		status = EX_OSERR;
	} else {
		status = serve(set, &signals);
		site_stop();
	}
	settings_free(&set);
	return status;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "setup", no_argument, NULL, 'S' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *path = SETTINGS_FILE_DEFAULT;
	bool check = false, setup = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'C':
			check = true;
			break;
		case 'S':
			setup = true;
			break;
		case 'V':
			puts("pymailadmin-web " PACKAGE_VERSION);
			return EX_OK;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	}
	if ((check || setup) && optind < argc)
		path = argv[optind++];
	if (optind < argc || (check && setup)) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	if (setup)
		return set_up(path);
	return check ? check_config(path) : run(path);
}
