#include "contract-test.h"

#include "sealed-v1.h"

/* Seals made here by hand from nothing but the description of the format in
   sealed-request.h, and seals made long ago: both must open for ever. */

#define MALFORMED "what was sealed is not what this version seals"

struct builder {
	unsigned char data[4096];
	size_t size;
};

static struct seal_private_key priv;
static struct seal_public_key pub;

static int setup(void **state)
{
	const char *error;

	(void)state;
	return seal_keygen(&priv, &pub, &error);
}

static void add(struct builder *b, const void *data, size_t size)
{
	assert_true(size <= sizeof(b->data) - b->size);
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static void add_u8(struct builder *b, unsigned int value)
{
	unsigned char byte = (unsigned char)value;

	add(b, &byte, 1);
}

static void add_u16(struct builder *b, unsigned int value)
{
	add_u8(b, value >> 8);
	add_u8(b, value & 255);
}

static void add_text(struct builder *b, const char *text)
{
	add_u16(b, (unsigned int)strlen(text));
	add(b, text, strlen(text));
}

static void add_aad(struct builder *b, const struct seal_binding *binding)
{
	unsigned int i;

	add_u8(b, 1);
	add_text(b, binding->kind == REQUEST_KIND_PASSWORD ? "password" :
		 binding->kind == REQUEST_KIND_CREATE ? "create" :
		 binding->kind == REQUEST_KIND_DELETE ? "delete" :
		 binding->kind == REQUEST_KIND_ENCRYPT ? "encrypt" : "close");
	add_text(b, binding->address);
	add_text(b, binding->request_id);
	for (i = 0; i < 8; i++)
		add_u8(b, (unsigned int)(binding->created >> (56 - i * 8)));
}

static void add_field(struct builder *b, unsigned int field, const char *text)
{
	add_u8(b, field);
	add_text(b, text);
}

static void add_zeros(struct builder *b, size_t until)
{
	while (b->size < until)
		add_u8(b, 0);
}

/* Seals a plaintext of any size. */
static void build(struct builder *b, const struct seal_binding *binding,
		  const char *info, const struct builder *plain)
{
	struct builder aad = { .size = 0 };
	unsigned char cipher[sizeof(plain->data) + SEAL_TAG_SIZE];
	unsigned char enc[32], id[SEAL_KEY_ID_SIZE];
	const char *error;

	seal_public_key_id(&pub, id);
	add_aad(&aad, binding);
	assert_int_equal(seal_hpke_seal(&pub,
		(struct seal_span){ (const unsigned char *)info, strlen(info) },
		(struct seal_span){ aad.data, aad.size },
		(struct seal_span){ plain->data, plain->size },
		(struct seal_span){ NULL, 0 }, enc, cipher, &error), 0);
	b->size = 0;
	add(b, "PMSR", 4);
	add_u8(b, 1);
	add(b, id, sizeof(id));
	add(b, enc, sizeof(enc));
	add(b, cipher, plain->size + 16);
}

static const char v1_info[] = "pymailadmin sealed request 1";

static void test_by_hand(void **state)
{
	struct seal_binding binding = test_binding;
	struct builder plain = { .size = 0 }, b;
	struct seal_secrets out;
	const char *error;
	unsigned int kind;

	(void)state;
	add_field(&plain, 1, test_secrets.old_password);
	add_field(&plain, 2, test_secrets.new_password);
	add_field(&plain, 3, test_secrets.new_hash);
	add_zeros(&plain, 1600);
	for (kind = 0; kind < REQUEST_KIND_COUNT; kind++) {
		binding.kind = (enum request_kind)kind;
		binding.created = UINT64_C(0x0102030405060708);
		build(&b, &binding, v1_info, &plain);
		assert_int_equal(b.size, 1661);
		assert_int_equal(sealed_request_open(&priv, &binding, b.data,
			b.size, &out, &error), 0);
		assert_same_secrets(&out, &test_secrets);
	}
	build(&b, &test_binding, "pymailadmin sealed request 2", &plain);
	assert_non_null(open_error(&priv, &test_binding, b.data, b.size));
}

/* A well-formed seal of another length, whatever it holds, is not ours. */
static void test_other_plaintext_size(void **state)
{
	static const size_t sizes[] = { 9, 16, 1584, 1599, 1601, 1616, 1900 };
	struct builder plain, b;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(sizes); i++) {
		plain.size = 0;
		add_field(&plain, 1, "");
		add_field(&plain, 2, "");
		add_field(&plain, 3, "");
		add_zeros(&plain, sizes[i]);
		build(&b, &test_binding, v1_info, &plain);
		assert_string_equal(open_error(&priv, &test_binding, b.data,
			b.size), SEAL_ERROR_DOES_NOT_OPEN);
	}
}

