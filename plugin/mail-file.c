#include "lib.h"
#include "strnum.h"
#include "file-io.h"
#include "dcrypt-iostream.h"
#include "mail-file-private.h"

#include <fcntl.h>
#include <unistd.h>

#define SDBOX_MAIL_PREFIX "u."
/* Of u.01 Dovecot would look for u.1. */
static bool name_is_numbered(const char *name, const char *prefix)
{
	uint32_t number;

	return str_begins(name, prefix, &name) && name[0] != '0' &&
		str_to_uint32(name, &number) == 0;
}

static void mail_file_set_damaged(struct mail_file *file, const char *reason)
{
	file->crypt = MAIL_FILE_DAMAGED;
	file->error = reason;
}

static void mail_file_find_crypt(struct mail_file *file,
				 const unsigned char *data, size_t size)
{
	const char *error;
	int ret;

	ret = mail_cipher_header_parse(data, I_MIN(size, file->size),
				       &file->header, &error);
	if (ret < 0)
		mail_file_set_damaged(file, error);
	else if (ret == 0)
		file->crypt = MAIL_FILE_PLAIN;
	else if (file->size < file->header.overhead)
		mail_file_set_damaged(file, "it is cut off");
	else
		file->crypt = MAIL_FILE_ENCRYPTED;
}

/* Who mends a damaged file needs the key of its mail. */
static void mail_file_find_key(struct mail_file *file,
			       const unsigned char *data, size_t size)
{
	const unsigned char *p = data, *end = data + size;
	const char *error;

	while ((p = memchr(p, IOSTREAM_CRYPT_MAGIC[0], end - p)) != NULL) {
		if (mail_cipher_header_parse(p, end - p, &file->header,
					     &error) > 0)
			return;
		p++;
	}
	i_zero(&file->header);
}

/* header_size is mdbox's. Returns 0, or -1 if it could not be read. */
static int mail_file_read(struct mail_file *file, unsigned int header_size,
			  const char **error_r)
{
	unsigned char data[MAIL_FILE_DBOX_HEADER_MAX + MAIL_CIPHER_HEADER_MAX];
	/* data is what stands there */
	const uoff_t begin = file->record_offset;
	const char *error = NULL;
	size_t size;
	ssize_t ret;

	ret = file_read_at(file->fd, data, sizeof(data), begin);
	if (ret < 0) {
		*error_r = t_strdup_printf("pread() failed: %m");
		return -1;
	}
	size = (size_t)ret;
	switch (file->format) {
	case STORAGE_FORMAT_MAILDIR:
		file->size = (uoff_t)file->st.st_size;
		ret = 1;
		break;
	case STORAGE_FORMAT_SDBOX:
		ret = mail_file_sdbox_parse(file, data, size, &error);
		break;
	case STORAGE_FORMAT_MDBOX:
		size = I_MIN(size, file->record_end - begin);
		ret = mail_file_dbox_parse(file, header_size, data, size,
					   &error);
		break;
	}
	if (ret < 0) {
		*error_r = error;
		return -1;
	}
	if (ret == 0) {
		mail_file_set_damaged(file, error);
		mail_file_find_key(file, data, size);
	} else {
		mail_file_find_crypt(file, data + (file->offset - begin),
				     size - (file->offset - begin));
	}
	return 0;
}

int mail_file_open(int dir_fd, const char *name, enum storage_format format,
		   struct mail_file *file_r, const char **error_r)
{
	int ret = 0;

	i_zero(file_r);
	file_r->format = format;
	/* O_NONBLOCK: of a FIFO, open() would wait for a writer */
	file_r->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
			    O_NONBLOCK);
	if (file_r->fd == -1) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("openat(%s) failed: %m", name);
		return -1;
	}
	if (fstat(file_r->fd, &file_r->st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", name);
		ret = -1;
	} else if (!S_ISREG(file_r->st.st_mode)) {
		*error_r = t_strdup_printf("open(%s) failed: "
					   "it is not a regular file", name);
		ret = -1;
	} else if (mail_file_read(file_r, 0, error_r) < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", name,
					   *error_r);
		ret = -1;
	}
	if (ret < 0)
		mail_file_close(file_r);
	return ret < 0 ? -1 : 1;
}

