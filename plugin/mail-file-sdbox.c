#include "lib.h"
#include "array.h"
#include "hex-dec.h"
#include "str.h"
#include "dbox-file.h"
#include "file-io.h"
#include "mail-file-private.h"

#include <ctype.h>

/* Of the first line and the message header, which are 16 and 30 bytes long. */
#define SDBOX_LINE_MAX 128
#define SDBOX_MESSAGE_HEADER_MAX 128
/* References to attachments are long, but not so long. */
#define SDBOX_METADATA_MAX (1024*1024)
#define SDBOX_MAGIC_POST_SIZE (sizeof(DBOX_MAGIC_POST) - 1)

struct sdbox_metadata {
	/* All that comes after the mail. */
	unsigned char *data;
	size_t size;
	bool has_plain_size, has_attachment_refs;
};

/* "2 M1e C5f000000" */
static const char *
sdbox_line_parse(const char *line, unsigned int *message_header_size_r)
{
	const char *const *fields = t_strsplit(line, " ");

	if (fields[0] == NULL ||
	    (strcmp(fields[0], "1") != 0 && strcmp(fields[0], "2") != 0))
		return "it does not begin like an sdbox file";
	*message_header_size_r = 0;
	for (fields++; *fields != NULL; fields++) {
		if (**fields == DBOX_HEADER_MSG_HEADER_SIZE &&
		    str_to_uint_hex(*fields + 1, message_header_size_r) < 0)
			return "its first line is damaged";
	}
	if (*message_header_size_r < sizeof(struct dbox_message_header) ||
	    *message_header_size_r > SDBOX_MESSAGE_HEADER_MAX)
		return "its first line is damaged";
	return NULL;
}

static const char *
sdbox_message_header_parse(const unsigned char *data, size_t size,
			   uoff_t *size_r)
{
	struct dbox_message_header header;
	unsigned int i;

	memcpy(&header, data, sizeof(header));
	if (memcmp(header.magic_pre, DBOX_MAGIC_PRE,
		   sizeof(header.magic_pre)) != 0 || data[size - 1] != '\n')
		return "its message header is damaged";
	for (i = 0; i < sizeof(header.message_size_hex); i++) {
		if (!i_isxdigit(header.message_size_hex[i]))
			return "the size in its message header is damaged";
	}
	*size_r = hex2dec(header.message_size_hex,
			  sizeof(header.message_size_hex));
	return NULL;
}

/* Sets where the mail is. Returns NULL, or why it is damaged. */
static const char *sdbox_header_parse(struct mail_file *file,
				      const unsigned char *data, size_t size)
{
	const unsigned char *lf = memchr(data, '\n',
					 I_MIN(size, SDBOX_LINE_MAX));
	unsigned int message_header_size;
	size_t line_size;
	uoff_t end;
	const char *error;

	if (lf == NULL)
		return "it does not begin like an sdbox file";
	line_size = (size_t)(lf - data) + 1;
	error = sdbox_line_parse(t_strdup_until(data, lf),
				 &message_header_size);
	if (error != NULL)
		return error;
	if (size - line_size < message_header_size)
		return "it is cut off";
	error = sdbox_message_header_parse(data + line_size,
					   message_header_size, &file->size);
	if (error != NULL)
		return error;
	file->offset = line_size + message_header_size;
	end = (uoff_t)file->st.st_size;
	if (file->offset > end || file->size > end - file->offset ||
	    end - file->offset - file->size < SDBOX_MAGIC_POST_SIZE)
		return "it is cut off";
	return NULL;
}

/* Returns NULL, or why it is damaged. */
static const char *sdbox_metadata_parse(struct sdbox_metadata *metadata)
{
	const unsigned char *p = metadata->data, *end = p + metadata->size;
	const unsigned char *lf;

	if (metadata->size < SDBOX_MAGIC_POST_SIZE ||
	    memcmp(p, DBOX_MAGIC_POST, SDBOX_MAGIC_POST_SIZE) != 0)
		return "its metadata is not where its mail should end";
	p += SDBOX_MAGIC_POST_SIZE;
	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		switch (*p) {
		case '\n':
		case DBOX_METADATA_OLDV1_SPACE:
			return NULL;
		case DBOX_METADATA_PHYSICAL_SIZE:
			metadata->has_plain_size = TRUE;
			break;
		case DBOX_METADATA_EXT_REF:
			metadata->has_attachment_refs = TRUE;
			break;
		}
		p = lf + 1;
	}
	return "its metadata is cut off";
}

