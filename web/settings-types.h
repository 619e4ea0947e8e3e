#ifndef SETTINGS_TYPES_H
#define SETTINGS_TYPES_H

/* What values of settings look like. Pure, but for files of secrets. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct settings_list;
struct settings_rate;

/* Functions return NULL, or why the value is wrong, which is static text or in
   the arena; outputs are then left alone. */

/* Decimal digits, from min to max. */
const char *settings_parse_number(struct arena *arena, const char *value,
				  uint64_t min, uint64_t max,
				  uint64_t *number_r);
/* A number and a unit: B, K, M, G or T, of 1024 each; none is bytes. */
const char *settings_parse_size(struct arena *arena, const char *value,
				uint64_t min, uint64_t max, uint64_t *size_r);
/* A number and a unit, as Dovecot writes times: s, m, h, d, or words such as
   "mins" or "hours". */
const char *settings_parse_secs(struct arena *arena, const char *value,
				uint64_t min, uint64_t max, uint64_t *secs_r);
/* "10/15m" */
const char *settings_parse_rate(struct arena *arena, const char *value,
				struct settings_rate *rate_r);
/* Words between spaces or commas. */
const char *settings_parse_list(struct arena *arena, const char *value,
				struct settings_list *list_r);
/* "http://" or "https://", a host in lower case, and a port if it is not the
   usual one. Nothing after that. */
const char *settings_parse_origin(struct arena *arena, const char *value,
				  const char **origin_r);

/* The one line of a file that only its owner and perhaps a group may read. If
   systemd has a credential for us (systemd.exec(5)) with the name of the file,
   that is read. */
const char *settings_read_secret(struct arena *arena, const char *path,
				 const char **secret_r);
/* Where a file is to be read: there, or the credential of its name. */
const char *settings_file_path(struct arena *arena, const char *path);

#endif
