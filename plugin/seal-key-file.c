#include "lib.h"
#include "safe-memset.h"
#include "file-sync.h"
#include "sealed-request.h"
#include "seal-key-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int seal_key_file_check(int fd, const char *path, const char **error_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		*error_r = t_strdup_printf("%s is not a file", path);
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		*error_r = t_strdup_printf("%s is not private: it must be "
			"owned by root with mode 0600", path);
		return -1;
	}
	return 0;
}

int seal_key_file_read(const char *path, struct seal_private_key *priv_r,
		       const char **error_r)
{
	char text[SEAL_KEY_TEXT_SIZE + 1];
	const char *error;
	ssize_t size;
	int fd, ret = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return errno == ENOENT ? 0 : -1;
	}
	if (seal_key_file_check(fd, path, error_r) < 0) {
		i_close_fd(&fd);
		return -1;
	}
	size = read(fd, text, sizeof(text) - 1);
	if (size < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
	} else {
		text[size] = '\0';
		ret = seal_private_key_parse(text, priv_r, &error);
		if (ret < 0)
			*error_r = t_strdup_printf("%s: %s", path, error);
	}
	safe_memset(text, 0, sizeof(text));
	i_close_fd(&fd);
	return ret < 0 ? -1 : 1;
}

int seal_key_file_write(const char *path, const struct seal_private_key *priv,
			bool overwrite, const char **error_r)
{
	char text[SEAL_KEY_TEXT_SIZE + 1];
	struct stat st;
	size_t len;
	int ret;

	if (!overwrite && lstat(path, &st) == 0) {
		*error_r = t_strdup_printf("%s exists", path);
		return 0;
	}
	if (seal_private_key_to_text(priv, text) < 0) {
		*error_r = "the key cannot be written as text";
		return -1;
	}
	len = strlen(text);
	text[len++] = '\n';
	ret = file_replace_synced(path, text, len, error_r);
	safe_memset(text, 0, sizeof(text));
	return ret < 0 ? -1 : 1;
}
