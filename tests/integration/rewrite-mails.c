/* rewrite-mails maildir|sdbox FOLDER: reads a private key (PEM) from standard
   input, and encrypts each mail in the folder anew to the same key. Mails of
   another key are an error. Prints how many there were. */

#include "lib.h"
#include "dcrypt.h"
#include "hex-binary.h"
#include "istream.h"
#include "crypt-key.h"
#include "mail-file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *key_id;
static struct dcrypt_private_key *priv;
static struct dcrypt_public_key *pub;

static void read_key(void)
{
	struct istream *input = i_stream_create_fd(STDIN_FILENO, SIZE_MAX);
	buffer_t *id = t_buffer_create(64);
	const unsigned char *data;
	size_t size;
	const char *error;

	while (i_stream_read(input) > 0) ;
	data = i_stream_get_data(input, &size);
	if (!dcrypt_key_load_private(&priv, t_strndup(data, size), NULL, NULL,
				     &error))
		i_fatal("dcrypt_key_load_private() failed: %s", error);
	dcrypt_key_convert_private_to_public(priv, &pub);
	if (!dcrypt_key_id_public(pub, "sha256", id, &error))
		i_fatal("dcrypt_key_id_public() failed: %s", error);
	key_id = binary_to_hex(id->data, id->used);
	i_stream_unref(&input);
}

static void rewrite(int dir_fd, const char *name, enum storage_format format)
{
	const struct mail_cipher_input *input;
	struct mail_cipher_result result;
	struct mail_file file;
	const char *error;
	int out;

	if (mail_file_open(dir_fd, name, format, &file, &error) <= 0)
		i_fatal("mail_file_open() failed: %s", error);
	if (file.crypt != MAIL_FILE_ENCRYPTED ||
	    strcmp(file.header.key_id, key_id) != 0)
		i_fatal("%s is not encrypted to %s", name, key_id);
	input = &(struct mail_cipher_input){
		.fd = file.fd, .offset = file.offset, .size = file.size,
	};
	if (mail_cipher_check(input, priv, &result, &error) <= 0)
		i_fatal("mail_cipher_check(%s) failed: %s", name, error);
	out = openat(dir_fd, ".temp.rewrite", O_WRONLY | O_CREAT | O_EXCL,
		     0600);
	if (out == -1)
		i_fatal("open(.temp.rewrite) failed: %m");
	if (mail_file_rewrite(&file, priv, "aes-256-gcm-sha256", pub, out,
			      &result, &error) < 0 ||
	    mail_file_copy_attributes(&file.st, out, &error) < 0)
		i_fatal("mail_file_rewrite(%s) failed: %s", name, error);
	if (renameat(dir_fd, ".temp.rewrite", dir_fd, name) < 0)
		i_fatal("rename(%s) failed: %m", name);
	i_close_fd(&out);
	mail_file_close(&file);
}

int main(int argc, char *argv[])
{
	enum storage_format format;
	const struct dirent *entry;
	unsigned int count = 0;
	const char *error;
	DIR *dir;

	if (argc != 3 || (dir = opendir(argv[2])) == NULL) {
		perror("rewrite-mails");
		return 1;
	}
	lib_init();
	if (crypt_key_init(&error) < 0)
		i_fatal("crypt_key_init() failed: %s", error);
	read_key();
	format = strcmp(argv[1], "sdbox") == 0 ? STORAGE_FORMAT_SDBOX :
		STORAGE_FORMAT_MAILDIR;
	while ((entry = readdir(dir)) != NULL) T_BEGIN {
		if (mail_file_name_is_mail(format, entry->d_name)) {
			rewrite(dirfd(dir), entry->d_name, format);
			count++;
		}
	} T_END;
	printf("%u\n", count);
	(void)closedir(dir);
	mail_cipher_deinit();
	dcrypt_key_unref_private(&priv);
	dcrypt_key_unref_public(&pub);
	dcrypt_deinitialize();
	lib_deinit();
	return 0;
}
