#ifndef NETWORK_H
#define NETWORK_H

/* Addresses of hosts, and networks of them. There is one way to write each
   address: an IPv4 address mapped into IPv6 is the IPv4 address. Any thread. */

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

struct network_address {
	/* A peer on a unix socket, which has no address. */
	bool is_unix;
	/* IPv6; IPv4 mapped into it. */
	unsigned char bytes[16];
};

struct network {
	struct network_address address;
	/* Of the 128. */
	unsigned int bits;
};

#define NETWORK_ADDRESS_TEXT_SIZE 46

/* An IPv4 or IPv6 address, or "unix". Nothing around it, no scope. */
bool network_address_parse(const char *text, struct network_address *address_r);
/* Families other than IPv4 and IPv6 count as unix. */
void network_address_from_sockaddr(const struct sockaddr *sockaddr,
				   struct network_address *address_r);
void network_address_text(const struct network_address *address,
			  char text_r[NETWORK_ADDRESS_TEXT_SIZE]);

/* An address, or one with "/" and the number of its leading bits that count;
   the others must be zero. */
bool network_parse(const char *text, struct network *network_r);
bool network_list_contains(const struct network *networks, size_t count,
			   const struct network_address *address);

#endif
