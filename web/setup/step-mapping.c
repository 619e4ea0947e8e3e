#include "setup-private.h"
#include "arena.h"

#include <string.h>

static const enum message questions[MAPPING_NAME_COUNT] = {
	[MAPPING_DOMAIN_TABLE] = MSG_setup_name_domain_table,
	[MAPPING_DOMAIN_ID] = MSG_setup_name_id,
	[MAPPING_DOMAIN_NAME] = MSG_setup_name_domain_name,
	[MAPPING_MAILBOX_TABLE] = MSG_setup_name_mailbox_table,
	[MAPPING_MAILBOX_ID] = MSG_setup_name_id,
	[MAPPING_MAILBOX_DOMAIN_ID] = MSG_setup_name_domain_id,
	[MAPPING_MAILBOX_ADDRESS] = MSG_setup_name_address,
	[MAPPING_MAILBOX_PASSWORD] = MSG_setup_name_password,
	[MAPPING_MAILBOX_QUOTA] = MSG_setup_name_quota,
	[MAPPING_MAILBOX_ACTIVE] = MSG_setup_name_active,
	[MAPPING_ALIAS_TABLE] = MSG_setup_name_alias_table,
	[MAPPING_ALIAS_ID] = MSG_setup_name_id,
	[MAPPING_ALIAS_DOMAIN_ID] = MSG_setup_name_domain_id,
	[MAPPING_ALIAS_SOURCE] = MSG_setup_name_source,
	[MAPPING_ALIAS_DESTINATION] = MSG_setup_name_destination,
};

struct question {
	struct setup *setup;
	enum mapping_name name;
};

static const char *check_name(void *context, const char *answer)
{
	const struct question *question = context;
	struct setup *setup = question->setup;
	const char *table;

	if (mapping_name_is_table(question->name))
		return mapping_has_table(&setup->columns, answer) ? NULL :
			setup_text(setup, MSG_setup_wrong_table);
	table = mapping_table_of(&setup->mapping, question->name);
	return mapping_find_column(&setup->columns, table, answer) != NULL ?
		NULL : setup_text(setup, MSG_setup_wrong_column,
				  LANGUAGE_TEXT("table", table));
}

/* Table by table, and column by column. */
static bool ask_names(struct setup *setup)
{
	struct mapping *mapping = &setup->mapping;
	unsigned int i;

	*mapping = (struct mapping){ .title = setup->database };
	setup_say(setup, MSG_setup_names_about);
	for (i = 0; i < MAPPING_NAME_COUNT; i++) {
		struct question question = { setup, (enum mapping_name)i };
		const char *proposed = mapping_propose(&setup->columns,
						       mapping, question.name);
		const char *text = setup_text(setup, questions[i]);

		if (i == MAPPING_MAILBOX_QUOTA || i == MAPPING_MAILBOX_ACTIVE)
			mapping->names[i] = setup_ask_optional(setup, text,
				proposed, check_name, &question);
		else
			mapping->names[i] = dialog_ask(&setup->dialog, text,
				proposed, check_name, &question);
		if (mapping->names[i] == NULL)
			return false;
		if (mapping->names[i][0] == '\0')
			mapping->names[i] = NULL;
	}
	mapping_look_at_charsets(&setup->columns, mapping);
	return true;
}

/* Sets *keep_r if there are views, and they are to stay. */
static int ask_keep(struct setup *setup, bool *keep_r, const char **error_r)
{
	const char *count;
	bool again;

	*keep_r = false;
	if (setup_query_value(setup, "SELECT COUNT(*) FROM "
			      "information_schema.VIEWS WHERE "
			      "TABLE_SCHEMA=DATABASE() AND TABLE_NAME IN "
			      "('pymailadmin_domain','pymailadmin_mailbox',"
			      "'pymailadmin_alias')", &count, error_r) < 0)
		return -1;
	if (count == NULL || strcmp(count, "3") != 0)
		return 1;
	if (!dialog_ask_yes(&setup->dialog,
			    setup_text(setup, MSG_setup_ask_views_again), false,
			    &again))
		return 0;
	*keep_r = !again;
	return 1;
}

int setup_mapping_ask(struct setup *setup, const char **error_r)
{
	bool keep = false, use = false;
	int ret;

	setup->views = NULL;
	use = mapping_recognise(&setup->columns, &setup->mapping);
	if (use)
		setup_say(setup, MSG_setup_mapping_known,
			  LANGUAGE_TEXT("title", setup->mapping.title));
	ret = ask_keep(setup, &keep, error_r);
	if (ret <= 0 || keep)
		return ret;
	if (use && !dialog_ask_yes(&setup->dialog,
				   setup_text(setup, MSG_setup_ask_use), true,
				   &use))
		return 0;
	if (!use && !ask_names(setup))
		return 0;
	if (setup->mapping.file == NULL)
		setup->views = mapping_sql(setup->arena, &setup->mapping);
	else if (setup_read_data(setup->arena, arena_printf(setup->arena,
			"sql/%s", setup->mapping.file), &setup->views,
			error_r) < 0)
		return -1;
	setup_say(setup, MSG_setup_mapping_about);
	dialog_print("");
	dialog_print(setup->views);
	if (!dialog_ask_yes(&setup->dialog,
			    setup_text(setup, MSG_setup_ask_load), true, &use))
		return 0;
	if (use)
		return 1;
	*error_r = setup_text(setup, MSG_setup_not_loaded);
	return -1;
}

int setup_mapping_apply(struct setup *setup, const char **error_r)
{
	if (setup->views != NULL &&
	    setup_run_script(setup, setup->views, NULL, NULL, error_r) < 0)
		return -1;
	return setup_check_mapping(setup, error_r);
}
