#include "names.h"

#include <string.h>

const char *const name_reserved_default[] = {
	"abuse", "admin", "administrateur", "administrator", "autoconfig",
	"autodiscover", "bin", "contact", "daemon", "dmarc", "dmarc-reports",
	"dns", "ftp", "hostmaster", "info", "localhost", "mail", "mailer-daemon",
	"mailerdaemon", "marketing", "news", "no-reply", "nobody", "noc",
	"noreply", "no_reply", "operator", "postmaster", "root", "sales",
	"security", "ssl-admin", "ssladmin", "ssladministrator", "sslwebmaster",
	"support", "sysadmin", "system", "tls-reports", "trouble", "usenet",
	"uucp", "webmaster", "wpad", "www", NULL
};

bool name_normalize(const char *name, char *name_r, size_t size)
{
	const size_t length = strlen(name);
	size_t i;

	if (length >= size)
		return false;
	for (i = 0; i <= length; i++)
		name_r[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ?
				   name[i] - 'A' + 'a' : name[i]);
	return true;
}

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static enum name_fault check_characters(const struct name_rules *rules,
					const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++) {
		if (rules->delimiters != NULL &&
		    strchr(rules->delimiters, *p) != NULL)
			return NAME_DELIMITER;
		if (!is_alphanumeric(*p) && *p != '-' && *p != '_')
			return NAME_CHARACTER;
	}
	return is_alphanumeric(name[0]) && is_alphanumeric(p[-1]) ?
		NAME_OK : NAME_EDGE;
}

static bool is_reserved(const struct name_rules *rules, const char *name)
{
	const char *const *word;

	for (word = rules->reserved; word != NULL && *word != NULL; word++) {
		if (strcmp(*word, name) == 0)
			return true;
	}
	return false;
}

enum name_fault name_check(const struct name_rules *rules, const char *name,
			   bool super_admin)
{
	const size_t length = strlen(name);
	enum name_fault fault;

	if (length == 0)
		return NAME_EMPTY;
	if (length > rules->max || length > NAME_LOCAL_MAX)
		return NAME_TOO_LONG;
	fault = check_characters(rules, name);
	if (fault != NAME_OK || super_admin)
		return fault;
	/* before the length: "admin" is not taken with a letter more */
	if (is_reserved(rules, name))
		return NAME_RESERVED;
	return length < rules->min ? NAME_TOO_SHORT : NAME_OK;
}

bool address_split(const char *address, char local_r[NAME_LOCAL_MAX + 1],
		   const char **domain_r)
{
	const char *at = strrchr(address, '@'), *p;
	size_t size;

	if (at == NULL || at == address || at[1] == '\0' ||
	    strnlen(address, NAME_ADDRESS_MAX + 1) > NAME_ADDRESS_MAX)
		return false;
	for (p = address; *p != '\0'; p++) {
		if ((unsigned char)*p <= 0x20 || *p == 0x7f)
			return false;
	}
	size = (size_t)(at - address);
	if (size > NAME_LOCAL_MAX)
		return false;
	memcpy(local_r, address, size);
	local_r[size] = '\0';
	*domain_r = at + 1;
	return true;
}

bool address_join(const char *local, const char *domain,
		  char address_r[NAME_ADDRESS_MAX + 1])
{
	const size_t local_size = strlen(local), domain_size = strlen(domain);

	if (local_size > NAME_LOCAL_MAX || domain_size > NAME_ADDRESS_MAX ||
	    local_size + 1 + domain_size > NAME_ADDRESS_MAX)
		return false;
	memcpy(address_r, local, local_size);
	address_r[local_size] = '@';
	memcpy(address_r + local_size + 1, domain, domain_size + 1);
	return true;
}

bool address_is_email(const char *address)
{
	char local[NAME_LOCAL_MAX + 1];
	const char *domain;

	return address_split(address, local, &domain) &&
		strchr(local, '@') == NULL && strchr(domain, '.') != NULL &&
		strpbrk(address, "<>()[]\\,;:\"") == NULL;
}
