#ifndef CHECK_MODULE_H
#define CHECK_MODULE_H

/* Is the module there and built for this Dovecot? Read, not loaded: the auth
   process's modules load nowhere else. Returns 1 if it is, 0 if not, -1 if
   that cannot be told. */
int check_module_abi(const char *path, const char **error_r);

#endif
