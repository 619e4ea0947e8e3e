#define _GNU_SOURCE /* O_CLOEXEC */
#include "settings-types.h"
#include "arena.h"
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 1024

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 }, { "B", 1 },
	{ "K", 1ULL << 10 }, { "KB", 1ULL << 10 },
	{ "M", 1ULL << 20 }, { "MB", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "GB", 1ULL << 30 },
	{ "T", 1ULL << 40 }, { "TB", 1ULL << 40 },
	{ NULL, 0 }
};

static const struct unit time_units[] = {
	{ "s", 1 }, { "sec", 1 }, { "secs", 1 },
	{ "second", 1 }, { "seconds", 1 },
	{ "m", 60 }, { "min", 60 }, { "mins", 60 },
	{ "minute", 60 }, { "minutes", 60 },
	{ "h", 3600 }, { "hour", 3600 }, { "hours", 3600 },
	{ "d", 86400 }, { "day", 86400 }, { "days", 86400 },
	{ "week", 604800 }, { "weeks", 604800 },
	{ NULL, 0 }
};

/* Digits at the beginning; *rest_r is what follows. */
static bool parse_digits(const char *value, uint64_t *number_r,
			 const char **rest_r)
{
	uint64_t number = 0;
	const char *p;

	for (p = value; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*p - '0'),
					   &number))
			return false;
	}
	*number_r = number;
	*rest_r = p;
	return p > value;
}

static const char *check_range(struct arena *arena, uint64_t number,
			       uint64_t min, uint64_t max, const char *unit)
{
	if (number >= min && number <= max)
		return NULL;
	return arena_printf(arena, "not between %"PRIu64" and %"PRIu64"%s",
			    min, max, unit);
}

const char *settings_parse_number(struct arena *arena, const char *value,
				  uint64_t min, uint64_t max,
				  uint64_t *number_r)
{
	const char *rest, *error;
	uint64_t number;

	if (!parse_digits(value, &number, &rest) || *rest != '\0')
		return "not a number";
	error = check_range(arena, number, min, max, "");
	if (error == NULL)
		*number_r = number;
	return error;
}

static bool parse_with_unit(const char *value, const struct unit *units,
			    uint64_t *number_r)
{
	const char *rest;

	if (!parse_digits(value, number_r, &rest))
		return false;
	rest += strspn(rest, " \t");
	for (; units->name != NULL; units++) {
		if (strcasecmp(units->name, rest) == 0)
			return !__builtin_mul_overflow(*number_r,
						       units->factor,
						       number_r);
	}
	return false;
}

const char *settings_parse_size(struct arena *arena, const char *value,
				uint64_t min, uint64_t max, uint64_t *size_r)
{
	const char *error;
	uint64_t size;

	if (!parse_with_unit(value, size_units, &size))
		return "not a size such as 500M or 2G";
	error = check_range(arena, size, min, max, " bytes");
	if (error == NULL)
		*size_r = size;
	return error;
}

const char *settings_parse_secs(struct arena *arena, const char *value,
				uint64_t min, uint64_t max, uint64_t *secs_r)
{
	const char *error;
	uint64_t secs;

	if (!parse_with_unit(value, time_units, &secs))
		return "not a time such as 90s, 15 mins or 2h";
	error = check_range(arena, secs, min, max, " seconds");
	if (error == NULL)
		*secs_r = secs;
	return error;
}

const char *settings_parse_rate(struct arena *arena, const char *value,
				struct settings_rate *rate_r)
{
	const char *rest, *error;
	uint64_t burst, secs = 0;

	if (!parse_digits(value, &burst, &rest) || *rest != '/')
		return "not a number and a time such as 10/15m";
	error = check_range(arena, burst, 1, 1000000, "");
	if (error == NULL)
		error = settings_parse_secs(arena, rest + 1, 1, 7 * 86400,
					    &secs);
	if (error != NULL)
		return error;
	rate_r->burst = (unsigned int)burst;
	rate_r->refill_secs = (uint32_t)secs;
	return NULL;
}

