#ifndef CREATE_FOLDERS_H
#define CREATE_FOLDERS_H

/* The folders of a new mailbox: INBOX, and those the admin has set auto = create
   or subscribe for. To be called under the mailbox lock. One thread. */

struct mail_user;

/* Is there mail in the user's storage, also such that no index knows of?
   Returns 1 if there is (error_r says where), 0 if not, -1 on error. */
int create_folders_hold_mail(struct mail_user *user, const char **error_r);

/* Makes and subscribes what is missing. Returns INBOX's GUID and all folders',
   on the data stack. Returns 0, or -1 on error. */
int create_folders(struct mail_user *user, const char **inbox_guid_r,
		   ARRAY_TYPE(const_string) *guids, const char **error_r);

/* Makes sure that all files of the mailbox survive a power cut: keys that hang
   on a GUID are lost with it. Returns 0, or -1 on error. */
int create_folders_sync(struct mail_user *user, const char **error_r);

#endif
