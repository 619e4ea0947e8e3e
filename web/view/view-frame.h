#ifndef VIEW_FRAME_H
#define VIEW_FRAME_H

/* What every page has around its content. Views only read what they are given:
   plain structs of strings and numbers, filled by the page, that need to live
   until the view has returned. A string that is NULL is not there. Texts are
   not escaped: that is what views do.

   web/templates/README.md says how templates are written; each NAME.html there
   is view_NAME() here, declared in one of the views-*.h. */

#include "language.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum view_notice_kind {
	VIEW_NOTICE_SUCCESS,
	VIEW_NOTICE_INFO,
	VIEW_NOTICE_WARNING
};

/* Said once, on top of the next page: "The alias was added." */
struct view_notice {
	enum view_notice_kind kind;
	const char *text;
};

/* What is wrong with a field of the form, said in the summary on top and at
   the field. */
struct view_error {
	/* The name of the input; NULL if it is about none. */
	const char *field;
	const char *text;
};

struct view_frame {
	const struct language *language;
	const char *product;
	/* The token of forms. */
	const char *csrf;
	/* This page, with its query string: where the language switch comes
	   back to. NULL on pages that answer a POST. */
	const char *path;
	/* Who is logged in, or NULL. */
	const char *account;
	/* Who decides who gets an account. */
	bool is_moderator;
	/* Who looks after accounts and domains. */
	bool is_super_admin;
	const struct view_notice *notices;
	unsigned int notices_count;
	const struct view_error *errors;
	unsigned int errors_count;
};

/* The first error of a field, or NULL. */
const char *view_frame_error(const struct view_frame *frame, const char *field);

#endif
