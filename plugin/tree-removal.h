#ifndef TREE_REMOVAL_H
#define TREE_REMOVAL_H

/* Removes files and directories for good. No symbolic link is followed from the
   directory named on, no other file system is entered, and of a file that has
   other names, too, only this one goes. Each call can be interrupted and
   repeated. One thread, with the privileges of the mail user. */

struct tree_removal {
	/* Names in the directory itself that stay, and so does it; NULL: none. */
	const char *const *keep;
	/* Called now and then; FALSE ends the removal. */
	bool (*callback)(void *context);
	void *context;
};

/* Removes what is in the directory and then, if its parent lets it, the
   directory; it may not be there. Returns 0, or -1 on error or if it was
   ended. */
int tree_removal_run(const char *path, const struct tree_removal *removal,
		     const char **error_r);

/* Overwrites a regular file that has no other name, and removes it; it may not
   be there. What the overwriting is worth is the file system's and the disk's
   to say: one that writes elsewhere (btrfs, ZFS, an SSD) keeps the old blocks
   until it needs them. Returns 0 if the name is gone, -1 on error. */
int file_destroy(const char *path, const char **error_r);

#endif
