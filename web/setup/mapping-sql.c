#include "mapping.h"
#include "arena.h"
#include "buffer.h"
#include "db-admin.h"

#include <string.h>

/* {0} to {14} stand for the names, in their order; what stands between "[" and
   "|" is for a mapping that has the column of that number, what stands between
   "|" and "]" for one that has not. [0 is for one that converts. */
static const char template[] =
	"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER\n"
	"\tVIEW pymailadmin_domain AS\n"
	"\tSELECT v.{1} AS id,\n"
	"\t\t[0CONVERT(v.{2} USING utf8mb4)|v.{2}] AS name\n"
	"\tFROM {0} AS v;\n\n"
	"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER\n"
	"\tVIEW pymailadmin_mailbox AS\n"
	"\tSELECT v.{4} AS id,\n"
	"\t\tv.{5} AS domain_id,\n"
	"\t\t[0CONVERT(v.{6} USING utf8mb4)|v.{6}] AS address,\n"
	"\t\tv.{7} AS password,\n"
	"\t\t[8v.{8}|0] AS quota,\n"
	"\t\t[9v.{9}|1] AS active\n"
	"\tFROM {3} AS v;\n\n"
	"CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER\n"
	"\tVIEW pymailadmin_alias AS\n"
	"\tSELECT v.{11} AS id,\n"
	"\t\tv.{12} AS domain_id,\n"
	"\t\tv.{13} AS source,\n"
	"\t\t[0CONVERT(v.{14} USING utf8mb4)|v.{14}] AS destination\n"
	"\tFROM {10} AS v;\n\n"
	"SET SESSION sql_mode = CONCAT_WS(',', @@sql_mode, "
	"'STRICT_ALL_TABLES');\n\n"
	"DELIMITER $$\n\n"
	"CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_insert(\n"
	"\tIN p_address VARCHAR(254) CHARACTER SET utf8mb4,\n"
	"\tIN p_password VARCHAR(512) CHARACTER SET utf8mb4,\n"
	"\tIN p_quota BIGINT UNSIGNED)\n"
	"\tMODIFIES SQL DATA SQL SECURITY DEFINER\n"
	"\tCOMMENT 'Inserts a mailbox'\n"
	"BEGIN\n"
	"\tINSERT INTO {3} ({5}, {6}, {7}[8, {8}|][9, {9}|])\n"
	"\t\tSELECT v.{1}, p_address, p_password[8, p_quota|][9, 0|]\n"
	"\t\tFROM {0} AS v WHERE v.{2} =\n"
	"\t\t\tCAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR)\n"
	"\t\tLIMIT 1;\n"
	"\tIF ROW_COUNT() = 0 THEN\n"
	"\t\tSIGNAL SQLSTATE '45000'\n"
	"\t\t\tSET MESSAGE_TEXT = 'there is no such domain';\n"
	"\tEND IF;\n"
	"END $$\n\n"
	"CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_activate(\n"
	"\tIN p_address VARCHAR(254) CHARACTER SET utf8mb4)\n"
	"\tMODIFIES SQL DATA SQL SECURITY DEFINER\n"
	"\tCOMMENT 'Makes a mailbox active'\n"
	"[9\tUPDATE {3} AS v SET v.{9} = 1\n"
	"\t\tWHERE v.{6} = CAST(p_address AS CHAR)|\tSET p_address = NULL]"
	" $$\n\n"
	"CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_remove(\n"
	"\tIN p_address VARCHAR(254) CHARACTER SET utf8mb4)\n"
	"\tMODIFIES SQL DATA SQL SECURITY DEFINER\n"
	"\tCOMMENT 'Deletes a mailbox'\n"
	"\tDELETE FROM {3} WHERE {6} = CAST(p_address AS CHAR) $$\n\n"
	"CREATE OR REPLACE PROCEDURE pymailadmin_alias_insert(\n"
	"\tIN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4,\n"
	"\tIN p_source VARCHAR(254) CHARACTER SET utf8mb4)\n"
	"\tMODIFIES SQL DATA SQL SECURITY DEFINER\n"
	"\tCOMMENT 'Inserts an alias of a mailbox'\n"
	"\tINSERT INTO {10} ({12}, {13}, {14})\n"
	"\t\tSELECT v.{5}, p_source, v.{6} FROM {3} AS v\n"
	"\t\tWHERE v.{6} = CAST(p_mailbox AS CHAR) $$\n\n"
	"DELIMITER ;\n";

/* The number of a name, and what comes after it. */
static unsigned int read_number(const char **p)
{
	unsigned int number = 0;

	do {
		number = number * 10 + (unsigned int)(*(*p)++ - '0');
	} while (**p >= '0' && **p <= '9');
	return number;
}

static bool has(const struct mapping *mapping, unsigned int number)
{
	return number == 0 ? mapping->converts :
		mapping->names[number] != NULL;
}

static void append_name(struct buffer *out, struct arena *arena,
			const struct mapping *mapping, const char **p)
{
	buffer_append_str(out, db_quote_name(arena,
			  mapping->names[read_number(p)]));
}

const char *mapping_sql(struct arena *arena, const struct mapping *mapping)
{
	struct buffer out = BUFFER_INIT;
	const char *p = template, *text;
	/* within brackets: which side is wanted, which one this is */
	bool wanted = true;

	while (*p != '\0') {
		if (*p == '[') {
			wanted = has(mapping, (unsigned int)(p[1] - '0'));
			p += 2;
		} else if (*p == '|') {
			wanted = !wanted;
			p++;
		} else if (*p == ']') {
			wanted = true;
			p++;
		} else if (!wanted) {
			p++;
		} else if (*p == '{') {
			p++;
			append_name(&out, arena, mapping, &p);
			p++;
		} else {
			buffer_append_char(&out, *p++);
		}
	}
	text = arena_strdup(arena, buffer_str(&out));
	buffer_free(&out);
	return text;
}
