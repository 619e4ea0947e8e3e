#include "page-domain-choice.h"
#include "account.h"
#include "arena.h"
#include "buffer.h"
#include "domain.h"
#include "page-frame.h"

#include <string.h>
#include <strings.h>

/* Of boxes. With the other fields they fit into a form's 64. */
#define BOXES_MAX 40
/* What a form can name at most. */
#define NAMES_MAX 1024
#define FIELD_PREFIX "domain-"
#define SEPARATORS " \t\n,;"

struct names {
	const char *names[NAMES_MAX];
	size_t count;
};

static void add_words(struct arena *arena, const char *text,
		      struct names *names)
{
	size_t len;

	for (;;) {
		text += strspn(text, SEPARATORS);
		len = strcspn(text, SEPARATORS);
		if (len == 0 || names->count == NAMES_MAX)
			return;
		names->names[names->count++] = arena_strndup(arena, text, len);
		text += len;
	}
}

static void read_form(const struct page *page, struct names *names)
{
	const struct http_pairs *form = &page->request->form;
	size_t i;

	for (i = 0; i < form->count; i++) {
		if (strncmp(form->pairs[i].name, FIELD_PREFIX,
			    strlen(FIELD_PREFIX)) == 0)
			add_words(page->arena, form->pairs[i].value, names);
	}
	add_words(page->arena, page_field(page, "domains"), names);
}

static bool is_chosen(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++) {
		if (strcasecmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static void append_json(struct buffer *out, const char *text)
{
	buffer_append_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buffer_append_char(out, '\\');
		buffer_append_char(out, *text);
	}
	buffer_append_char(out, '"');
}

/* Words have no control characters. */
static const char *to_json(struct arena *arena, const struct names *names)
{
	struct buffer out = BUFFER_INIT;
	const char *text;
	size_t i;

	buffer_append_char(&out, '[');
	for (i = 0; i < names->count; i++) {
		if (i > 0)
			buffer_append_char(&out, ',');
		append_json(&out, names->names[i]);
	}
	buffer_append_char(&out, ']');
	text = arena_strdup(arena, buffer_str(&out));
	buffer_free(&out);
	return text;
}

static const char *without_box(struct arena *arena, const struct names *names,
			       const struct page_domain_choice *choice)
{
	const char *text = "";
	size_t i;
	unsigned int row;

	for (i = 0; i < names->count; i++) {
		for (row = 0; row < choice->count; row++) {
			if (strcasecmp(choice->rows[row].name,
				       names->names[i]) == 0)
				break;
		}
		if (row == choice->count)
			text = arena_printf(arena, "%s%s%s", text,
					    text[0] == '\0' ? "" : " ",
					    names->names[i]);
	}
	return text;
}

int page_domain_choice(struct page *page, const char *proposed,
		       struct page_domain_choice *choice_r,
		       const char **error_r)
{
	const bool post = page->request->method == HTTP_METHOD_POST;
	struct names *names = arena_new(page->arena, struct names, 1);
	struct view_domain_choice *rows;
	struct domain_list list;
	size_t i;

	if (domain_list(page->db, page->arena, page->account, NULL, NULL,
			BOXES_MAX + 1, &list, error_r) < 0)
		return -1;
	if (post)
		read_form(page, names);
	else
		add_words(page->arena, proposed, names);
	/* there is nothing else to choose */
	if (!post && names->count == 0 && list.count == 1)
		add_words(page->arena, list.domains[0].name, names);
	rows = arena_new(page->arena, struct view_domain_choice, BOXES_MAX);
	for (i = 0; i < list.count && i < BOXES_MAX; i++)
		rows[i] = (struct view_domain_choice){
			list.domains[i].name,
			is_chosen(names, list.domains[i].name)
		};
	choice_r->rows = rows;
	choice_r->count = (unsigned int)i;
	choice_r->has_more = list.count > BOXES_MAX;
	choice_r->more = choice_r->has_more ?
		without_box(page->arena, names, choice_r) : "";
	choice_r->json = to_json(page->arena, names);
	return 0;
}
