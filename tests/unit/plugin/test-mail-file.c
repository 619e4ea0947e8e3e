#include "lib.h"
#include "str.h"
#include "test-common.h"
#include "unlink-directory.h"
#include "write-full.h"
#include "mail-file.h"
#include "test-cipher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_DIR ".test-mail-file"
#define TEXT "From: a@example.test\n\nText of a mail.\n"
#define LINE "2 M1e C5f000000\n"
#define MESSAGE_HEADER "\001\002N          "
#define METADATA_MAGIC "\n\001\003\n"
#define METADATA_LINES \
	"R5f000000\nV2a\nG0123456789abcdef0123456789abcdef\nBINBOX\n\n"
#define METADATA METADATA_MAGIC METADATA_LINES
/* LINE, then the message header up to its size. */
#define SIZE_OFFSET (16 + 13)

static int dir_fd;

static void write_file(const char *name, const void *data, size_t size)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	if (fd == -1 || write_full(fd, data, size) < 0)
		i_fatal("write(%s) failed: %m", name);
	i_close_fd(&fd);
}

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

static string_t *sdbox(const void *mail, size_t size, const char *metadata)
{
	string_t *file = t_str_new(1024);

	str_printfa(file, LINE MESSAGE_HEADER"%016zX\n", size);
	str_append_data(file, mail, size);
	str_append(file, metadata);
	return file;
}

static int open_file(const char *name, enum storage_format format,
		     struct mail_file *file_r)
{
	const char *error = NULL;
	int ret = mail_file_open(dir_fd, name, format, file_r, &error);

	test_assert((ret < 0) == (error != NULL));
	if (ret > 0) {
		test_assert((file_r->crypt == MAIL_FILE_DAMAGED) ==
			    (file_r->error != NULL));
	}
	return ret;
}

/* What it is taken for; closed. */
static enum mail_file_crypt crypt_of(const void *data, size_t size,
				     enum storage_format format)
{
	struct mail_file file;

	write_file("mail", data, size);
	if (open_file("mail", format, &file) != 1)
		i_fatal("mail_file_open() failed");
	mail_file_close(&file);
	return file.crypt;
}

