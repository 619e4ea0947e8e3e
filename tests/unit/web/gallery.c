/* gallery FOLDER: writes all pages of the gallery in each language into the
   folder, as NAME.LANGUAGE.html, and the static files beside them. */

#include "gallery.h"

#include "static-files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ITEMS_MAX 4

static struct view_notice notices[ITEMS_MAX];
static struct view_error errors[ITEMS_MAX];

void gallery_log_out(struct gallery *gallery)
{
	gallery->frame.account = NULL;
}

void gallery_notice(struct gallery *gallery, enum view_notice_kind kind,
		    const char *text)
{
	notices[gallery->frame.notices_count++] =
		(struct view_notice){ kind, text };
	gallery->frame.notices = notices;
}

void gallery_error(struct gallery *gallery, const char *field,
		   const char *text)
{
	errors[gallery->frame.errors_count++] =
		(struct view_error){ field, text };
	gallery->frame.errors = errors;
}

static void write_file(const char *folder, const char *name, const void *data,
		       size_t size)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(data, 1, size, file) != size ||
	    fclose(file) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
}

static void write_page(const char *folder, const struct gallery_page *page,
		       const struct language *language)
{
	struct gallery gallery = {
		.arena = arena_create(),
		.out = BUFFER_INIT,
		.frame = {
			.language = language,
			.product = "Mail at example.org",
			.csrf = "6f1c0f5f1c6b4f4f8a4a0d6d3f0b5a1e",
			.path = "/home",
			.account = "anna@example.org",
		},
	};
	char name[256];

	page->render(&gallery);
	snprintf(name, sizeof(name), "%s.%s.html", page->name, language->code);
	write_file(folder, name, gallery.out.data, gallery.out.size);
	buffer_free(&gallery.out);
	arena_free(&gallery.arena);
}

static void write_static(const char *folder)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/static", folder);
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	for (unsigned int i = 0; i < static_files_count; i++) {
		write_file(folder, static_files[i].path + 1,
			   static_files[i].data, static_files[i].size);
	}
}

int main(int argc, char *argv[])
{
	static const struct gallery_page *const all[] = {
		gallery_login_pages, gallery_join_pages, gallery_list_pages,
		gallery_mailbox_pages, gallery_account_pages,
		gallery_administration_pages, gallery_domain_pages
	};
	const struct gallery_page *page;

	if (argc != 2) {
		fprintf(stderr, "usage: gallery FOLDER\n");
		return 64;
	}
	setenv("TZ", "Europe/Paris", 1);
	tzset();
	write_static(argv[1]);
	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (page = all[i]; page->name != NULL; page++) {
			for (unsigned int l = 0; l < languages_count; l++)
				write_page(argv[1], page, &languages[l]);
		}
	}
	return 0;
}
