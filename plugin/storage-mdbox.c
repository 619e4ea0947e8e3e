#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-user.h"
#include "mdbox-map-private.h"
#include "mdbox-storage.h"
#include "mdbox-storage-rebuild.h"
#include "storage-mdbox-private.h"

struct storage_mdbox *
storage_mdbox_init(const struct storage_folders *folders,
		   const struct storage_folder *place)
{
	struct storage_mdbox *mdbox = i_new(struct storage_mdbox, 1);

	mdbox->folders = folders;
	mdbox->place = place;
	i_array_init(&mdbox->mails, 256);
	i_array_init(&mdbox->refs, 256);
	return mdbox;
}

void storage_mdbox_free(struct storage_mdbox **_mdbox)
{
	struct storage_mdbox *mdbox = *_mdbox;

	*_mdbox = NULL;
	array_free(&mdbox->mails);
	array_free(&mdbox->refs);
	i_free(mdbox);
}

struct mdbox_map *storage_mdbox_get_map(const struct storage_mdbox *mdbox)
{
	return mdbox->place->mdbox->map;
}

int storage_mdbox_failed(const struct storage_mdbox *mdbox, const char *what,
			 const char **error_r)
{
	struct mail_storage *storage =
		&mdbox->place->mdbox->storage.storage;

	*error_r = t_strdup_printf("%s: %s failed: %s", mdbox->place->path,
		what, mail_storage_get_last_internal_error(storage, NULL));
	return -1;
}

/*
 * the map
 */

int storage_mdbox_repair(struct storage_mdbox *mdbox, const char **error_r)
{
	struct mdbox_storage *storage = mdbox->place->mdbox;
	struct mdbox_map_atomic_context *atomic;
	int ret = mdbox_map_open(storage->map);

	if (ret <= 0)
		return ret < 0 ? storage_mdbox_failed(mdbox, "opening the map",
					      error_r) : 0;
	atomic = mdbox_map_atomic_begin(storage->map);
	ret = mdbox_map_atomic_lock(atomic, "pymailadmin: looking");
	(void)mdbox_map_atomic_finish(&atomic);
	if (ret < 0)
		return storage_mdbox_failed(mdbox, "locking the map", error_r);
	if (storage->corrupted_reason != NULL &&
	    mdbox_storage_rebuild(storage, NULL,
				  MDBOX_REBUILD_REASON_CORRUPTED) < 0)
		return storage_mdbox_failed(mdbox, "rebuilding the storage",
						   error_r);
	return 0;
}

void storage_mdbox_close_map(struct storage_mdbox *mdbox)
{
	struct mdbox_map *map = storage_mdbox_get_map(mdbox);

	if (map->view == NULL)
		return;
	mail_index_view_close(&map->view);
	mail_index_close(map->index);
}

static int mail_cmp(const struct storage_mdbox_mail *m1,
		    const struct storage_mdbox_mail *m2)
{
	if (m1->file_id != m2->file_id)
		return m1->file_id < m2->file_id ? -1 : 1;
	if (m1->offset != m2->offset)
		return m1->offset < m2->offset ? -1 : 1;
	return 0;
}

/* file_id 0: all. Returns 0, or -1 on error. */
static int read_map(struct storage_mdbox *mdbox, uint32_t file_id,
		    ARRAY_TYPE(storage_mdbox_mail) *mails,
		    const char **error_r)
{
	struct mdbox_map *map = storage_mdbox_get_map(mdbox);
	struct dbox_mail_lookup_rec rec;
	struct storage_mdbox_mail *mail;
	uint32_t seq, count;
	int ret = mdbox_map_open(map);

	array_clear(mails);
	/* without a map there are no mails */
	if (ret == 0)
		return 0;
	if (ret < 0 || mdbox_map_refresh(map) < 0)
		return storage_mdbox_failed(mdbox, "reading the map", error_r);
	count = mdbox_map_get_messages_count(map);
	for (seq = 1; seq <= count; seq++) {
		if (mdbox_map_view_lookup_rec(map, map->view, seq, &rec) < 0)
			return storage_mdbox_failed(mdbox, "reading the map",
							   error_r);
		if (file_id != 0 && rec.rec.file_id != file_id)
			continue;
		mail = array_append_space(mails);
		mail->map_uid = rec.map_uid;
		mail->file_id = rec.rec.file_id;
		mail->offset = rec.rec.offset;
		mail->size = rec.rec.size;
		mail->refcount = rec.refcount;
	}
	array_sort(mails, mail_cmp);
	return 0;
}

int storage_mdbox_read_file(struct storage_mdbox *mdbox, uint32_t file_id,
			    ARRAY_TYPE(storage_mdbox_mail) *mails,
			    const char **error_r)
{
	return read_map(mdbox, file_id, mails, error_r);
}

/*
 * folders
 */

/* Another folder may have taken the name. */
static bool box_is_folder(struct mailbox *box,
			  const struct storage_folder *folder)
{
	struct mailbox_metadata metadata;

	return mailbox_get_metadata(box, MAILBOX_METADATA_GUID,
				    &metadata) == 0 &&
		strcmp(guid_128_to_string(metadata.guid), folder->guid) == 0;
}

/* Returns 1, 0 if the folder is not there, -1 on error. */
static int open_folder(struct storage_mdbox *mdbox,
		       const struct storage_folder *folder,
		       struct mailbox **box_r, const char **error_r)
{
	struct mail_user *user = mdbox->place->mdbox->storage.storage.user;
	struct mail_namespace *ns =
		mail_namespace_find(user->namespaces, folder->vname);
	enum mail_error code;