int mail_file_open_record(int fd, const struct stat *st,
			  const struct mail_file_line *line, uoff_t offset,
			  uoff_t size, struct mail_file *file_r,
			  const char **error_r)
{
	i_zero(file_r);
	file_r->fd = fd;
	file_r->st = *st;
	file_r->format = STORAGE_FORMAT_MDBOX;
	file_r->record_offset = offset;
	file_r->record_end = offset + size;
	return mail_file_read(file_r, line->message_header_size, error_r);
}

void mail_file_close(struct mail_file *file)
{
	i_close_fd(&file->fd);
}

bool mail_file_name_is_mail(enum storage_format format, const char *name)
{
	switch (format) {
	case STORAGE_FORMAT_MAILDIR:
		return name[0] != '.' && name[0] != '\0';
	case STORAGE_FORMAT_SDBOX:
		return name_is_numbered(name, SDBOX_MAIL_PREFIX);
	case STORAGE_FORMAT_MDBOX:
		return name_is_numbered(name, MAIL_FILE_PREFIX_MDBOX);
	}
	i_unreached();
}

bool mail_file_name_is_temp(enum storage_format format, const char *name)
{
	switch (format) {
	case STORAGE_FORMAT_MAILDIR:
		return str_begins_with(name, MAIL_FILE_TEMP_PREFIX_MAILDIR);
	case STORAGE_FORMAT_SDBOX:
	case STORAGE_FORMAT_MDBOX:
		return str_begins_with(name, MAIL_FILE_TEMP_PREFIX_DBOX);
	}
	i_unreached();
}

static int mail_file_rewrite_mail(const struct mail_file *file,
				  struct dcrypt_private_key *key,
				  const char *algorithm,
				  struct dcrypt_public_key *pub, int out_fd,
				  struct mail_cipher_result *result_r,
				  const char **error_r)
{
	const struct mail_cipher_input input = {
		.fd = file->fd,
		.offset = file->offset,
		.size = file->size,
	};

	if (file->crypt == MAIL_FILE_PLAIN) {
		return mail_cipher_encrypt(&input, algorithm, pub, out_fd,
					   result_r, error_r);
	}
	if (key == NULL) {
		*error_r = "there is no key for it";
		return -1;
	}
	return mail_cipher_reencrypt(&input, key, algorithm, pub, out_fd,
				     result_r, error_r);
}

/* The times last: all else changes them. */
int mail_file_copy_attributes(const struct stat *st, int out_fd,
			      const char **error_r)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	struct stat out;

	if (fstat(out_fd, &out) < 0) {
		*error_r = t_strdup_printf("fstat() failed: %m");
		return -1;
	}
	if ((out.st_uid != st->st_uid || out.st_gid != st->st_gid) &&
	    fchown(out_fd, st->st_uid, st->st_gid) < 0) {
		*error_r = t_strdup_printf("fchown() failed: %m");
		return -1;
	}
	if (fchmod(out_fd, st->st_mode & 07777) < 0) {
		*error_r = t_strdup_printf("fchmod() failed: %m");
		return -1;
	}
	if (futimens(out_fd, times) < 0) {
		*error_r = t_strdup_printf("futimens() failed: %m");
		return -1;
	}
	return 0;
}

int mail_file_rewrite(const struct mail_file *file,
		      struct dcrypt_private_key *key, const char *algorithm,
		      struct dcrypt_public_key *pub, int out_fd,
		      struct mail_cipher_result *result_r,
		      const char **error_r)
{
	const bool dbox = file->format != STORAGE_FORMAT_MAILDIR;
	uoff_t size_offset;

	i_zero(result_r);
	if (file->crypt == MAIL_FILE_DAMAGED) {
		*error_r = file->error;
		return -1;
	}
	if (dbox &&
	    mail_file_dbox_begin(file, out_fd, &size_offset, error_r) < 0)
		return -1;
	if (mail_file_rewrite_mail(file, key, algorithm, pub, out_fd, result_r,
				   error_r) < 0)
		return -1;
	return !dbox ? 0 :
		mail_file_dbox_finish(file, out_fd, size_offset, result_r,
				      error_r);
}
