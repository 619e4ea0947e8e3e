#include "lib.h"
#include "array.h"
#include "storage-verify-private.h"

static struct storage_mdbox *
verify_get_mdbox(struct storage_verify *verify,
		 const struct storage_folder *place)
{
	struct storage_mdbox *mdbox;

	if (!array_is_created(&verify->mdboxes))
		i_array_init(&verify->mdboxes, 1);
	array_foreach_elem(&verify->mdboxes, mdbox) {
		if (mdbox->place == place)
			return mdbox;
	}
	mdbox = storage_mdbox_init(NULL, place);
	array_push_back(&verify->mdboxes, &mdbox);
	return mdbox;
}

void storage_verify_mdbox_deinit(struct storage_verify *verify)
{
	struct storage_mdbox *mdbox;

	if (!array_is_created(&verify->mdboxes))
		return;
	array_foreach_elem(&verify->mdboxes, mdbox)
		storage_mdbox_free(&mdbox);
	array_free(&verify->mdboxes);
}

static void verify_map_uid(struct storage_verify *verify,
			   struct storage_mdbox *mdbox, uint32_t map_uid)
{
	struct verify_dir dir = { .fd = -1 };
	struct mail_file file;
	const char *path, *error;
	int ret;

	ret = storage_mdbox_open_mail(mdbox, map_uid, &file, &path, &error);
	/* expunged, and purged */
	if (ret == 0)
		return;
	dir.path = t_strdup_printf("%s (map UID %u)", path, map_uid);
	if (ret < 0) {
		storage_verify_failed(verify, &dir, NULL, error);
	} else {
		storage_verify_file(verify, &dir, NULL, &file);
		mail_file_close(&file);
	}
	storage_verify_show_progress(verify);
}

void storage_verify_mdbox_folder(struct storage_verify *verify)
{
	struct storage_mdbox *mdbox =
		verify_get_mdbox(verify, verify->folder->place);
	const struct verify_dir dir = { verify->folder->path, -1 };
	ARRAY_TYPE(uint32_t) map_uids;
	const char *error;
	const uint32_t *map_uid;

	i_array_init(&map_uids, 256);
	if (storage_mdbox_read_folder(mdbox, verify->folder, &map_uids,
				      &error) < 0)
		storage_verify_failed(verify, &dir, NULL, error);
	array_foreach(&map_uids, map_uid) {
		if (storage_verify_is_stopped(verify))
			break;
		T_BEGIN {
			verify_map_uid(verify, mdbox, *map_uid);
		} T_END;
	}
	array_free(&map_uids);
}

int storage_verify_in_no_folder(struct storage_verify *verify,
				const struct storage_folders *folders,
				const struct storage_folder *place,
				struct storage_verify_counts *counts_r,
				const char **error_r)
{
	struct storage_mdbox *mdbox;
	const struct storage_mdbox_mail *mail;
	unsigned int count;

	i_zero(&verify->counts);
	verify->folder = place;
	verify->in_no_folder = TRUE;
	mdbox = storage_mdbox_init(folders, place);
	if (storage_mdbox_read(mdbox, error_r) < 0) {
		storage_mdbox_free(&mdbox);
		return -1;
	}
	array_foreach(&mdbox->mails, mail) {
		if (storage_verify_is_stopped(verify))
			break;
		(void)storage_mdbox_get_refs(mdbox, mail->map_uid, &count);
		if (mail->refcount > 0 && count > 0)
			continue;
		T_BEGIN {
			verify_map_uid(verify, mdbox, mail->map_uid);
		} T_END;
	}
	storage_mdbox_free(&mdbox);
	*counts_r = verify->counts;
	return 0;
}
