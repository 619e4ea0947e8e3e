#include "setup-private.h"
#include "arena.h"
#include "config-text.h"
#include "settings-table.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>

const char *setup_get(const struct setup *setup, const char *key,
		      const char *value)
{
	const char *found = NULL;
	unsigned int i;

	for (i = 0; i < setup->values_count; i++) {
		if (strcmp(setup->values[i].key, key) == 0)
			return setup->values[i].value == NULL ? value :
				setup->values[i].value;
	}
	if (setup->config != NULL)
		found = config_text_get(setup->arena, setup->config, key);
	return found == NULL ? value : found;
}

void setup_set(struct setup *setup, const char *key, const char *value)
{
	unsigned int i;

	for (i = 0; i < setup->values_count; i++) {
		if (strcmp(setup->values[i].key, key) == 0)
			break;
	}
	if (i == SETUP_VALUES_MAX)
		abort();
	setup->values[i] = (struct setup_value){ key, value };
	if (i == setup->values_count)
		setup->values_count++;
}

const char *setup_check(struct setup *setup, const char *key,
			const char *value)
{
	const struct settings_def *def = settings_table_find(key);
	struct settings *scratch = arena_new(setup->arena, struct settings, 1);

	if (value[0] == '\0')
		return setup_text(setup, MSG_setup_wrong_empty);
	/* what begins a comment would cut the value off */
	if (strstr(value, " ;") != NULL || strlen(value) > 150)
		return setup_text(setup, MSG_setup_wrong_text);
	return def->parse(def, setup->arena, value, scratch);
}

struct setting {
	struct setup *setup;
	const char *key;
	bool nothing;
};

static const char *check_setting(void *context, const char *answer)
{
	const struct setting *setting = context;

	if (setting->nothing && strcmp(answer, SETUP_NOTHING) == 0)
		return NULL;
	return setup_check(setting->setup, setting->key, answer);
}

bool setup_ask_setting(struct setup *setup, const char *key,
		       const char *question, const char *value, bool nothing)
{
	struct setting setting = { setup, key, nothing };
	const char *answer;

	value = setup_get(setup, key, value);
	if (nothing && value[0] == '\0')
		value = SETUP_NOTHING;
	answer = dialog_ask(&setup->dialog, question,
			    value[0] == '\0' ? NULL : value, check_setting,
			    &setting);
	if (answer == NULL)
		return false;
	setup_set(setup, key, nothing && strcmp(answer, SETUP_NOTHING) == 0 ?
		  "" : answer);
	return true;
}

struct optional {
	struct setup *setup;
	dialog_check_t *check;
	void *context;
};

static const char *check_optional(void *context, const char *answer)
{
	const struct optional *optional = context;

	if (strcmp(answer, SETUP_NOTHING) == 0)
		return NULL;
	if (answer[0] == '\0')
		return setup_text(optional->setup, MSG_setup_wrong_empty);
	return optional->check == NULL ? NULL :
		optional->check(optional->context, answer);
}

const char *setup_ask_optional(struct setup *setup, const char *question,
			       const char *value, dialog_check_t *check,
			       void *context)
{
	struct optional optional = { setup, check, context };
	const char *answer = dialog_ask(&setup->dialog, question,
		value == NULL || value[0] == '\0' ? SETUP_NOTHING : value,
		check_optional, &optional);

	return answer == NULL || strcmp(answer, SETUP_NOTHING) != 0 ? answer :
		"";
}
