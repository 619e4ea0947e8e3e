#ifndef MDBOX_LEFTOVER_H
#define MDBOX_LEFTOVER_H

/* Files that the map does not lead to, because the process that moved their
   mails died (mdbox-move.h). */

#include "storage-mdbox.h"

/* Removes those of which every mail is in another file, or was expunged: the
   copies that were not finished, and the files that copies were made of. What
   else the map does not lead to stays. The mdbox has been read, and nobody
   moves its mails. Returns 0, or -1 on error. */
int mdbox_leftover_remove(struct storage_mdbox *mdbox, const char **error_r);

#endif