const char *settings_parse_list(struct arena *arena, const char *value,
				struct settings_list *list_r)
{
	static const char separators[] = " \t,";
	struct settings_list list = { NULL, 0 };
	size_t len;

	/* Every other character ends a word at most. */
	list.items = arena_new(arena, const char *, strlen(value) / 2 + 1);
	for (;;) {
		value += strspn(value, separators);
		if (*value == '\0')
			break;
		len = strcspn(value, separators);
		list.items[list.count++] = arena_strndup(arena, value, len);
		value += len;
	}
	*list_r = list;
	return NULL;
}

static bool is_host(const char *host, size_t len)
{
	if (len == 0 || len > 253)
		return false;
	if (host[0] == '[')
		return host[len - 1] == ']' &&
			strspn(host + 1, "0123456789abcdef:.") == len - 2;
	return strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len &&
		host[0] != '.' && host[0] != '-';
}

const char *settings_parse_origin(struct arena *arena, const char *value,
				  const char **origin_r)
{
	static const char reason[] =
		"not an address such as https://mail.example.org";
	const char *host, *port, *usual, *rest;
	uint64_t number;

	if (strncmp(value, "https://", 8) == 0)
		host = value + 8, usual = "443";
	else if (strncmp(value, "http://", 7) == 0)
		host = value + 7, usual = "80";
	else
		return reason;
	if (strchr(host, '/') != NULL)
		return "nothing may come after host and port, not even a slash";
	port = strrchr(host, ':');
	if (port != NULL && strchr(port, ']') != NULL)
		port = NULL;
	if (!is_host(host, port == NULL ? strlen(host) :
		     (size_t)(port - host)))
		return reason;
	if (port != NULL) {
		if (!parse_digits(port + 1, &number, &rest) ||
		    *rest != '\0' || number == 0 || number > 65535 ||
		    port[1] == '0')
			return reason;
		if (strcmp(port + 1, usual) == 0)
			return "browsers leave the usual port out";
	}
	*origin_r = arena_strdup(arena, value);
	return NULL;
}

/* ---- secrets */

const char *settings_file_path(struct arena *arena, const char *path)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	const char *name = strrchr(path, '/');
	const char *credential;

	if (directory == NULL || directory[0] != '/' || name == NULL)
		return path;
	credential = arena_printf(arena, "%s%s", directory, name);
	return access(credential, F_OK) == 0 ? credential : path;
}

static const char *read_line(struct arena *arena, int fd,
			     const char **secret_r)
{
	char *data = arena_alloc(arena, SECRET_MAX + 2);
	size_t size = 0;
	ssize_t ret;

	while ((ret = read(fd, data + size, SECRET_MAX + 1 - size)) != 0) {
		if (ret < 0 && errno != EINTR)
			return arena_printf(arena, "read() failed: %s",
					    strerror(errno));
		if (ret > 0)
			size += (size_t)ret;
		if (size > SECRET_MAX)
			return "the file is too long";
	}
	if (size > 0 && data[size - 1] == '\n')
		size--;
	data[size] = '\0';
	if (size == 0)
		return "the file is empty";
	if (strlen(data) != size || strpbrk(data, "\r\n") != NULL)
		return "the file is not one line of text";
	*secret_r = data;
	return NULL;
}

const char *settings_read_secret(struct arena *arena, const char *path,
				 const char **secret_r)
{
	const char *error = NULL;
	struct stat st;
	int fd;

	if (path[0] != '/')
		return "not a path from the root";
	path = settings_file_path(arena, path);
	/* A pipe would be waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return arena_printf(arena, "open(%s) failed: %s", path,
				    strerror(errno));
	if (fstat(fd, &st) < 0)
		error = "fstat() failed";
	else if (!S_ISREG(st.st_mode))
		error = "not a regular file";
	else if ((st.st_mode & (S_IWGRP | S_IRWXO)) != 0)
		error = arena_printf(arena, "%s has mode %04o: others than its "
				     "owner can write it, or others than its "
				     "group can read it", path,
				     (unsigned int)(st.st_mode & 07777));
	if (error == NULL)
		error = read_line(arena, fd, secret_r);
	(void)close(fd);
	return error;
}
