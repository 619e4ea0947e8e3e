#ifndef FILE_SYNC_H
#define FILE_SYNC_H

/* Makes sure that a file and its name survive a power cut. Returns 0, or -1
   on error. */
int file_sync_with_directory(const char *path, const char **error_r);

/* Makes sure that what was done to a name survives a power cut. Returns 0, or -1
   on error. */
int file_sync_name(const char *path, const char **error_r);

/* Replaces the file by one with this content, mode 0600: after a crash there
   is the old one or the new one, whole. Returns 0, or -1 on error, when the
   old one is untouched. */
int file_replace_synced(const char *path, const void *data, size_t size,
			const char **error_r);

/* Unlinks the file and syncs its directory. A missing file is no error.
   Returns 0, or -1 on error. */
int file_unlink_synced(const char *path, const char **error_r);

#endif
