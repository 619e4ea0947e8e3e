#ifndef CHECK_POSTFIX_H
#define CHECK_POSTFIX_H

/* A parameter of the Postfix on this host, as postconf(1) says it. Returns 1
   if read, 0 if there is no Postfix, -1 on error. */
int check_postfix_get(const char *parameter, const char **value_r,
		      const char **error_r);

#endif