	*box_r = mailbox_alloc(ns->list, folder->vname,
			       MAILBOX_FLAG_READONLY |
			       MAILBOX_FLAG_IGNORE_ACLS |
			       MAILBOX_FLAG_OPEN_DELETED);
	if (mailbox_open(*box_r) == 0 && mailbox_sync(*box_r, 0) == 0) {
		if (box_is_folder(*box_r, folder))
			return 1;
		mailbox_free(box_r);
		return 0;
	}
	*error_r = t_strdup_printf("opening %s failed: %s", folder->vname,
		mailbox_get_last_internal_error(*box_r, &code));
	mailbox_free(box_r);
	return code == MAIL_ERROR_NOTFOUND ? 0 : -1;
}

int storage_mdbox_read_folder(struct storage_mdbox *mdbox,
			      const struct storage_folder *folder,
			      ARRAY_TYPE(uint32_t) *map_uids,
			      const char **error_r)
{
	struct mailbox *box;
	uint32_t seq, count, map_uid;
	int ret;

	array_clear(map_uids);
	ret = open_folder(mdbox, folder, &box, error_r);
	if (ret <= 0)
		return ret;
	count = mail_index_view_get_messages_count(box->view);
	for (seq = 1; seq <= count && ret > 0; seq++) {
		if (mdbox_mail_lookup(MDBOX_MAILBOX(box), box->view, seq,
				      &map_uid) < 0)
			ret = storage_mdbox_failed(mdbox, "reading a folder",
							   error_r);
		else
			array_push_back(map_uids, &map_uid);
	}
	mailbox_free(&box);
	return ret < 0 ? -1 : 0;
}

static int map_uid_cmp(const uint32_t *uid1, const uint32_t *uid2)
{
	return *uid1 < *uid2 ? -1 : (*uid1 > *uid2 ? 1 : 0);
}

static int ref_cmp(const struct storage_mdbox_ref *ref1,
		   const struct storage_mdbox_ref *ref2)
{
	return map_uid_cmp(&ref1->map_uid, &ref2->map_uid);
}

static int read_refs(struct storage_mdbox *mdbox,
		     const struct storage_folder *folder, const char **error_r)
{
	ARRAY_TYPE(uint32_t) map_uids;
	struct storage_mdbox_ref *ref;
	const uint32_t *map_uid;
	uint32_t last = 0;
	int ret;

	i_array_init(&map_uids, 256);
	ret = storage_mdbox_read_folder(mdbox, folder, &map_uids, error_r);
	array_sort(&map_uids, map_uid_cmp);
	array_foreach(&map_uids, map_uid) {
		if (*map_uid == last)
			continue;
		ref = array_append_space(&mdbox->refs);
		ref->map_uid = last = *map_uid;
		ref->folder = folder;
	}
	array_free(&map_uids);
	return ret;
}

int storage_mdbox_read(struct storage_mdbox *mdbox, const char **error_r)
{
	struct storage_folder *folder;
	int ret;

	array_clear(&mdbox->refs);
	if (read_map(mdbox, 0, &mdbox->mails, error_r) < 0)
		return -1;
	array_foreach_elem(&mdbox->folders->folders, folder) {
		if (folder->place != mdbox->place)
			continue;
		T_BEGIN {
			ret = read_refs(mdbox, folder, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
		if (ret < 0)
			return -1;
	}
	array_sort(&mdbox->refs, ref_cmp);
	return 0;
}

static int file_id_cmp(const uint32_t *file_id,
		       const struct storage_mdbox_mail *mail)
{
	return *file_id < mail->file_id ? -1 : (*file_id > mail->file_id);
}

/* The mails of a file. */
static const struct storage_mdbox_mail *
find_mails(const struct storage_mdbox *mdbox, uint32_t file_id,
	   unsigned int *count_r)
{
	const struct storage_mdbox_mail *mails, *mail;
	unsigned int first, last, count;

	*count_r = 0;
	mail = array_bsearch(&mdbox->mails, &file_id, file_id_cmp);
	if (mail == NULL)
		return NULL;
	mails = array_get(&mdbox->mails, &count);
	first = last = mail - mails;
	while (first > 0 && mails[first - 1].file_id == file_id)
		first--;
	while (last + 1 < count && mails[last + 1].file_id == file_id)
		last++;
	*count_r = last - first + 1;
	return &mails[first];
}

unsigned int storage_mdbox_count_mails(const struct storage_mdbox *mdbox,
				       uint32_t file_id)
{
	unsigned int count;

	(void)find_mails(mdbox, file_id, &count);
	return count;
}

bool storage_mdbox_has_expunged(const struct storage_mdbox *mdbox,
				uint32_t file_id)
{
	const struct storage_mdbox_mail *mails;
	unsigned int i, count;

	mails = find_mails(mdbox, file_id, &count);
	for (i = 0; i < count; i++) {
		if (mails[i].refcount == 0)
			return TRUE;
	}
	return FALSE;
}

static int ref_map_uid_cmp(const uint32_t *map_uid,
			   const struct storage_mdbox_ref *ref)
{
	return map_uid_cmp(map_uid, &ref->map_uid);
}

const struct storage_mdbox_ref *
storage_mdbox_get_refs(const struct storage_mdbox *mdbox, uint32_t map_uid,
		       unsigned int *count_r)
{
	const struct storage_mdbox_ref *refs, *ref;
	unsigned int first, last, count;

	*count_r = 0;
	ref = array_bsearch(&mdbox->refs, &map_uid, ref_map_uid_cmp);
	if (ref == NULL)
		return NULL;
	refs = array_get(&mdbox->refs, &count);
	first = last = ref - refs;
	while (first > 0 && refs[first - 1].map_uid == map_uid)
		first--;
	while (last + 1 < count && refs[last + 1].map_uid == map_uid)
		last++;
	*count_r = last - first + 1;
	return &refs[first];
}
