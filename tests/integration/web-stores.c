/* The portal's stores at the command line: each line of standard input is a
   command and its arguments, separated by tabs; each answer is a line that
   begins with what the function returned. "threads N command" runs one in as
   many threads at once, with # in arguments replaced by the thread's number,
   and answers a line for each. After "time N" a command is run N times, and how
   many microseconds one took comes first. */

#include "web-stores.h"
#include "event.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMAND_MAX 16384
#define THREADS_MAX 64

struct seal_public_key call_seal_key;
const struct secret_key call_secret_key = { { 1, 2, 3 } };

static struct db_settings db_set;
static char command_line[COMMAND_MAX];
static pthread_barrier_t barrier;

uint64_t call_number(const struct call *call, unsigned int i)
{
	return strtoull(call->args[i], NULL, 10);
}

const char *call_optional(const struct call *call, unsigned int i)
{
	return call->args[i] == NULL || call->args[i][0] == '\0' ? NULL :
		call->args[i];
}

struct account *call_account(struct call *call, unsigned int i)
{
	struct account *account = NULL;
	const char *hash;

	if (account_find(call->db, call->arena, call->args[i], &account, &hash,
			 &call->error) <= 0) {
		account = arena_new(call->arena, struct account, 1);
		account->email = call->args[i];
	}
	return account;
}

static int do_connection(struct call *call)
{
	const struct db_value *row;
	int ret;

	ret = db_query_row(call->db, call->arena,
		"SELECT CONNECTION_ID(),@@sql_mode,@@time_zone,@@tx_isolation,"
		"@@character_set_client,UTC_TIMESTAMP()=NOW(),"
		"(SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS "
		"WHERE VARIABLE_NAME='Ssl_cipher')", NULL, 0, &row,
		&call->error);
	if (ret > 0)
		buffer_printf(&call->answer, " %llu %s %s %s %s %llu [%s]",
			(unsigned long long)db_value_uint(&row[0]),
			db_value_text(&row[1]), db_value_text(&row[2]),
			db_value_text(&row[3]), db_value_text(&row[4]),
			(unsigned long long)db_value_uint(&row[5]),
			db_value_text(&row[6]));
	return ret;
}

/* Its own connection dies within: the transaction is done again. */
static int die_once(struct db *db, void *context, const char **error_r)
{
	struct call *call = context;
	const struct db_value *row;
	int ret;

	if (event_add_account(db, call->arena, 7, "in-transaction", NULL,
			      error_r) < 0)
		return -1;
	buffer_append_str(&call->answer, " try");
	if (call->count > 0) {
		call->count = 0;
		ret = db_query_row(db, call->arena,
			"SELECT SLEEP(0),CONNECTION_ID()", NULL, 0, &row,
			error_r);
		if (ret <= 0)
			return -1;
		fprintf(stderr, "kill %llu\n",
			(unsigned long long)db_value_uint(&row[1]));
		if (getchar() == EOF)
			return -1;
	}
	return event_add_account(db, call->arena, 7, "in-transaction", NULL,
				 error_r) < 0 ? -1 : 1;
}

static int do_transaction(struct call *call)
{
	return db_transaction(call->db, call->arena, die_once, call,
			      &call->error);
}

static int deadlock(struct db *db, void *context, const char **error_r)
{
	struct call *call = context;
	const struct db_value one[] = { DB_UINT(call_number(call, 0)) };
	const struct db_value two[] = { DB_UINT(call_number(call, 1)) };
	static const char sql[] =
		"UPDATE pymailadmin_account SET language="
		"IF(language='en','fr','en') WHERE id=?";
	const struct db_value *row;

	if (db_execute(db, call->arena, sql, one, 1, NULL, error_r) < 0 ||
	    db_query_row(db, call->arena, "SELECT SLEEP(0.2)", NULL, 0, &row,
			 error_r) < 0 ||
	    db_execute(db, call->arena, sql, two, 1, NULL, error_r) < 0)
		return -1;
	return 1;
}

static int do_deadlock(struct call *call)
{
	return db_transaction(call->db, call->arena, deadlock, call,
			      &call->error);
}

static const struct command db_commands[] = {
	{ "connection", 0, do_connection },
	{ "transaction", 0, do_transaction },
	{ "deadlock", 2, do_deadlock },
	{ NULL, 0, NULL }
};

static const struct command *find_command(const char *name)
{
	const struct command *const tables[] = {
		db_commands, account_commands, mailbox_commands,
	};
	const struct command *command;
	unsigned int i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (command = tables[i]; command->name != NULL; command++) {
			if (strcmp(command->name, name) == 0)
				return command;
		}
	}
	return NULL;
}