/* Reads all that comes after the mail. Returns 1 if it is metadata, 0 if not
   (error_r says why), -1 if it could not be read. */
static int sdbox_metadata_read(const struct mail_file *file,
			       struct sdbox_metadata *metadata_r,
			       const char **error_r)
{
	uoff_t offset = file->offset + file->size;
	uoff_t size = (uoff_t)file->st.st_size - offset;
	ssize_t ret;

	i_zero(metadata_r);
	if (size > SDBOX_METADATA_MAX) {
		*error_r = "its metadata is too long";
		return 0;
	}
	metadata_r->data = t_malloc_no0(size);
	ret = file_read_at(file->fd, metadata_r->data, size, offset);
	if (ret < 0) {
		*error_r = t_strdup_printf("pread() failed: %m");
		return -1;
	}
	metadata_r->size = (size_t)ret;
	*error_r = sdbox_metadata_parse(metadata_r);
	return *error_r == NULL ? 1 : 0;
}

int mail_file_sdbox_parse(struct mail_file *file, const unsigned char *data,
			  size_t size, const char **error_r)
{
	struct sdbox_metadata metadata;
	int ret;

	*error_r = sdbox_header_parse(file, data, size);
	if (*error_r != NULL)
		return 0;
	T_BEGIN {
		ret = sdbox_metadata_read(file, &metadata, error_r);
	} T_END_PASS_STR_IF(ret <= 0, error_r);
	if (ret > 0)
		file->has_attachment_refs = metadata.has_attachment_refs;
	return ret;
}

int mail_file_sdbox_begin(const struct mail_file *file, int out_fd,
			  uoff_t *size_offset_r, const char **error_r)
{
	unsigned char data[MAIL_FILE_SDBOX_HEADER_MAX], *lf;
	ssize_t ret;

	i_assert(file->offset <= sizeof(data));
	ret = file_read_at(file->fd, data, file->offset, 0);
	if (ret < 0) {
		*error_r = t_strdup_printf("pread() failed: %m");
		return -1;
	}
	lf = memchr(data, '\n', (size_t)ret);
	if ((uoff_t)ret < file->offset || lf == NULL) {
		*error_r = "it has changed";
		return -1;
	}
	*size_offset_r = (uoff_t)(lf - data) + 1 +
		offsetof(struct dbox_message_header, message_size_hex);
	if (file_write(out_fd, data, file->offset) < 0) {
		*error_r = t_strdup_printf("write() failed: %m");
		return -1;
	}
	return 0;
}

static int sdbox_rewrite_size(int out_fd, uoff_t size_offset, uoff_t size,
			      const char **error_r)
{
	struct dbox_message_header header;

	dec2hex(header.message_size_hex, size,
		sizeof(header.message_size_hex));
	if (file_write_at(out_fd, header.message_size_hex,
			  sizeof(header.message_size_hex), size_offset) < 0) {
		*error_r = t_strdup_printf("pwrite() failed: %m");
		return -1;
	}
	return 0;
}

/* Dovecot takes the stored size for that of the mail, unless metadata says
   otherwise. */
static int sdbox_rewrite_metadata(const struct mail_file *file, int out_fd,
				  const struct mail_cipher_result *result,
				  const char **error_r)
{
	struct sdbox_metadata metadata;
	string_t *out;

	if (sdbox_metadata_read(file, &metadata, error_r) <= 0)
		return -1;
	out = t_str_new(metadata.size + 32);
	str_append_data(out, metadata.data, metadata.size);
	if (file->crypt == MAIL_FILE_PLAIN && !metadata.has_plain_size &&
	    result->plain_size != result->stored_size) {
		str_insert(out, SDBOX_MAGIC_POST_SIZE,
			   t_strdup_printf("%c%jx\n",
					   DBOX_METADATA_PHYSICAL_SIZE,
					   (uintmax_t)result->plain_size));
	}
	if (file_write(out_fd, str_data(out), str_len(out)) < 0) {
		*error_r = t_strdup_printf("write() failed: %m");
		return -1;
	}
	return 0;
}

int mail_file_sdbox_finish(const struct mail_file *file, int out_fd,
			   uoff_t size_offset,
			   const struct mail_cipher_result *result,
			   const char **error_r)
{
	int ret;

	if (sdbox_rewrite_size(out_fd, size_offset, result->stored_size,
			       error_r) < 0)
		return -1;
	T_BEGIN {
		ret = sdbox_rewrite_metadata(file, out_fd, result, error_r);
	} T_END_PASS_STR_IF(ret < 0, error_r);
	return ret;
}
