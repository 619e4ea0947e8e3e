#include "lib.h"
#include "array.h"
#include "hex-dec.h"
#include "str.h"
#include "dbox-file.h"
#include "file-io.h"
#include "mail-file-private.h"

#include <ctype.h>
#include <unistd.h>

/* Of the first line and the message header, which are 16 and 30 bytes long. */
#define DBOX_LINE_MAX 128
#define DBOX_MESSAGE_HEADER_MAX 128
/* References to attachments are long, but not so long. */
#define DBOX_METADATA_MAX (1024*1024)
#define DBOX_MAGIC_POST_SIZE (sizeof(DBOX_MAGIC_POST) - 1)
/* In the first line of an mdbox file, where Dovecot ignores what it does not
   know. */
#define DBOX_HEADER_SOURCE 'Y'

struct dbox_metadata {
	/* All that comes after the mail. */
	unsigned char *data;
	size_t size;
	/* Up to and with the line that ends it. */
	size_t end_size;
	bool has_plain_size, has_attachment_refs;
};

/* "2 M1e C5f000000" */
static const char *
dbox_line_parse(const char *line, struct mail_file_line *line_r)
{
	const char *const *fields = t_strsplit(line, " ");
	int ret = 0;

	if (fields[0] == NULL || str_to_uint(fields[0], &line_r->version) < 0 ||
	    line_r->version < 1 || line_r->version > DBOX_VERSION)
		return "it does not begin like a dbox file";
	for (fields++; *fields != NULL && ret == 0; fields++) {
		if (**fields == DBOX_HEADER_MSG_HEADER_SIZE)
			ret = str_to_uint_hex(*fields + 1,
					      &line_r->message_header_size);
		else if (**fields == DBOX_HEADER_SOURCE)
			ret = str_to_uint32_hex(*fields + 1, &line_r->source);
	}
	if (ret < 0 ||
	    line_r->message_header_size < sizeof(struct dbox_message_header) ||
	    line_r->message_header_size > DBOX_MESSAGE_HEADER_MAX)
		return "its first line is damaged";
	return NULL;
}

static const char *
dbox_begin_parse(const unsigned char *data, size_t size,
		 struct mail_file_line *line_r)
{
	const unsigned char *lf = memchr(data, '\n',
					 I_MIN(size, DBOX_LINE_MAX));

	i_zero(line_r);
	if (lf == NULL)
		return "it does not begin like a dbox file";
	line_r->size = (size_t)(lf - data) + 1;
	return dbox_line_parse(t_strdup_until(data, lf), line_r);
}

