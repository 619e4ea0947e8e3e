#include "contract-test.h"

/* The vector of RFC 9180's authors for mode_base, DHKEM(X25519, HKDF-SHA256),
   HKDF-SHA256, AES-256-GCM: test-vectors.json of cfrg/draft-irtf-cfrg-hpke at
   5f503c5, the entry with mode 0, kem_id 32, kdf_id 1, aead_id 2. */
static const char vector_ikm_e[] =
	"2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9";
static const char vector_sk_r[] =
	"497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d";
static const char vector_pk_r[] =
	"430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c";
static const char vector_enc[] =
	"6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256";
static const char vector_info[] = "Ode on a Grecian Urn";
static const char vector_plain[] = "Beauty is truth, truth beauty";

static const struct {
	uint64_t seq;
	const char *aad, *cipher;
} vector_messages[] = {
	{ 0, "Count-0",
	  "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9"
	  "931980a41de125a925cdad859d5b7a" },
	{ 1, "Count-1",
	  "2c43aff25343fdbff864506f0818b9d87df84ea01b1a2144d23b4d40c26b"
	  "f655fdf197fe40297a8aebeed5cc2d" },
	{ 2, "Count-2",
	  "e0a8f2cf92ff61215edbb8c55dc31fe9e2eb42a5685867bb685421154209"
	  "9f9e940c4b41c192bc390835b1a5f7" },
	{ 4, "Count-4",
	  "448a8892f261cbb6bf5b7b64a4fae8a2c86492494b069c10525895d871c2"
	  "7c2f12cd17e0588fedaba9f7b0cd4c" },
	{ 64, "Count-64",
	  "e080406e00c83bed2e94537263727d65ce99534cad2279dbf119eeb614cc"
	  "5ba0b9103b7497fddd7b149579bad1" },
};

static struct seal_span text_span(const char *text)
{
	return (struct seal_span){ (const unsigned char *)text, strlen(text) };
}

static void test_public_key(void **state)
{
	struct seal_private_key priv;
	struct seal_public_key pub, expected;
	const char *error;

	(void)state;
	unhex(vector_sk_r, priv.bytes, sizeof(priv.bytes));
	unhex(vector_pk_r, expected.bytes, sizeof(expected.bytes));
	assert_int_equal(seal_private_to_public(&priv, &pub, &error), 0);
	assert_memory_equal(&pub, &expected, sizeof(pub));
}

static void test_open(void **state)
{
	struct seal_private_key priv;
	unsigned char enc[SEAL_ENC_SIZE], cipher[64], plain[64];
	struct seal_span cipher_span = { cipher, 0 };
	const char *error;
	unsigned int i;

	(void)state;
	unhex(vector_sk_r, priv.bytes, sizeof(priv.bytes));
	unhex(vector_enc, enc, sizeof(enc));
	for (i = 0; i < N_ELEMENTS(vector_messages); i++) {
		cipher_span.size = unhex(vector_messages[i].cipher, cipher,
					 sizeof(cipher));
		assert_int_equal(cipher_span.size,
				 strlen(vector_plain) + SEAL_TAG_SIZE);
		assert_int_equal(seal_hpke_open(&priv, enc,
			text_span(vector_info),
			text_span(vector_messages[i].aad), cipher_span,
			vector_messages[i].seq, plain, &error), 0);
		assert_memory_equal(plain, vector_plain, strlen(vector_plain));
	}
}

/* With the vector's randomness our seal is the vector's, byte for byte. */
static void test_seal(void **state)
{
	struct seal_public_key pub;
	unsigned char ikm_e[SEAL_KEY_SIZE], expected[64];
	unsigned char enc[SEAL_ENC_SIZE], cipher[64];
	const char *error;
	size_t size;

	(void)state;
	unhex(vector_pk_r, pub.bytes, sizeof(pub.bytes));
	unhex(vector_ikm_e, ikm_e, sizeof(ikm_e));
	assert_int_equal(seal_hpke_seal(&pub, text_span(vector_info),
		text_span(vector_messages[0].aad), text_span(vector_plain),
		(struct seal_span){ ikm_e, sizeof(ikm_e) },
		enc, cipher, &error), 0);
	unhex(vector_enc, expected, sizeof(expected));
	assert_memory_equal(enc, expected, sizeof(enc));
	size = unhex(vector_messages[0].cipher, expected, sizeof(expected));
	assert_int_equal(size, strlen(vector_plain) + SEAL_TAG_SIZE);
	assert_memory_equal(cipher, expected, size);
}

static void test_open_fails(void **state)
{
	struct seal_private_key priv;
	unsigned char enc[SEAL_ENC_SIZE], cipher[64], plain[64];
	struct seal_span info = text_span(vector_info);
	struct seal_span aad = text_span(vector_messages[0].aad);
	struct seal_span span = { cipher, 0 };
	const char *error;

	(void)state;
	unhex(vector_sk_r, priv.bytes, sizeof(priv.bytes));
	unhex(vector_enc, enc, sizeof(enc));
	span.size = unhex(vector_messages[0].cipher, cipher, sizeof(cipher));

	memset(plain, 0xaa, sizeof(plain));
	assert_int_equal(seal_hpke_open(&priv, enc, info, aad, span, 1,
					plain, &error), -1);
	assert_wiped(plain, strlen(vector_plain));
	assert_string_equal(error, SEAL_ERROR_DOES_NOT_OPEN);
	assert_int_equal(seal_hpke_open(&priv, enc, text_span("other"), aad,
					span, 0, plain, &error), -1);
	assert_int_equal(seal_hpke_open(&priv, enc, info, text_span("Count-1"),
					span, 0, plain, &error), -1);
	assert_int_equal(seal_hpke_open(&priv, cipher, info, aad, span, 0,
					plain, &error), -1);
	span.size = SEAL_TAG_SIZE - 1;
	assert_int_equal(seal_hpke_open(&priv, enc, info, aad, span, 0,
					plain, &error), -1);
	assert_string_equal(error, SEAL_ERROR_DOES_NOT_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public_key),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
