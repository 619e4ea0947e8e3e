#include "lib.h"
#include "istream.h"
#include "sealed-request.h"
#include "pymailadmin-settings.h"
#include "password-hash.h"
#include "request-store.h"
#include "seal-key-file.h"
#include "doveadm-pymailadmin.h"

#include <pwd.h>

bool pymailadmin_cmd_get_public_key(struct pymailadmin_cmd *cmd,
				    struct seal_public_key *pub_r)
{
	struct seal_private_key priv;
	const char *error;
	int ret;

	ret = seal_key_file_read(cmd->set->pymailadmin_seal_key_path, &priv,
				 &error);
	if (ret > 0) {
		ret = seal_private_to_public(&priv, pub_r, &error);
		seal_private_key_wipe(&priv);
	} else if (ret == 0) {
		error = t_strconcat(error, "; make the key with: "
				    "doveadm pymailadmin keygen", NULL);
		ret = -1;
	}
	if (ret < 0)
		pymailadmin_cmd_fail(cmd, EX_CONFIG, "%s", error);
	return ret >= 0;
}

bool pymailadmin_cmd_hash_new_password(struct pymailadmin_cmd *cmd,
				       const char *username,
				       struct seal_secrets *secrets)
{
	const char *new_hash, *error;

	if (!password_hash_is_usable_password(secrets->new_password)) {
		pymailadmin_cmd_fail(cmd, EX_DATAERR, "new password: it has a "
			"control character, with which nobody could log in");
		return FALSE;
	}
	if (password_hash_generate(cmd->set->pymailadmin_password_scheme,
				   username, secrets->new_password, &new_hash,
				   &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_CONFIG,
				     "pymailadmin_password_scheme: %s", error);
		return FALSE;
	}
	if (i_strocpy(secrets->new_hash, new_hash,
		      sizeof(secrets->new_hash)) < 0) {
		pymailadmin_cmd_fail(cmd, EX_CONFIG,
			"pymailadmin_password_scheme: its hashes are too long");
		return FALSE;
	}
	return TRUE;
}

bool pymailadmin_cmd_seal(struct pymailadmin_cmd *cmd, struct request_row *row,
			  const struct seal_public_key *pub,
			  const struct seal_secrets *secrets, char *id_r,
			  unsigned char *sealed_r)
{
	struct seal_binding binding = {
		.kind = row->kind,
		.address = row->address,
		.request_id = id_r,
	};
	const char *error;

	if (request_store_get_time(cmd->store, &row->created, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
		return FALSE;
	}
	binding.created = row->created;
	if (seal_request_id_generate(id_r, &error) < 0 ||
	    sealed_request_seal(pub, &binding, secrets, sealed_r,
				&row->sealed_size, &error) < 0) {
		pymailadmin_cmd_fail(cmd, EX_SOFTWARE,
				     "sealing the request failed: %s", error);
		return FALSE;
	}
	row->id = id_r;
	row->sealed = sealed_r;
	return TRUE;
}

/* proc_pid_loginuid(5): it survives su and sudo, and nobody changes it. */
const char *pymailadmin_cmd_asked_by(void)
{
	struct istream *input;
	const char *line, *text = "";
	const struct passwd *pw;
	uid_t uid;

	input = i_stream_create_file("/proc/self/loginuid", 64);
	line = i_stream_read_next_line(input);
	if (line == NULL)
		line = i_stream_read_next_line(input);
	if (line != NULL && str_to_uid(line, &uid) == 0 && uid != (uid_t)-1) {
		pw = getpwuid(uid);
		text = t_strdup_printf("by %s",
				       pw == NULL ? line : pw->pw_name);
	}
	i_stream_destroy(&input);
	return text;
}
