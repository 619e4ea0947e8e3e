#ifndef PAGE_DOMAINS_H
#define PAGE_DOMAINS_H

/* Domains as they are set up, for super admins; page-domain.h is what is in
   one. */

#include "page.h"

enum page_result page_domains(struct page *page);
/* These are there only with the setting manage_domains. */
enum page_result page_domains_add(struct page *page);
enum page_result page_domains_remove(struct page *page);

#endif
