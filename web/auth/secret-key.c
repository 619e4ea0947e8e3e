#include "secret-key.h"
#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_LEN (2 * SECRET_KEY_SIZE)

int secret_key_parse(const char *text, struct secret_key *key_r,
		     const char **error_r)
{
	char hex[TEXT_LEN + 1] = "";
	const size_t size = strnlen(text, TEXT_LEN + 2);
	bool ok;

	if (size == TEXT_LEN || (size == TEXT_LEN + 1 &&
				 text[TEXT_LEN] == '\n'))
		memcpy(hex, text, TEXT_LEN);
	ok = bytes_from_hex(hex, key_r->bytes, SECRET_KEY_SIZE);
	OPENSSL_cleanse(hex, sizeof(hex));
	if (ok)
		return 0;
	*error_r = "it does not hold 64 lower case hex digits";
	return -1;
}

static int read_fd(int fd, struct secret_key *key_r, const char **error_r)
{
	char text[TEXT_LEN + 3];
	struct stat st;
	ssize_t size;
	int ret;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		*error_r = "it is not a file";
		return -1;
	}
	if ((st.st_mode & 0007) != 0) {
		*error_r = "others may read it: chmod o= is missing";
		return -1;
	}
	size = read(fd, text, sizeof(text) - 1);
	text[size < 0 ? 0 : size] = '\0';
	ret = secret_key_parse(text, key_r, error_r);
	OPENSSL_cleanse(text, sizeof(text));
	return ret;
}

int secret_key_read(const char *path, struct secret_key *key_r,
		    const char **error_r)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0) {
		*error_r = errno == ENOENT ? "it does not exist" :
			"it cannot be opened";
		return -1;
	}
	ret = read_fd(fd, key_r, error_r);
	(void)close(fd);
	return ret;
}

void secret_key_wipe(struct secret_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

static void hmac_sha256(const void *key, size_t key_size, const void *data,
			size_t size, unsigned char hmac_r[SECRET_KEY_SIZE])
{
	unsigned int length = 0;

	if (HMAC(EVP_sha256(), key, (int)key_size, data, size, hmac_r,
		 &length) == NULL || length != SECRET_KEY_SIZE)
		abort();
}

void secret_key_hmac(const struct secret_key *key, const char *purpose,
		     const void *data, size_t size,
		     unsigned char hmac_r[SECRET_KEY_SIZE])
{
	unsigned char derived[SECRET_KEY_SIZE];

	hmac_sha256(key->bytes, sizeof(key->bytes), purpose, strlen(purpose),
		    derived);
	hmac_sha256(derived, sizeof(derived), data, size, hmac_r);
	OPENSSL_cleanse(derived, sizeof(derived));
}
