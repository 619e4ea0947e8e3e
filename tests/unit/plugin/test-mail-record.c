#include "lib.h"
#include "str.h"
#include "test-common.h"
#include "mail-file.h"
#include "test-cipher.h"

#include <sys/stat.h>
#include <unistd.h>

#define TEXT "From: a@example.test\n\nText of a mail.\n"
#define OTHER_TEXT "From: b@example.test\n\nText of another.\n"
#define LINE "2 M1e C5f000000"
#define METADATA_MAGIC "\n\001\003\n"
#define METADATA_LINES \
	"R5f000000\nV2a\nG0123456789abcdef0123456789abcdef\nBINBOX\n\n"
#define METADATA METADATA_MAGIC METADATA_LINES
#define HEADER_SIZE 30

struct record {
	size_t offset, size;
};

static buffer_t *encrypted(const char *text)
{
	buffer_t plain;
	buffer_t *mail;
	int fd;

	(buffer_create_from_const_data)(&plain, text, strlen(text));
	fd = test_cipher_dovecot_write(&plain, TEST_ALGORITHM,
				       IO_STREAM_ENC_INTEGRITY_AEAD,
				       test_pair.pub);
	mail = test_cipher_contents(fd);
	i_close_fd(&fd);
	return mail;
}

static void add_record(string_t *file, const void *mail, size_t size,
		       const char *metadata, struct record *record_r)
{
	record_r->offset = str_len(file);
	str_printfa(file, "\001\002N          %016zX\n", size);
	str_append_data(file, mail, size);
	str_append(file, metadata);
	record_r->size = str_len(file) - record_r->offset;
}

/* Opens the record; the file is closed by the caller. */
static void open_record(int fd, const struct record *record,
			struct mail_file *file_r)
{
	struct mail_file_line line;
	struct stat st;
	const char *error;

	if (fstat(fd, &st) < 0 || mail_file_read_line(fd, &line, &error) != 1 ||
	    mail_file_open_record(fd, &st, &line, record->offset,
				  record->size, file_r, &error) < 0)
		i_fatal("mail_file_open_record() failed");
}

/* Is it a record with the text, encrypted to the other key? */
static bool is_rewritten(const unsigned char *data, size_t size,
			 const char *text, const char *metadata)
{
	const size_t mail_size = size - HEADER_SIZE - strlen(metadata);
	buffer_t plain;
	bool ret;
	int fd;

	if (strcmp(t_strndup(data + 13, 17),
		   t_strdup_printf("%016zX\n", mail_size)) != 0 ||
	    memcmp(data + HEADER_SIZE + mail_size, metadata,
		   strlen(metadata)) != 0)
		return FALSE;
	(buffer_create_from_const_data)(&plain, text, strlen(text));
	fd = test_cipher_file(data + HEADER_SIZE, mail_size);
	ret = test_cipher_dovecot_reads(fd, test_other_pair.priv, &plain);
	i_close_fd(&fd);
	return ret;
}

static void test_mail_record_line(void)
{
	static const struct {
		const char *text;
		int ret;
		unsigned int header_size;
		uint32_t source;
	} lines[] = {
		{ LINE"\n", 1, 30, 0 },
		{ LINE" Y2a\n", 1, 30, 42 },
		{ LINE" X1 Yffffffff Z\n", 1, 30, UINT32_MAX },
		{ LINE" Y100000000\n", 0, 0, 0 },
		{ LINE" Yx\n", 0, 0, 0 },
		{ "1 M20 C5f000000\n", 1, 32, 0 },
		{ "2 M1d C5f000000\n", 0, 0, 0 },
		{ "3 M1e C5f000000\n", 0, 0, 0 },
		{ LINE, 0, 0, 0 },
		{ "", 0, 0, 0 },
	};
	struct mail_file_line line;
	const char *error;
	unsigned int i;
	int fd;

	test_begin("mail record: first line");
	for (i = 0; i < N_ELEMENTS(lines); i++) {
		fd = test_cipher_file(lines[i].text, strlen(lines[i].text));
		test_assert_idx(mail_file_read_line(fd, &line, &error) ==
				lines[i].ret, i);
		if (lines[i].ret > 0) {
			test_assert_idx(line.message_header_size ==
					lines[i].header_size, i);
			test_assert_idx(line.source == lines[i].source, i);
			test_assert_idx(line.size == strlen(lines[i].text), i);
		}
		i_close_fd(&fd);
	}
	test_end();
}

