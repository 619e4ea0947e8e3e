#ifndef PAGE_MODERATION_H
#define PAGE_MODERATION_H

#include "page.h"

enum page_result page_moderation(struct page *page);
enum page_result page_moderation_answer(struct page *page);
enum page_result page_moderation_accept(struct page *page);
enum page_result page_moderation_decline(struct page *page);

/* A number of decimal digits, from min to max. */
bool page_moderation_number(const char *text, uint64_t min, uint64_t max,
			    uint64_t *number_r);

#endif
