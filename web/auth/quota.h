#ifndef QUOTA_H
#define QUOTA_H

/* Quotas: a number of bytes, in Dovecot's form "5G" or "5368709120" in the mail
   server's table, as the administrator's rules want it. Pure; any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quota_format {
	/* 5368709120 */
	QUOTA_BYTES,
	/* 5G, the largest unit that divides it */
	QUOTA_HUMAN
};

#define QUOTA_TEXT_SIZE 24

/* A whole number and b, k, M, G, T or nothing, in either case, with or without
   "B", "iB", "o" or "io" behind and space before: "5G", "500 MB", "2 Go",
   "1073741824"; units are powers of 1024. Returns false for anything else and for what does not fit. */
bool quota_parse(const char *text, uint64_t *bytes_r);
void quota_write(uint64_t bytes, enum quota_format format,
		 char text_r[QUOTA_TEXT_SIZE]);
bool quota_format_parse(const char *name, enum quota_format *format_r);

#endif
