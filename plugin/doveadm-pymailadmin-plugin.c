#include "lib.h"
#include "sql-api.h"
#include "mail-cipher.h"
#include "doveadm-pymailadmin.h"
#include "doveadm-pymailadmin-plugin.h"

static struct doveadm_cmd_ver2 *const pymailadmin_commands[] = {
	&doveadm_cmd_pymailadmin_cancel,
	&doveadm_cmd_pymailadmin_check,
	&doveadm_cmd_pymailadmin_close,
	&doveadm_cmd_pymailadmin_create,
	&doveadm_cmd_pymailadmin_delete,
	&doveadm_cmd_pymailadmin_encrypt,
	&doveadm_cmd_pymailadmin_events,
	&doveadm_cmd_pymailadmin_free,
	&doveadm_cmd_pymailadmin_keygen,
	&doveadm_cmd_pymailadmin_list,
	&doveadm_cmd_pymailadmin_open,
	&doveadm_cmd_pymailadmin_process,
	&doveadm_cmd_pymailadmin_request_password,
	&doveadm_cmd_pymailadmin_retry,
	&doveadm_cmd_pymailadmin_status,
	&doveadm_cmd_pymailadmin_undelete,
	&doveadm_cmd_pymailadmin_upgrade,
	&doveadm_cmd_pymailadmin_verify,
};

const char *doveadm_pymailadmin_plugin_version = DOVECOT_ABI_VERSION;

void doveadm_pymailadmin_plugin_init(struct module *module ATTR_UNUSED)
{
	unsigned int i;

	/* not when it is needed: "doveadm pw" loads the auth modules, and with
	   libdovecot-sql in the process the mysql driver registers itself */
	sql_drivers_init();
	for (i = 0; i < N_ELEMENTS(pymailadmin_commands); i++)
		doveadm_cmd_register_ver2(pymailadmin_commands[i]);
}

void doveadm_pymailadmin_plugin_deinit(void)
{
	mail_cipher_deinit();
	sql_drivers_deinit();
}