/* Splits a copy of the line; # is the number. */
static const struct command *parse(struct call *call, const char *line,
				   long number)
{
	struct buffer text = BUFFER_INIT;
	char *copy, *next;
	unsigned int i;

	for (; *line != '\0'; line++) {
		if (*line == '#')
			buffer_printf(&text, "%ld", number);
		else
			buffer_append_char(&text, *line);
	}
	copy = arena_strdup(call->arena, buffer_str(&text));
	buffer_free(&text);
	next = strchr(copy, '\t');
	for (i = 0; next != NULL && i < CALL_ARGS_MAX; i++) {
		*next++ = '\0';
		call->args[i] = next;
		next = strchr(next, '\t');
	}
	call->count = i;
	return find_command(copy);
}

/* Returns microseconds. */
static double run(const char *line, long number, struct buffer *answer)
{
	struct call call = { .error = "", .answer = BUFFER_INIT };
	const struct command *command;
	struct timespec begin, end;
	int ret;

	call.arena = arena_create();
	call.db = db_get(&db_set);
	command = parse(&call, line, number);
	if (command == NULL || call.count < command->args) {
		fprintf(stderr, "no such command: %s\n", line);
		exit(64);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ret = command->run(&call);
	clock_gettime(CLOCK_MONOTONIC, &end);
	buffer_printf(answer, "%d%s%s%s%s\n", ret, buffer_str(&call.answer),
		ret < 0 ? " error: " : "", ret < 0 ? call.error : "",
		ret < 0 && db_is_unavailable(call.db) ? " (unavailable)" : "");
	buffer_free(&call.answer);
	arena_free(&call.arena);
	return (double)(end.tv_sec - begin.tv_sec) * 1e6 +
		(double)(end.tv_nsec - begin.tv_nsec) / 1e3;
}

struct thread {
	pthread_t id;
	long number;
	struct buffer answer;
};

static void *thread_main(void *context)
{
	struct thread *thread = context;

	pthread_barrier_wait(&barrier);
	(void)run(command_line, thread->number, &thread->answer);
	return NULL;
}

static void run_threads(unsigned int count)
{
	struct thread threads[THREADS_MAX];
	unsigned int i;

	if (count > THREADS_MAX)
		exit(64);
	pthread_barrier_init(&barrier, NULL, count);
	for (i = 0; i < count; i++) {
		threads[i] = (struct thread){ .number = (long)i };
		pthread_create(&threads[i].id, NULL, thread_main, &threads[i]);
	}
	for (i = 0; i < count; i++) {
		pthread_join(threads[i].id, NULL);
		fputs(buffer_str(&threads[i].answer), stdout);
		buffer_free(&threads[i].answer);
	}
	pthread_barrier_destroy(&barrier);
}

static void run_times(unsigned int count)
{
	struct buffer answer = BUFFER_INIT;
	double best = 1e9, each;
	unsigned int i;

	for (i = 0; i < count; i++) {
		buffer_free(&answer);
		each = run(command_line, 0, &answer);
		best = each < best ? each : best;
	}
	printf("%.0f %s", best, buffer_str(&answer));
	buffer_free(&answer);
}

static void serve(char *line)
{
	struct buffer answer = BUFFER_INIT;
	char *rest;
	unsigned long count;

	line[strcspn(line, "\n")] = '\0';
	rest = strchr(line, '\t');
	if (rest != NULL && (strncmp(line, "threads\t", 8) == 0 ||
			     strncmp(line, "time\t", 5) == 0)) {
		count = strtoul(rest + 1, &rest, 10);
		memmove(command_line, rest + 1, strlen(rest));
		if (line[1] == 'h')
			run_threads((unsigned int)count);
		else
			run_times((unsigned int)count);
		return;
	}
	(void)run(line, 0, &answer);
	fputs(buffer_str(&answer), stdout);
	buffer_free(&answer);
}

/* socket or host:port, database, user, password, seal key, CA */
int main(int argc, char **argv)
{
	static char line[COMMAND_MAX];
	const char *error;
	char *port;

	if (argc < 6 ||
	    seal_public_key_parse(argv[5], &call_seal_key, &error) < 0)
		return 64;
	db_set = (struct db_settings){ .name = argv[2], .user = argv[3],
		.password = argv[4], .tls_ca = argc > 6 ? argv[6] : NULL };
	port = strchr(argv[1], ':');
	if (argv[1][0] == '/') {
		db_set.socket = argv[1];
	} else if (port != NULL) {
		*port++ = '\0';
		db_set.host = argv[1];
		db_set.port = (unsigned int)strtoul(port, NULL, 10);
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		serve(line);
		/* ends the block that threads answer with */
		puts(".");
		fflush(stdout);
	}
	db_deinit();
	return 0;
}
