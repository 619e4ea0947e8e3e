#ifndef TOTP_H
#define TOTP_H

/* Codes that an app on a phone shows (RFC 6238: SHA-1, 30 seconds, 6 digits),
   and their secrets, which are encrypted at rest. Pure; any thread; fast. */

#include "secret-key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define TOTP_SECRET_SIZE 20
/* Nonce, ciphertext, tag. */
#define TOTP_SEALED_SIZE (12 + TOTP_SECRET_SIZE + 16)
/* Base32 in groups of four with spaces between, for typing, and a NUL. */
#define TOTP_SECRET_TEXT_SIZE 40
#define TOTP_DIGITS 6
#define TOTP_STEP_SECS 30

struct totp_secret {
	unsigned char bytes[TOTP_SECRET_SIZE];
};

void totp_secret_generate(struct totp_secret *secret_r);
void totp_secret_wipe(struct totp_secret *secret);
void totp_secret_to_text(const struct totp_secret *secret,
			 char text_r[TOTP_SECRET_TEXT_SIZE]);
/* otpauth://totp/..., for a QR code; in the arena. */
const char *totp_uri(struct arena *arena, const struct totp_secret *secret,
		     const char *product_name, const char *account_email);

/* AES-256-GCM, bound to the account. Returns false only if libcrypto fails. */
bool totp_secret_seal(const struct secret_key *key, uint64_t account_id,
		      const struct totp_secret *secret,
		      unsigned char sealed_r[TOTP_SEALED_SIZE]);
/* Returns false if it was sealed with another key or for another account, or is
   damaged. */
bool totp_secret_open(const struct secret_key *key, uint64_t account_id,
		      const void *sealed, size_t size,
		      struct totp_secret *secret_r);

/* Is it six digits, but for spaces? Writes them without. */
bool totp_code_parse(const char *text, char code_r[TOTP_DIGITS + 1]);
/* Does the code belong to the step of now, or the one before or after, and to
   none up to last_step, which were used? Sets the step, to be stored at once:
   two_factor_use_step(). now is the database's clock. */
bool totp_verify(const struct totp_secret *secret, const char *code,
		 uint64_t now, uint64_t last_step, uint64_t *step_r);

#endif
