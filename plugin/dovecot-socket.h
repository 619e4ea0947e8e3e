#ifndef DOVECOT_SOCKET_H
#define DOVECOT_SOCKET_H

/* Plain exchanges of lines with the running Dovecot's processes over their
   UNIX sockets. No buffer keeps what was sent or read: it may be secret. Each
   wait ends after some seconds. One thread. */

/* Connects as root if the process is root with privileges dropped temporarily,
   since the mail user may not use these sockets. Returns 1 if connected, 0 if
   nobody listens, -1 on error. */
int dovecot_socket_connect(const char *path, int *fd_r, const char **error_r);

/* Returns 0, or -1 on error. */
int dovecot_socket_send(int fd, const char *path, const void *data,
			size_t size, const char **error_r);

/* Reads a line into line_r, without its newline. Returns 0, or -1 on error,
   also when there is none or it is too long. */
int dovecot_socket_read_line(int fd, const char *path, char *line_r,
			     size_t size, const char **error_r);

#endif
