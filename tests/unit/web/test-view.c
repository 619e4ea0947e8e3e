#include "views.h"

#include "buffer.h"
#include "static-files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct view_frame frame;

static void test_a_page_is_escaped_and_keeps_what_was_typed(void **state)
{
	const struct view_login v = { .email = "\"><script>alert(1)</script>" };
	const struct view_error errors[] = {
		{ NULL, "first <b>" }, { "email", "second & third" }
	};
	struct buffer out = BUFFER_INIT;

	(void)state;
	frame.errors = errors;
	frame.errors_count = 2;
	view_login(&out, &frame, &v);
	frame.errors_count = 0;
	frame.errors = NULL;
	assert_null(strstr(buffer_str(&out), "<script>alert"));
	assert_non_null(strstr(buffer_str(&out), "value=\"&quot;&gt;&lt;script"));
	assert_non_null(strstr(buffer_str(&out), "<li>first &lt;b&gt;</li>"));
	assert_non_null(strstr(buffer_str(&out),
			       "<a href=\"#email\">second &amp; third</a>"));
	assert_non_null(strstr(buffer_str(&out), "value=\"t0ken\""));
	assert_memory_equal(buffer_str(&out), "<!DOCTYPE html>\n<html", 21);
	buffer_free(&out);
}

static void test_errors_belong_to_fields(void **state)
{
	const struct view_error errors[] = {
		{ NULL, "none" }, { "a", "first" }, { "a", "second" }
	};
	const struct view_frame with = {
		.errors = errors, .errors_count = 3
	};

	(void)state;
	assert_string_equal(view_frame_error(&with, "a"), "first");
	assert_null(view_frame_error(&with, "b"));
}

static void test_static_files_are_found(void **state)
{
	const struct static_file *file;

	(void)state;
	assert_int_equal(static_files_count, 3);
	for (unsigned int i = 0; i < static_files_count; i++) {
		file = &static_files[i];
		assert_ptr_equal(static_file_find(file->path), file);
		assert_memory_equal(file->path, "/static/", 8);
		assert_memory_equal(file->gzip_data, "\037\213", 2);
	}
	assert_null(static_file_find("/static/main.css"));
	assert_null(static_file_find(""));
}

static void test_a_qr_code_is_drawn(void **state)
{
	static const unsigned char modules[] = {
		1, 1, 0, /**/ 2, 3, 0, /**/ 1, 0, 1
	};
	struct buffer out = BUFFER_INIT;

	(void)state;
	view_qr_path(&out, modules, 3);
	assert_string_equal(buffer_str(&out), "M4 4h2v1h-2zM5 5h1v1h-1z"
			    "M4 6h1v1h-1zM6 6h1v1h-1z");
	buffer_free(&out);
}

static int set_up(void **state)
{
	(void)state;
	frame.language = language_find("en");
	frame.product = "Mail";
	frame.csrf = "t0ken";
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_page_is_escaped_and_keeps_what_was_typed),
		cmocka_unit_test(test_errors_belong_to_fields),
		cmocka_unit_test(test_static_files_are_found),
		cmocka_unit_test(test_a_qr_code_is_drawn),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
