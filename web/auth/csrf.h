#ifndef CSRF_H
#define CSRF_H

/* The token of each form: shows that a POST comes from a page of ours that was
   made for this session and this form. It is masked anew each time, so that a
   compressed answer does not tell it. Pure; any thread. */

#include <stdbool.h>

#define CSRF_KEY_SIZE 32
/* Hex of a mask and the masked HMAC, and a NUL. */
#define CSRF_TOKEN_SIZE (2 * 64 + 1)

void csrf_key_generate(unsigned char key_r[CSRF_KEY_SIZE]);
/* The form is a static word of ours, such as the path it is posted to. */
void csrf_token_make(const unsigned char key[CSRF_KEY_SIZE], const char *form,
		     char token_r[CSRF_TOKEN_SIZE]);
/* token is whatever was sent, and may be NULL. */
bool csrf_token_check(const unsigned char key[CSRF_KEY_SIZE],
		      const char *form, const char *token);

#endif
