#include "lib.h"
#include "str.h"
#include "time-util.h"
#include "request-store.h"
#include "request-progress.h"

#define MIB (1024 * 1024)
/* Before, a rate says nothing. */
#define RATE_MIN_SECS 3

unsigned int request_progress_percent(const struct request_row *row)
{
	const struct request_progress *progress = &row->progress;

	if (progress->bytes_total > 0)
		return I_MIN(progress->bytes_done, progress->bytes_total) *
			100 / progress->bytes_total;
	if (progress->mails_total > 0)
		return I_MIN(progress->mails_done, progress->mails_total) *
			100 / progress->mails_total;
	return 0;
}

static void append_rate(string_t *str, const struct request_row *row)
{
	const struct request_progress *progress = &row->progress;
	uint64_t rate, left;

	if (row->storing_secs < RATE_MIN_SECS || progress->bytes_done == 0)
		return;
	rate = progress->bytes_done / row->storing_secs;
	str_printfa(str, ", %.1f MiB/s", (double)rate / MIB);
	if (rate == 0 || progress->bytes_done >= progress->bytes_total)
		return;
	left = (progress->bytes_total - progress->bytes_done) / rate;
	str_printfa(str, ", ends %s",
		    t_strflocaltime(left < 12*60*60 ? "%H:%M:%S" :
				    "%Y-%m-%d %H:%M", row->now + left));
}

const char *request_progress_text(const struct request_row *row)
{
	const struct request_progress *progress = &row->progress;
	string_t *str;

	if (progress->mails_total == 0)
		return "";
	str = t_str_new(128);
	str_printfa(str, "%"PRIu64" of %"PRIu64" mails, %"PRIu64" of %"PRIu64
		    " MiB (%u%%)", progress->mails_done, progress->mails_total,
		    (progress->bytes_done + MIB - 1) / MIB,
		    (progress->bytes_total + MIB - 1) / MIB,
		    request_progress_percent(row));
	if (!request_state_is_final(row->state) && row->claimed_by != NULL)
		append_rate(str, row);
	return str_c(str);
}
