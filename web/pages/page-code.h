#ifndef PAGE_CODE_H
#define PAGE_CODE_H

/* Codes of the second factor. */

#include <stdbool.h>
#include <stdint.h>

struct page;

/* Uses up a code of the account's app, or one of its backup codes, as typed.
   Returns 1 if it is right, with which of them it was; 0 if it is wrong, or was
   used before; -1 on error. */
int page_code_check(struct page *page, uint64_t account_id, const char *text,
		    bool *backup_r, const char **error_r);

#endif
