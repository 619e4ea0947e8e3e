#ifndef STORAGE_MDBOX_PRIVATE_H
#define STORAGE_MDBOX_PRIVATE_H

/* What the parts share: storage-mdbox.c has map and folders,
   storage-mdbox-file.c the files. */

#include "storage-mdbox.h"

struct mdbox_map;

/* Dovecot's, not necessarily opened. */
struct mdbox_map *storage_mdbox_get_map(const struct storage_mdbox *mdbox);
/* Says what Dovecot says of its last failure. Returns -1. */
int storage_mdbox_failed(const struct storage_mdbox *mdbox, const char *what,
			 const char **error_r);

#endif