/* Plaintext bytes as they begin, zeros follow: whoever knows the public key
   can seal anything. */
static const struct {
	const char *name;
	const char *bytes;
	size_t size;
} malformed[] = {
#define BYTES(str) str, sizeof(str) - 1
	{ "all zeros", BYTES("") },
	{ "one field", BYTES("\1\0\1a") },
	{ "two fields", BYTES("\1\0\1a" "\2\0\1b") },
	{ "fields in another order", BYTES("\2\0\1b" "\1\0\1a" "\3\0\1c") },
	{ "a field twice", BYTES("\1\0\1a" "\1\0\1a" "\2\0\1b" "\3\0\1c") },
	{ "the last field twice",
	  BYTES("\1\0\1a" "\2\0\1b" "\3\0\1c" "\3\0\1c") },
	{ "unknown field", BYTES("\1\0\1a" "\2\0\1b" "\3\0\1c" "\4\0\1d") },
	{ "unknown field instead", BYTES("\1\0\1a" "\2\0\1b" "\4\0\1d") },
	{ "unknown field first", BYTES("\xff\0\1z" "\1\0\1a" "\2\0\1b") },
	{ "NUL alone", BYTES("\1\0\1\0" "\2\0\1b" "\3\0\1c") },
	{ "NUL at the end", BYTES("\1\0\1a" "\2\0\2b\0" "\3\0\1c") },
	{ "NUL inside", BYTES("\1\0\1a" "\2\0\1b" "\3\0\3c\0c") },
	{ "length beyond the value", BYTES("\1\0\2a" "\2\0\1b" "\3\0\1c") },
	{ "over-long old password", BYTES("\1\2\1a" "\2\0\1b" "\3\0\1c") },
	{ "over-long new password", BYTES("\1\0\1a" "\2\2\1b" "\3\0\1c") },
	{ "over-long hash", BYTES("\1\0\1a" "\2\0\1b" "\3\2\1c") },
	{ "longest length", BYTES("\1\xff\xff" "a") },
	{ "text after the fields", BYTES("\1\0\0" "\2\0\0" "\3\0\0" "x") },
#undef BYTES
};

static void assert_malformed(const struct builder *plain, const char *name)
{
	struct builder b;
	const char *error;

	build(&b, &test_binding, v1_info, plain);
	error = open_error(&priv, &test_binding, b.data, b.size);
	if (error == NULL || strcmp(error, MALFORMED) != 0)
		fail_msg("%s: %s", name, error == NULL ? "it opened" : error);
}

static void test_malformed(void **state)
{
	struct builder plain;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(malformed); i++) {
		plain.size = 0;
		add(&plain, malformed[i].bytes, malformed[i].size);
		add_zeros(&plain, 1600);
		assert_malformed(&plain, malformed[i].name);
	}
}

/* Over-long in earnest: 513 bytes really are there. */
static void test_over_long(void **state)
{
	char value[514];
	struct builder plain;
	unsigned int i;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (i = 1; i <= 3; i++) {
		plain.size = 0;
		add_field(&plain, 1, i == 1 ? value : "a");
		add_field(&plain, 2, i == 2 ? value : "b");
		add_field(&plain, 3, i == 3 ? value : "c");
		add_zeros(&plain, 1600);
		assert_malformed(&plain, "513 bytes");
	}
}

/* Every byte of the padding counts; a stride, as each costs an opening. */
static void test_padding(void **state)
{
	struct builder plain = { .size = 0 }, changed;
	size_t begin, i;

	(void)state;
	add_field(&plain, 1, "a");
	add_field(&plain, 2, "b");
	add_field(&plain, 3, "c");
	begin = plain.size;
	add_zeros(&plain, 1600);
	for (i = begin; i < 1600; i += 7) {
		changed = plain;
		changed.data[i] = (unsigned char)(1 + i % 255);
		assert_malformed(&changed, "padding");
	}
	changed = plain;
	changed.data[1599] = 1;
	assert_malformed(&changed, "last byte");
}

static void test_sealed_long_ago(void **state)
{
	const struct sealed_v1 *v;
	struct seal_private_key key;
	struct seal_secrets out;
	unsigned char data[SEALED_REQUEST_MAX];
	const char *error;
	unsigned int i;
	size_t size;

	(void)state;
	assert_int_equal(seal_private_key_parse(sealed_v1_key, &key,
						&error), 0);
	for (i = 0; i < N_ELEMENTS(sealed_v1); i++) {
		v = &sealed_v1[i];
		size = unhex(v->hex, data, sizeof(data));
		assert_int_equal(sealed_request_open(&key, &v->binding, data,
						     size, &out, &error), 0);
		assert_same_secrets(&out, &v->secrets);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_other_plaintext_size),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_over_long),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_sealed_long_ago),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
