#ifndef SEAL_KEY_FILE_H
#define SEAL_KEY_FILE_H

/* The file of the private seal key, named by pymailadmin_seal_key_path: one
   line of text (sealed-request.h), owned by root and readable by nobody else.
   The caller wipes the key. */

struct seal_private_key;

/* Returns 1 if read, 0 if there is no file, -1 if it is bad, also when others
   may read it. */
int seal_key_file_read(const char *path, struct seal_private_key *priv_r,
		       const char **error_r);
/* Writes a new file, synced. Returns 1 if written, 0 if there is one and
   overwrite is not set, -1 on error. */
int seal_key_file_write(const char *path, const struct seal_private_key *priv,
			bool overwrite, const char **error_r);

#endif
