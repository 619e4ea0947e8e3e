#ifndef PAGE_BACKUP_CODES_H
#define PAGE_BACKUP_CODES_H

#include "page.h"

struct backup_code_hashes;

/* POST /account/backup-codes */
page_handler_t page_backup_codes;

/* Makes new codes: what is stored of them, and in the arena what is shown to
   their owner, once. */
const char *const *page_backup_codes_make(struct page *page,
					  struct backup_code_hashes *hashes_r);
enum page_result page_backup_codes_show(struct page *page,
					const char *const *codes);

#endif