static void test_mail_record_line_names_the_source(void)
{
	static const char old[] = LINE" Y7 Xz\n";
	int fd = test_cipher_file(old, strlen(old));
	int out = test_cipher_file("", 0);
	struct mail_file_line line;
	const char *error;

	test_begin("mail record: first line of the next file");
	test_assert(mail_file_read_line(fd, &line, &error) == 1);
	test_assert(mail_file_write_line(fd, &line, 43, out, &error) == 0);
	test_assert_strcmp(str_c(test_cipher_contents(out)),
			   LINE" Xz Y2b\n");
	i_close_fd(&fd);
	i_close_fd(&out);
	test_end();
}

static void test_mail_record_rewrite(void)
{
	const buffer_t *mail = encrypted(TEXT), *other = encrypted(OTHER_TEXT);
	string_t *content = t_str_new(1024);
	struct record first, second;
	struct mail_cipher_result result;
	struct mail_file file;
	const buffer_t *written;
	const char *error;
	int fd, out = test_cipher_file("", 0);

	test_begin("mail record: rewrite, copy");
	str_append(content, LINE"\n");
	add_record(content, mail->data, mail->used, METADATA, &first);
	add_record(content, other->data, other->used, METADATA, &second);
	fd = test_cipher_file(content->data, content->used);
	open_record(fd, &second, &file);
	test_assert(file.crypt == MAIL_FILE_ENCRYPTED);
	test_assert(file.offset == second.offset + HEADER_SIZE);
	test_assert(file.size == other->used);
	/* behind each other, the first as it is */
	open_record(fd, &first, &file);
	test_assert(mail_file_copy_record(&file, out, &error) == 0);
	open_record(fd, &second, &file);
	test_assert(mail_file_rewrite(&file, test_pair.priv, TEST_ALGORITHM,
				      test_other_pair.pub, out, &result,
				      &error) == 0);
	written = test_cipher_contents(out);
	test_assert(written->used == first.size + second.size);
	test_assert(memcmp(written->data, CONST_PTR_OFFSET(content->data,
			   first.offset), first.size) == 0);
	test_assert(is_rewritten(CONST_PTR_OFFSET(written->data, first.size),
				 second.size, OTHER_TEXT, METADATA));
	i_close_fd(&fd);
	i_close_fd(&out);
	test_end();
}

static void test_mail_record_plain(void)
{
	string_t *content = t_str_new(1024);
	struct record first, second;
	struct mail_cipher_result result;
	struct mail_file file;
	const buffer_t *written;
	const char *error;
	int fd, out = test_cipher_file("", 0);

	test_begin("mail record: in the clear");
	str_append(content, LINE"\n");
	add_record(content, TEXT, strlen(TEXT), METADATA, &first);
	add_record(content, TEXT, strlen(TEXT), METADATA, &second);
	fd = test_cipher_file(content->data, content->used);
	open_record(fd, &first, &file);
	test_assert(file.crypt == MAIL_FILE_PLAIN);
	test_assert(mail_file_rewrite(&file, NULL, TEST_ALGORITHM,
				      test_other_pair.pub, out, &result,
				      &error) == 0);
	written = test_cipher_contents(out);
	test_assert(is_rewritten(written->data, written->used, TEXT,
		t_strdup_printf(METADATA_MAGIC"Z%zx\n"METADATA_LINES,
				strlen(TEXT))));
	i_close_fd(&fd);
	i_close_fd(&out);
	test_end();
}

/* The map says where a record is, and it need not be right. */
static void test_mail_record_elsewhere(void)
{
	const buffer_t *mail = encrypted(TEXT);
	string_t *content = t_str_new(1024);
	struct record record, wrong;
	struct mail_file file;
	int fd;

	test_begin("mail record: not where it should be");
	str_append(content, LINE"\n");
	add_record(content, mail->data, mail->used, METADATA, &record);
	str_append(content, "more");
	fd = test_cipher_file(content->data, content->used);
	for (wrong.offset = record.offset - 1;
	     wrong.offset <= record.offset + 1; wrong.offset++) {
		for (wrong.size = record.size - 2;
		     wrong.size <= record.size + 2; wrong.size++) {
			open_record(fd, &wrong, &file);
			test_assert((file.crypt == MAIL_FILE_ENCRYPTED) ==
				    (wrong.offset == record.offset &&
				     wrong.size == record.size));
		}
	}
	/* beyond the end */
	wrong.offset = content->used + 10;
	open_record(fd, &wrong, &file);
	test_assert(file.crypt == MAIL_FILE_DAMAGED);
	i_close_fd(&fd);
	test_end();
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_mail_record_line,
		test_mail_record_line_names_the_source,
		test_mail_record_rewrite,
		test_mail_record_plain,
		test_mail_record_elsewhere,
		NULL
	};

	return test_cipher_run(tests);
}
