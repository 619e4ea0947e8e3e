#ifndef ARGON2_TEXT_H
#define ARGON2_TEXT_H

/* The head of an encoded argon2 hash, "$argon2id$v=19$m=65536,t=3,p=1$", which
   decides how much verifying it costs. Pure; any thread. */

#include <stdbool.h>

/* No hash of ours or of any sane administrator asks for more. */
#define ARGON2_MEMORY_MAX (1024U * 1024)
#define ARGON2_TIME_MAX 24U
#define ARGON2_LANES_MAX 16U

struct argon2_text {
	/* Else argon2i. */
	bool is_id;
	/* KiB, passes, lanes */
	unsigned int memory, time, lanes;
};

/* Returns false if it is no hash of argon2i or argon2id version 19, or asks for
   more than the limits above. What follows the head is not looked at. */
bool argon2_text_parse(const char *encoded, struct argon2_text *text_r);

#endif
