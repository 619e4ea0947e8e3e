/* The functions below are no longer libcrypto's favourites, but it has no
   others without a context. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "lib.h"
#include "byteorder.h"
#include "mail-cipher-kdf.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define KEY_DATA_HASH_ROUNDS 2048
#define HMAC_INNER_PAD 0x36
#define HMAC_OUTER_PAD 0x5c
#define STATE_WORDS (SHA256_RESULTLEN / 4)

/* One block to be hashed, already padded: only its beginning changes. */
struct padded_block {
	unsigned char data[SHA256_CBLOCK];
};

/* The end of a message of so many bytes, size of them in this block. */
static void padded_block_init(struct padded_block *block, size_t size,
			      size_t message_size)
{
	i_assert(size < SHA256_CBLOCK - 8);
	memset(block, 0, sizeof(*block));
	block->data[size] = 0x80;
	cpu32_to_be_unaligned((uint32_t)message_size * 8,
			      block->data + SHA256_CBLOCK - 4);
}

/* The hash of what led to state and then the block, into its beginning. */
static void padded_block_hash(struct padded_block *block, SHA256_CTX *ctx,
			      const SHA256_CTX *state)
{
	unsigned int i;

	memcpy(ctx->h, state->h, sizeof(ctx->h));
	SHA256_Transform(ctx, block->data);
	for (i = 0; i < STATE_WORDS; i++)
		cpu32_to_be_unaligned(ctx->h[i], block->data + i * 4);
}

struct hmac_state {
	SHA256_CTX inner, outer;
};

static void hmac_state_init(struct hmac_state *state,
			    const unsigned char *key, size_t key_size)
{
	unsigned char pad[SHA256_CBLOCK];
	unsigned int i;

	memset(pad, 0, sizeof(pad));
	if (key_size > sizeof(pad))
		SHA256(key, key_size, pad);
	else
		memcpy(pad, key, key_size);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= HMAC_INNER_PAD;
	SHA256_Init(&state->inner);
	SHA256_Update(&state->inner, pad, sizeof(pad));
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= HMAC_INNER_PAD ^ HMAC_OUTER_PAD;
	SHA256_Init(&state->outer);
	SHA256_Update(&state->outer, pad, sizeof(pad));
	OPENSSL_cleanse(pad, sizeof(pad));
}

/* HMAC of salt and number into the beginning of block. */
static void hmac_first(const struct hmac_state *state,
		       const unsigned char *salt, size_t salt_size,
		       uint32_t number, struct padded_block *block)
{
	SHA256_CTX ctx = state->inner;
	unsigned char be_number[4];

	cpu32_to_be_unaligned(number, be_number);
	SHA256_Update(&ctx, salt, salt_size);
	SHA256_Update(&ctx, be_number, sizeof(be_number));
	SHA256_Final(block->data, &ctx);
	ctx = state->outer;
	SHA256_Update(&ctx, block->data, SHA256_RESULTLEN);
	SHA256_Final(block->data, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

/* All further rounds: block holds the result of the first. */
static void hmac_rounds(const struct hmac_state *state, unsigned int rounds,
			struct padded_block *block,
			unsigned char out_r[SHA256_RESULTLEN])
{
	uint32_t sum[STATE_WORDS];
	SHA256_CTX ctx;
	unsigned int i;

	for (i = 0; i < STATE_WORDS; i++)
		sum[i] = be32_to_cpu_unaligned(block->data + i * 4);
	while (--rounds > 0) {
		padded_block_hash(block, &ctx, &state->inner);
		padded_block_hash(block, &ctx, &state->outer);
		for (i = 0; i < STATE_WORDS; i++)
			sum[i] ^= ctx.h[i];
	}
	for (i = 0; i < STATE_WORDS; i++)
		cpu32_to_be_unaligned(sum[i], out_r + i * 4);
	OPENSSL_cleanse(sum, sizeof(sum));
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void mail_cipher_pbkdf2(const unsigned char *secret, size_t secret_size,
			const unsigned char *salt, size_t salt_size,
			unsigned int rounds,
			unsigned char *out, size_t out_size)
{
	unsigned char part[SHA256_RESULTLEN];
	struct padded_block block;
	struct hmac_state state;
	uint32_t number = 0;
	size_t size;

	i_assert(rounds > 0);
	hmac_state_init(&state, secret, secret_size);
	while (out_size > 0) {
		padded_block_init(&block, SHA256_RESULTLEN,
				  SHA256_CBLOCK + SHA256_RESULTLEN);
		hmac_first(&state, salt, salt_size, ++number, &block);
		hmac_rounds(&state, rounds, &block, part);
		size = I_MIN(out_size, sizeof(part));
		memcpy(out, part, size);
		out += size;
		out_size -= size;
	}
	OPENSSL_cleanse(part, sizeof(part));
	OPENSSL_cleanse(&block, sizeof(block));
	OPENSSL_cleanse(&state, sizeof(state));
}

void mail_cipher_key_data_hash(const unsigned char *data, size_t size,
			       unsigned char hash_r[SHA256_RESULTLEN])
{
	SHA256_CTX ctx, begin;
	struct padded_block block;
	unsigned int i;

	SHA256_Init(&begin);
	padded_block_init(&block, SHA256_RESULTLEN + 4, SHA256_RESULTLEN + 4);
	SHA256(data, size, block.data);
	for (i = 1; i <= KEY_DATA_HASH_ROUNDS; i++) {
		cpu32_to_be_unaligned(i, block.data + SHA256_RESULTLEN);
		padded_block_hash(&block, &ctx, &begin);
	}
	memcpy(hash_r, block.data, SHA256_RESULTLEN);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}