static const char *
dbox_message_header_parse(const unsigned char *data, size_t size,
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

/* data is what the file has at the record. Sets where the mail is. Returns
   NULL, or why it is damaged. */
static const char *
dbox_record_parse(struct mail_file *file, unsigned int message_header_size,
		  const unsigned char *data, size_t size)
{
	const char *error;

	if (size < message_header_size)
		return "it is cut off";
	error = dbox_message_header_parse(data, message_header_size,
					  &file->size);
	if (error != NULL)
		return error;
	file->offset = file->record_offset + message_header_size;
	if (file->offset > file->record_end ||
	    file->size > file->record_end - file->offset ||
	    file->record_end - file->offset - file->size <
			DBOX_MAGIC_POST_SIZE)
		return "it is cut off";
	return NULL;
}

/* Returns NULL, or why it is damaged. */
static const char *dbox_metadata_parse(struct dbox_metadata *metadata)
{
	const unsigned char *p = metadata->data, *end = p + metadata->size;
	const unsigned char *lf;

	if (metadata->size < DBOX_MAGIC_POST_SIZE ||
	    memcmp(p, DBOX_MAGIC_POST, DBOX_MAGIC_POST_SIZE) != 0)
		return "its metadata is not where its mail should end";
	p += DBOX_MAGIC_POST_SIZE;
	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		switch (*p) {
		case '\n':
		case DBOX_METADATA_OLDV1_SPACE:
			metadata->end_size = (size_t)(lf + 1 - metadata->data);
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
static int dbox_metadata_read(const struct mail_file *file,
			       struct dbox_metadata *metadata_r,
			       const char **error_r)
{
	uoff_t offset = file->offset + file->size;
	uoff_t size = file->record_end - offset;
	ssize_t ret;

	i_zero(metadata_r);
	if (size > DBOX_METADATA_MAX) {
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
	*error_r = dbox_metadata_parse(metadata_r);
	return *error_r == NULL ? 1 : 0;
}

int mail_file_dbox_parse(struct mail_file *file, unsigned int header_size,
			 const unsigned char *data, size_t size,
			 const char **error_r)
{
	struct dbox_metadata metadata;
	int ret;

	*error_r = dbox_record_parse(file, header_size, data, size);
	if (*error_r != NULL)
		return 0;
	T_BEGIN {
		ret = dbox_metadata_read(file, &metadata, error_r);
	} T_END_PASS_STR_IF(ret <= 0, error_r);
	if (ret > 0)
		file->has_attachment_refs = metadata.has_attachment_refs;
	if (ret > 0 && file->format == STORAGE_FORMAT_MDBOX &&
	    metadata.end_size != metadata.size) {
		*error_r = "its metadata does not end where it should";
		return 0;
	}
	return ret;
}

int mail_file_sdbox_parse(struct mail_file *file, const unsigned char *data,
			  size_t size, const char **error_r)
{
	struct mail_file_line line;

	*error_r = dbox_begin_parse(data, size, &line);
	if (*error_r != NULL)
		return 0;
	file->record_offset = line.size;
	file->record_end = (uoff_t)file->st.st_size;
	return mail_file_dbox_parse(file, line.message_header_size,
				    data + line.size, size - line.size,
				    error_r);
}

int mail_file_read_line(int fd, struct mail_file_line *line_r,
			const char **error_r)
{
	unsigned char data[DBOX_LINE_MAX];
	ssize_t ret = file_read_at(fd, data, sizeof(data), 0);

	if (ret < 0) {
		*error_r = t_strdup_printf("pread() failed: %m");
		return -1;
	}
	T_BEGIN {
		*error_r = dbox_begin_parse(data, (size_t)ret, line_r);
	} T_END;
	return *error_r == NULL ? 1 : 0;
}

/* Returns the line as text, without what names a source. */
static const char *dbox_line_get(int fd, const struct mail_file_line *line)
{
	unsigned char data[DBOX_LINE_MAX];
	const char *const *fields;
	string_t *text = t_str_new(DBOX_LINE_MAX);

	i_assert(line->size > 0 && line->size <= sizeof(data));
	if (file_read_at(fd, data, line->size, 0) < (ssize_t)line->size)
		return NULL;
	fields = t_strsplit(t_strndup(data, line->size - 1), " ");
	for (; *fields != NULL; fields++) {
		if (**fields == DBOX_HEADER_SOURCE)
			continue;
		if (str_len(text) > 0)
			str_append_c(text, ' ');
		str_append(text, *fields);
	}
	return str_c(text);
}

int mail_file_write_line(int fd, const struct mail_file_line *line,
			 uint32_t source, int out_fd, const char **error_r)
{
	const char *text;
	int ret = -1;

	T_BEGIN {
		text = dbox_line_get(fd, line);
		if (text != NULL)
			text = t_strdup_printf("%s %c%x\n", text,
					       DBOX_HEADER_SOURCE, source);
		if (text == NULL)
			*error_r = "its first line cannot be read again";
		else if (file_write(out_fd, text, strlen(text)) < 0)
			*error_r = t_strdup_printf("write() failed: %m");
		else
			ret = 0;
	} T_END_PASS_STR_IF(ret < 0, error_r);
	return ret;
}

/* Writes what the file has from one offset to another. */
static int dbox_copy(const struct mail_file *file, uoff_t begin, uoff_t end,
		     int out_fd, const char **error_r)
{
	unsigned char data[IO_BLOCK_SIZE];
	ssize_t ret;

	while (begin < end) {
		ret = file_read_at(file->fd, data,
				   I_MIN(sizeof(data), end - begin), begin);
		if (ret <= 0) {
			*error_r = ret == 0 ? "it has become shorter" :
				t_strdup_printf("pread() failed: %m");
			return -1;
		}
		if (file_write(out_fd, data, (size_t)ret) < 0) {
			*error_r = t_strdup_printf("write() failed: %m");
			return -1;
		}
		begin += (size_t)ret;
	}
	return 0;
}

int mail_file_copy_record(const struct mail_file *file, int out_fd,
			  const char **error_r)
{
	return dbox_copy(file, file->record_offset, file->record_end, out_fd,
			 error_r);
}

int mail_file_dbox_begin(const struct mail_file *file, int out_fd,
			 uoff_t *size_offset_r, const char **error_r)
{
	const off_t position = lseek(out_fd, 0, SEEK_CUR);
	const uoff_t begin = file->format == STORAGE_FORMAT_SDBOX ? 0 :
		file->record_offset;

	if (position < 0) {
		*error_r = t_strdup_printf("lseek() failed: %m");
		return -1;
	}
	*size_offset_r = (uoff_t)position + file->record_offset - begin +
		offsetof(struct dbox_message_header, message_size_hex);
	return dbox_copy(file, begin, file->offset, out_fd, error_r);
}

static int dbox_rewrite_size(int out_fd, uoff_t size_offset, uoff_t size,
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
static int dbox_rewrite_metadata(const struct mail_file *file, int out_fd,
				 const struct mail_cipher_result *result,
				  const char **error_r)
{
	struct dbox_metadata metadata;
	string_t *out;

	if (dbox_metadata_read(file, &metadata, error_r) <= 0)
		return -1;
	out = t_str_new(metadata.size + 32);
	str_append_data(out, metadata.data, metadata.size);
	if (file->crypt == MAIL_FILE_PLAIN && !metadata.has_plain_size &&
	    result->plain_size != result->stored_size) {
		str_insert(out, DBOX_MAGIC_POST_SIZE,
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

int mail_file_dbox_finish(const struct mail_file *file, int out_fd,
			   uoff_t size_offset,
			   const struct mail_cipher_result *result,
			   const char **error_r)
{
	int ret;

	if (dbox_rewrite_size(out_fd, size_offset, result->stored_size,
			       error_r) < 0)
		return -1;
	T_BEGIN {
		ret = dbox_rewrite_metadata(file, out_fd, result, error_r);
	} T_END_PASS_STR_IF(ret < 0, error_r);
	return ret;
}