/* Rewrites it to the other key. Returns the new contents, NULL on error. */
static buffer_t *rewritten(const char *name, enum storage_format format,
			   struct dcrypt_private_key *key)
{
	struct mail_cipher_result result;
	struct mail_file file;
	struct stat st, new_st;
	const char *error;
	buffer_t *contents = NULL;
	int out = openat(dir_fd, "out", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (out == -1 || open_file(name, format, &file) != 1)
		i_fatal("open(%s) failed: %m", name);
	st = file.st;
	if (mail_file_rewrite(&file, key, TEST_ALGORITHM, test_other_pair.pub,
			      out, &result, &error) == 0 &&
	    mail_file_copy_attributes(&file.st, out, &error) == 0) {
		test_assert(fstat(out, &new_st) == 0);
		test_assert(st.st_mode == new_st.st_mode);
		test_assert(st.st_uid == new_st.st_uid &&
			    st.st_gid == new_st.st_gid);
		test_assert(st.st_mtim.tv_sec == new_st.st_mtim.tv_sec &&
			    st.st_mtim.tv_nsec == new_st.st_mtim.tv_nsec);
		test_assert(st.st_atim.tv_sec == new_st.st_atim.tv_sec);
		i_close_fd(&out);
		out = openat(dir_fd, "out", O_RDONLY | O_CLOEXEC);
		contents = test_cipher_contents(out);
	}
	mail_file_close(&file);
	i_close_fd(&out);
	return contents;
}

static bool reads(const void *mail, size_t size, const char *text)
{
	int fd = test_cipher_file(mail, size);
	buffer_t plain;
	bool ret;

	(buffer_create_from_const_data)(&plain, text, strlen(text));
	ret = test_cipher_dovecot_reads(fd, test_other_pair.priv, &plain);
	i_close_fd(&fd);
	return ret;
}

static void test_mail_file_names(void)
{
	static const struct {
		const char *name;
		bool maildir, sdbox, mdbox;
	} names[] = {
		{ "1700000000.M1P2.host,S=3:2,S", TRUE, FALSE, FALSE },
		{ "", FALSE, FALSE, FALSE },
		{ ".", FALSE, FALSE, FALSE },
		{ "..", FALSE, FALSE, FALSE },
		{ ".hidden", FALSE, FALSE, FALSE },
		{ "u.1", TRUE, TRUE, FALSE },
		{ "u.4294967295", TRUE, TRUE, FALSE },
		{ "u.4294967296", TRUE, FALSE, FALSE },
		{ "u.0", TRUE, FALSE, FALSE },
		{ "u.01", TRUE, FALSE, FALSE },
		{ "u.", TRUE, FALSE, FALSE },
		{ "u.1x", TRUE, FALSE, FALSE },
		{ "m.1", TRUE, FALSE, TRUE },
		{ "m.01", TRUE, FALSE, FALSE },
		{ "m.1.broken", TRUE, FALSE, FALSE },
		{ "u.-1", TRUE, FALSE, FALSE },
		{ "dovecot.index", TRUE, FALSE, FALSE },
		{ MAIL_FILE_TEMP_PREFIX_DBOX"1", FALSE, FALSE, FALSE },
	};
	unsigned int i;

	test_begin("mail file: names");
	for (i = 0; i < N_ELEMENTS(names); i++) {
		test_assert_idx(mail_file_name_is_mail(STORAGE_FORMAT_MAILDIR,
			names[i].name) == names[i].maildir, i);
		test_assert_idx(mail_file_name_is_mail(STORAGE_FORMAT_SDBOX,
			names[i].name) == names[i].sdbox, i);
		test_assert_idx(mail_file_name_is_mail(STORAGE_FORMAT_MDBOX,
			names[i].name) == names[i].mdbox, i);
	}
	test_assert(mail_file_name_is_temp(STORAGE_FORMAT_MAILDIR,
					   MAIL_FILE_TEMP_PREFIX_MAILDIR"1.2"));
	test_assert(mail_file_name_is_temp(STORAGE_FORMAT_SDBOX,
					   MAIL_FILE_TEMP_PREFIX_DBOX"1.2"));
	test_assert(mail_file_name_is_temp(STORAGE_FORMAT_MDBOX,
					   MAIL_FILE_TEMP_PREFIX_DBOX"1.2"));
	/* Dovecot's own */
	test_assert(!mail_file_name_is_temp(STORAGE_FORMAT_SDBOX, ".temp.1"));
	test_assert(!mail_file_name_is_temp(STORAGE_FORMAT_MAILDIR, "1.M2P3"));
	test_end();
}

static void test_mail_file_not_regular(void)
{
	struct mail_file file;

	test_begin("mail file: what is no regular file");
	write_file("mail", "x", 1);
	if (mkdirat(dir_fd, "dir", 0700) < 0 ||
	    mkfifoat(dir_fd, "fifo", 0600) < 0 ||
	    symlinkat("mail", dir_fd, "link") < 0)
		i_fatal("mkdirat() failed: %m");
	test_assert(open_file("dir", STORAGE_FORMAT_MAILDIR, &file) == -1);
	test_assert(open_file("fifo", STORAGE_FORMAT_MAILDIR, &file) == -1);
	test_assert(open_file("link", STORAGE_FORMAT_MAILDIR, &file) == -1);
	test_assert(open_file("none", STORAGE_FORMAT_MAILDIR, &file) == 0);
	test_end();
}

static void test_mail_file_maildir(void)
{
	const buffer_t *mail = encrypted(TEXT), *out;
	struct mail_file file;

	test_begin("mail file: maildir");
	test_assert(crypt_of("", 0, STORAGE_FORMAT_MAILDIR) == MAIL_FILE_PLAIN);
	test_assert(crypt_of(TEXT, strlen(TEXT), STORAGE_FORMAT_MAILDIR) ==
		    MAIL_FILE_PLAIN);
	out = rewritten("mail", STORAGE_FORMAT_MAILDIR, NULL);
	test_assert(reads(out->data, out->used, TEXT));
	/* a key does no harm */
	out = rewritten("mail", STORAGE_FORMAT_MAILDIR, test_pair.priv);
	test_assert(reads(out->data, out->used, TEXT));

	write_file("mail", mail->data, mail->used);
	test_assert(open_file("mail", STORAGE_FORMAT_MAILDIR, &file) == 1);
	test_assert(file.crypt == MAIL_FILE_ENCRYPTED);
	test_assert(file.offset == 0 && file.size == mail->used);
	test_assert(!file.has_attachment_refs);
	test_assert_strcmp(file.header.key_id, test_cipher_id(test_pair.pub));
	mail_file_close(&file);
	test_assert(file.fd == -1);
	out = rewritten("mail", STORAGE_FORMAT_MAILDIR, test_pair.priv);
	test_assert(out->used == mail->used);
	test_assert(reads(out->data, out->used, TEXT));
	test_assert(rewritten("mail", STORAGE_FORMAT_MAILDIR, NULL) == NULL);
	test_assert(rewritten("mail", STORAGE_FORMAT_MAILDIR,
			      test_other_pair.priv) == NULL);
	test_end();
}

static void test_mail_file_attributes(void)
{
	const struct timespec times[] = { { 1000, 1 }, { 2000, 123456789 } };

	test_begin("mail file: mode, owner and times");
	write_file("mail", TEXT, strlen(TEXT));
	test_assert(fchmodat(dir_fd, "mail", 0640, 0) == 0);
	test_assert(utimensat(dir_fd, "mail", times, 0) == 0);
	if (geteuid() == 0)
		test_assert(fchownat(dir_fd, "mail", 12345, 54321, 0) == 0);
	/* it compares them */
	test_assert(rewritten("mail", STORAGE_FORMAT_MAILDIR, NULL) != NULL);
	test_end();
}

static void test_mail_file_maildir_cut_off(void)
{
	const buffer_t *mail = encrypted(TEXT);
	enum mail_file_crypt crypt;
	size_t size;

	test_begin("mail file: maildir, cut off");
	for (size = 0; size < mail->used - strlen(TEXT); size++) T_BEGIN {
		crypt = crypt_of(mail->data, size, STORAGE_FORMAT_MAILDIR);
		/* less than its magic bytes could be anything */
		test_assert_idx(crypt == (size < 9 ? MAIL_FILE_PLAIN :
					  MAIL_FILE_DAMAGED), size);
		if (crypt == MAIL_FILE_DAMAGED) {
			test_assert_idx(rewritten("mail",
				STORAGE_FORMAT_MAILDIR,
				test_pair.priv) == NULL, size);
		}
	} T_END;
	/* the rest only reading tells */
	for (; size < mail->used; size++) T_BEGIN {
		test_assert_idx(crypt_of(mail->data, size,
					 STORAGE_FORMAT_MAILDIR) ==
				MAIL_FILE_ENCRYPTED, size);
		test_assert_idx(rewritten("mail", STORAGE_FORMAT_MAILDIR,
					  test_pair.priv) == NULL, size);
	} T_END;
	test_end();
}

/* Dovecot reads the size before the mail and finds the metadata behind it. */
static void check_sdbox(const buffer_t *out, const char *metadata)
{
	const unsigned char *data = out->data;
	size_t offset = strlen(LINE) + 30;
	size_t size = out->used - offset - strlen(metadata);

	test_assert(memcmp(data, LINE MESSAGE_HEADER, SIZE_OFFSET) == 0);
	test_assert_strcmp(t_strndup(data + SIZE_OFFSET, 17),
			   t_strdup_printf("%016zX\n", size));
	test_assert(memcmp(data + offset + size, metadata,
			   strlen(metadata)) == 0);
	test_assert(reads(data + offset, size, TEXT));
}

static void test_mail_file_sdbox(void)
{
	const buffer_t *mail = encrypted(TEXT), *out;
	const string_t *content;
	struct mail_file file;

	test_begin("mail file: sdbox");
	content = sdbox(mail->data, mail->used, METADATA);
	write_file("u.1", content->data, content->used);
	test_assert(open_file("u.1", STORAGE_FORMAT_SDBOX, &file) == 1);
	test_assert(file.crypt == MAIL_FILE_ENCRYPTED);
	test_assert(file.offset == strlen(LINE) + 30);
	test_assert(file.size == mail->used);
	test_assert(!file.has_attachment_refs);
	mail_file_close(&file);
	out = rewritten("u.1", STORAGE_FORMAT_SDBOX, test_pair.priv);
	test_assert(out->used == content->used);
	check_sdbox(out, METADATA);
	test_assert(rewritten("u.1", STORAGE_FORMAT_SDBOX, NULL) == NULL);

	content = sdbox(mail->data, mail->used, "\n\001\003\nX0 1 B1 abc\n\n");
	write_file("u.1", content->data, content->used);
	test_assert(open_file("u.1", STORAGE_FORMAT_SDBOX, &file) == 1);
	test_assert(file.has_attachment_refs);
	mail_file_close(&file);
	test_end();
}

static void test_mail_file_sdbox_plain(void)
{
	static const char with_size[] = "\n\001\003\nZ12\nR5f000000\n\n";
	const string_t *content;
	const buffer_t *out;

	test_begin("mail file: sdbox in the clear");
	content = sdbox(TEXT, strlen(TEXT), METADATA);
	test_assert(crypt_of(content->data, content->used,
			     STORAGE_FORMAT_SDBOX) == MAIL_FILE_PLAIN);
	out = rewritten("mail", STORAGE_FORMAT_SDBOX, NULL);
	check_sdbox(out, t_strdup_printf(METADATA_MAGIC"Z%zx\n"METADATA_LINES,
					 strlen(TEXT)));
	/* compressed, or without its attachments */
	content = sdbox(TEXT, strlen(TEXT), with_size);
	write_file("mail", content->data, content->used);
	out = rewritten("mail", STORAGE_FORMAT_SDBOX, NULL);
	check_sdbox(out, with_size);
	/* nothing is no more when it is encrypted */
	content = sdbox("", 0, METADATA);
	test_assert(crypt_of(content->data, content->used,
			     STORAGE_FORMAT_SDBOX) == MAIL_FILE_PLAIN);
	out = rewritten("mail", STORAGE_FORMAT_SDBOX, NULL);
	test_assert(buffer_cmp(content, out));
	test_end();
}

/* From a mail encrypted to a key of another size. */
static void test_mail_file_sdbox_other_size(void)
{
	struct dcrypt_keypair pair;
	const string_t *content;
	buffer_t plain;
	const buffer_t *mail;
	int fd;

	test_begin("mail file: sdbox, header of another size");
	test_cipher_pair("secp521r1", &pair);
	(buffer_create_from_const_data)(&plain, TEXT, strlen(TEXT));
	fd = test_cipher_dovecot_write(&plain, TEST_ALGORITHM,
				       IO_STREAM_ENC_INTEGRITY_AEAD, pair.pub);
	mail = test_cipher_contents(fd);
	i_close_fd(&fd);
	content = sdbox(mail->data, mail->used, METADATA);
	write_file("u.1", content->data, content->used);
	check_sdbox(rewritten("u.1", STORAGE_FORMAT_SDBOX, pair.priv),
		    METADATA);
	dcrypt_keypair_unref(&pair);
	test_end();
}

static void test_mail_file_sdbox_cut_off(void)
{
	const buffer_t *mail = encrypted(TEXT);
	const string_t *content = sdbox(mail->data, mail->used, METADATA);
	size_t size;

	test_begin("mail file: sdbox, cut off");
	for (size = 0; size < content->used; size++) T_BEGIN {
		test_assert_idx(crypt_of(content->data, size,
					 STORAGE_FORMAT_SDBOX) ==
				MAIL_FILE_DAMAGED, size);
		test_assert_idx(rewritten("mail", STORAGE_FORMAT_SDBOX,
					  test_pair.priv) == NULL, size);
	} T_END;
	test_end();
}

static void test_mail_file_sdbox_damaged(void)
{
#define WITH(line, header) line header "x\n\001\003\n\n"
#define SIZE_1 "0000000000000001"
	static const struct {
		const char *content;
		enum mail_file_crypt crypt;
	} files[] = {
		{ WITH(LINE, MESSAGE_HEADER SIZE_1"\n"), MAIL_FILE_PLAIN },
		/* what follows is nobody's, and kept */
		{ WITH(LINE, MESSAGE_HEADER SIZE_1"\n") "and more",
		  MAIL_FILE_PLAIN },
		{ WITH("1 M1e C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_PLAIN },
		{ WITH("2 C0 M1e\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_PLAIN },
		{ WITH("2 M20 C0\n", MESSAGE_HEADER SIZE_1"  \n"),
		  MAIL_FILE_PLAIN },
		{ WITH("3 M1e C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH("2 M1f C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH("2 M1d C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH("2 Mffffffff C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH("2 M C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH("2 C0\n", MESSAGE_HEADER SIZE_1"\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH("\n", MESSAGE_HEADER SIZE_1"\n"), MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER "000000000000000x\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER "               1\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER "0000000000000000\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER "0000000000000002\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER "ffffffffffffffff\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER "ffffffffffffffd2\n"),
		  MAIL_FILE_DAMAGED },
		{ WITH(LINE, MESSAGE_HEADER SIZE_1" "), MAIL_FILE_DAMAGED },
		{ LINE MESSAGE_HEADER SIZE_1"\nx\n\001\003\nR0\n",
		  MAIL_FILE_DAMAGED },
		{ LINE MESSAGE_HEADER SIZE_1"\nx\n\001\003\nR0",
		  MAIL_FILE_DAMAGED },
		{ LINE MESSAGE_HEADER SIZE_1"\nx\n\001\003 \n",
		  MAIL_FILE_DAMAGED },
		{ "From: somebody\n\ntext\n", MAIL_FILE_DAMAGED },
		{ "", MAIL_FILE_DAMAGED },
	};
	const char *content;
	unsigned int i;

	test_begin("mail file: sdbox, damaged");
	for (i = 0; i < N_ELEMENTS(files); i++) T_BEGIN {
		content = files[i].content;
		test_assert_idx(crypt_of(content, strlen(content),
					 STORAGE_FORMAT_SDBOX) ==
				files[i].crypt, i);
		test_assert_idx((rewritten("mail", STORAGE_FORMAT_SDBOX,
					   NULL) == NULL) ==
				(files[i].crypt == MAIL_FILE_DAMAGED), i);
	} T_END;
	test_end();
}

static void remove_dir(void)
{
	const char *error;

	if (unlink_directory(TEST_DIR, UNLINK_DIRECTORY_FLAG_RMDIR,
			     &error) < 0)
		i_fatal("unlink_directory("TEST_DIR") failed: %s", error);
}

static void test_mail_file_begin(void)
{
	remove_dir();
	if (mkdir(TEST_DIR, 0700) < 0)
		i_fatal("mkdir("TEST_DIR") failed: %m");
	dir_fd = open(TEST_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd == -1)
		i_fatal("open("TEST_DIR") failed: %m");
}

static void test_mail_file_end(void)
{
	i_close_fd(&dir_fd);
	remove_dir();
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_mail_file_begin,
		test_mail_file_names,
		test_mail_file_not_regular,
		test_mail_file_maildir,
		test_mail_file_attributes,
		test_mail_file_maildir_cut_off,
		test_mail_file_sdbox,
		test_mail_file_sdbox_plain,
		test_mail_file_sdbox_other_size,
		test_mail_file_sdbox_cut_off,
		test_mail_file_sdbox_damaged,
		test_mail_file_end,
		NULL
	};

	return test_cipher_run(tests);
}
