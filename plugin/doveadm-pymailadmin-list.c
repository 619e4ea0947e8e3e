#include "lib.h"
#include "master-service.h"
#include "time-util.h"
#include "str-sanitize.h"
#include "doveadm-print.h"
#include "closure-store.h"
#include "address-list.h"
#include "pymailadmin-settings.h"
#include "doveadm-pymailadmin.h"

static const char *request_text(const struct address_list_row *row)
{
	if (!row->has_request)
		return "";
	return t_strdup_printf("%s %s", request_kind_name(row->request.kind),
			       request_state_name(row->request.state));
}

static const char *closed_text(const struct pymailadmin_cmd *cmd,
			       const struct address_list_row *row)
{
	uint64_t opens;

	if (!row->has_request ||
	    !request_row_keeps_closed(&row->request,
				      cmd->set->pymailadmin_rekey_window,
				      &opens))
		return "";
	return opens == 0 ? "repaired" :
		t_strflocaltime("%Y-%m-%d %H:%M:%S", opens);
}

/* Not before there is an answer: a failure prints nothing. */
static void list_print_header(void)
{
	if (doveadm_print_is_initialized() &&
	    doveadm_print_get_headers_count() > 0)
		return;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("username");
	doveadm_print_header_simple("active");
	doveadm_print_header_simple("quota");
	doveadm_print_header_simple("owner");
	doveadm_print_header_simple("request");
	doveadm_print_header("closed-until", "closed until", 0);
}

static bool list_print(const struct address_list_row *row, void *context)
{
	struct pymailadmin_cmd *cmd = context;

	list_print_header();
	doveadm_print(str_sanitize(row->address, 254));
	doveadm_print(row->active ? "yes" : "no");
	doveadm_print(row->quota == NULL ? "" : str_sanitize(row->quota, 64));
	doveadm_print(row->owner == NULL ? "" : str_sanitize(row->owner, 254));
	doveadm_print(request_text(row));
	doveadm_print(closed_text(cmd, row));
	return !master_service_is_killed(master_service);
}

static void list(struct pymailadmin_cmd *cmd)
{
	const char *const all[] = { "*", NULL };
	const char *const *masks;
	const char *error;

	if (!doveadm_cmd_param_array(cmd->cctx, "mask", &masks))
		masks = all;
	for (; *masks != NULL; masks++) {
		if (address_list(cmd->store, *masks, list_print, cmd,
				 &error) < 0) {
			pymailadmin_cmd_fail(cmd, EX_TEMPFAIL, "%s", error);
			return;
		}
		if (master_service_is_killed(master_service)) {
			pymailadmin_cmd_stopped(cmd);
			return;
		}
	}
	list_print_header();
}

static void cmd_pymailadmin_list(struct doveadm_cmd_context *cctx)
{
	struct pymailadmin_cmd cmd;

	if (!pymailadmin_cmd_init(&cmd, cctx))
		return;
	if (pymailadmin_cmd_open_store(&cmd))
		list(&cmd);
	pymailadmin_cmd_deinit(&cmd);
}

struct doveadm_cmd_ver2 doveadm_cmd_pymailadmin_list = {
	.name = "pymailadmin list",
	.cmd = cmd_pymailadmin_list,
	.usage = "[<mask> ...]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "mask", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
