#include "network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define UNIX_NAME "unix"
#define MAPPED_BITS 96

static const unsigned char mapped_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

static bool is_ipv4(const struct network_address *address)
{
	return memcmp(address->bytes, mapped_prefix,
		      sizeof(mapped_prefix)) == 0;
}

static void set_ipv4(struct network_address *address_r, const void *bytes)
{
	memcpy(address_r->bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(address_r->bytes + sizeof(mapped_prefix), bytes, 4);
}

bool network_address_parse(const char *text, struct network_address *address_r)
{
	struct network_address address = { .is_unix = false };
	unsigned char ipv4[4];

	if (strcmp(text, UNIX_NAME) == 0)
		address.is_unix = true;
	else if (inet_pton(AF_INET, text, ipv4) == 1)
		set_ipv4(&address, ipv4);
	else if (inet_pton(AF_INET6, text, address.bytes) != 1)
		return false;
	*address_r = address;
	return true;
}

void network_address_from_sockaddr(const struct sockaddr *sockaddr,
				   struct network_address *address_r)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	*address_r = (struct network_address){ .is_unix = false };
	/* copied, because of the alignment */
	switch (sockaddr->sa_family) {
	case AF_INET:
		memcpy(&ipv4, sockaddr, sizeof(ipv4));
		set_ipv4(address_r, &ipv4.sin_addr);
		break;
	case AF_INET6:
		memcpy(&ipv6, sockaddr, sizeof(ipv6));
		memcpy(address_r->bytes, &ipv6.sin6_addr,
		       sizeof(address_r->bytes));
		break;
	default:
		address_r->is_unix = true;
	}
}

void network_address_text(const struct network_address *address,
			  char text_r[NETWORK_ADDRESS_TEXT_SIZE])
{
	_Static_assert(NETWORK_ADDRESS_TEXT_SIZE >= INET6_ADDRSTRLEN,
		       "every address fits");

	if (address->is_unix)
		memcpy(text_r, UNIX_NAME, sizeof(UNIX_NAME));
	else if (is_ipv4(address))
		(void)inet_ntop(AF_INET, address->bytes + sizeof(mapped_prefix),
				text_r, NETWORK_ADDRESS_TEXT_SIZE);
	else
		(void)inet_ntop(AF_INET6, address->bytes, text_r,
				NETWORK_ADDRESS_TEXT_SIZE);
}

static bool parse_bits(const char *text, unsigned int max, unsigned int *bits_r)
{
	unsigned int bits = 0;

	if (text[0] == '\0' || strlen(text) > 3)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		bits = bits * 10 + (unsigned int)(*text - '0');
	}
	if (bits > max)
		return false;
	*bits_r = bits;
	return true;
}

static bool address_has_prefix(const unsigned char *address,
			       const unsigned char *prefix, unsigned int bits)
{
	const unsigned int whole = bits / 8, rest = bits % 8;
	unsigned char mask;

	if (memcmp(address, prefix, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	mask = (unsigned char)(0xff << (8 - rest));
	return ((address[whole] ^ prefix[whole]) & mask) == 0;
}

static bool rest_is_zero(const struct network *network)
{
	unsigned int bit;

	for (bit = network->bits; bit < 128; bit++) {
		if ((network->address.bytes[bit / 8] & (0x80 >> bit % 8)) != 0)
			return false;
	}
	return true;
}

bool network_parse(const char *text, struct network *network_r)
{
	const char *slash = strchr(text, '/');
	const size_t len = slash == NULL ? strlen(text) :
		(size_t)(slash - text);
	struct network network = { .bits = 128 };
	char address[NETWORK_ADDRESS_TEXT_SIZE];
	bool ipv4;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!network_address_parse(address, &network.address))
		return false;
	ipv4 = is_ipv4(&network.address) && strchr(address, ':') == NULL;
	if (slash != NULL) {
		if (network.address.is_unix ||
		    !parse_bits(slash + 1, ipv4 ? 32 : 128, &network.bits))
			return false;
		if (ipv4)
			network.bits += MAPPED_BITS;
		if (!rest_is_zero(&network))
			return false;
	}
	*network_r = network;
	return true;
}

bool network_list_contains(const struct network *networks, size_t count,
			   const struct network_address *address)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (networks[i].address.is_unix != address->is_unix)
			continue;
		if (address->is_unix ||
		    address_has_prefix(address->bytes,
				       networks[i].address.bytes,
				       networks[i].bits))
			return true;
	}
	return false;
}
