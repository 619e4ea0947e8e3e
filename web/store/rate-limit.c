#include "rate-limit.h"
#include "arena.h"
#include "db.h"
#include "secret-key.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Housekeeping takes a bucket for full after as long. */
#define MAX_SECS (7 * 86400)

static bool parse_number(const char **text, unsigned int max,
			 unsigned int *number_r)
{
	unsigned int number = 0;
	const char *p = *text;

	for (; *p >= '0' && *p <= '9'; p++) {
		number = number * 10 + (unsigned int)(*p - '0');
		if (number > max)
			return false;
	}
	if (p == *text || number == 0)
		return false;
	*text = p;
	*number_r = number;
	return true;
}

bool rate_limit_parse(const char *text, struct rate_limit *limit_r)
{
	static const struct {
		char unit;
		unsigned int secs;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	unsigned int burst, number, i;

	if (!parse_number(&text, 1000000, &burst) || *text++ != '/' ||
	    !parse_number(&text, MAX_SECS, &number))
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit == *text && text[1] == '\0' &&
		    number <= MAX_SECS / units[i].secs) {
			limit_r->burst = burst;
			limit_r->refill_secs = number * units[i].secs;
			return true;
		}
	}
	return false;
}

const char *rate_limit_network(struct arena *arena, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip6;

	if (inet_pton(AF_INET6, address, &ip6) != 1)
		return arena_strdup(arena, address);
	if (IN6_IS_ADDR_V4MAPPED(&ip6)) {
		if (inet_ntop(AF_INET, &ip6.s6_addr[12], text,
			      sizeof(text)) == NULL)
			abort();
		return arena_strdup(arena, text);
	}
	memset(&ip6.s6_addr[8], 0, 8);
	if (inet_ntop(AF_INET6, &ip6, text, sizeof(text)) == NULL)
		abort();
	return arena_printf(arena, "%s/64", text);
}

static void hash_subject(struct arena *arena, const struct secret_key *key,
			 const char *name, const char *subject,
			 unsigned char hash_r[SECRET_KEY_SIZE])
{
	char *text = arena_printf(arena, "%s %s", name, subject), *p;

	for (p = text; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	secret_key_hmac(key, "rate limit", text, strlen(text), hash_r);
}

/* What is in the bucket now. Below 0 somebody was refused last, and what is
   missing to 1 is how much there is: so one expression serves both, and the
   sign tells whether one was given. */
#define AVAILABLE \
	"LEAST(?,tokens+(tokens<0)+GREATEST(0,TIMESTAMPDIFF(MICROSECOND," \
	"updated_at,UTC_TIMESTAMP(3)))*?/(?*1000000))"

int rate_limit_take(struct db *db, struct arena *arena,
		    const struct secret_key *key, const char *name,
		    const char *subject, const struct rate_limit *limit,
		    unsigned int *retry_secs_r, const char **error_r)
{
	unsigned char hash[SECRET_KEY_SIZE];
	const struct db_value params[] = {
		db_text(name), DB_BYTES(hash, sizeof(hash)),
		DB_UINT(limit->burst), DB_UINT(limit->burst),
		DB_UINT(limit->burst), DB_UINT(limit->refill_secs),
		DB_UINT(limit->refill_secs), DB_UINT(limit->burst),
	};
	const struct db_value *row;
	int ret;

	hash_subject(arena, key, name, subject, hash);
	/* assigned from left to right: tokens sees the old time */
	ret = db_query_row(db, arena,
		"INSERT INTO pymailadmin_rate_limit(name,subject,tokens,"
		"updated_at) VALUES(?,?,?-1,UTC_TIMESTAMP(3)) "
		"ON DUPLICATE KEY UPDATE tokens=" AVAILABLE "-1,"
		"updated_at=UTC_TIMESTAMP(3) "
		"RETURNING tokens>=0,CAST(CEILING(-tokens*?/?) AS SIGNED)",
		params, 8, &row, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		*error_r = "rate limit: the database returned no row";
		return -1;
	}
	if (db_value_uint(&row[0]) != 0)
		return 1;
	*retry_secs_r = (unsigned int)db_value_uint(&row[1]);
	if (*retry_secs_r == 0)
		*retry_secs_r = 1;
	return 0;
}
