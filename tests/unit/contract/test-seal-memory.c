/* No secret stays behind, on the stack or in freed memory, and no function
   promises what it did not do when memory runs out at any allocation. */

#include "contract-test.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

#if defined(__SANITIZE_ADDRESS__)
#  define ON_ASAN 1
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer)
#    define ON_ASAN 1
#  endif
#endif
#ifndef ON_ASAN
#  define ON_ASAN 0
#endif

#define STACK_SIZE (512 * 1024)
/* As few bytes of a secret count as the secret. */
#define PIECE_SIZE 8

static struct seal_private_key priv;
static struct seal_public_key pub;
static char key_text[SEAL_KEY_TEXT_SIZE];
static struct seal_secrets secrets, opened;
static unsigned char sealed[SEALED_REQUEST_MAX];
static size_t sealed_size;
static const char *error;

static bool has_piece(const unsigned char *data, size_t size,
		      const void *secret, size_t secret_size)
{
	const unsigned char *p = secret;
	size_t i;

	for (i = 0; i + PIECE_SIZE <= secret_size; i++) {
		if (memmem(data, size, p + i, PIECE_SIZE) != NULL)
			return true;
	}
	return false;
}

static bool has_secret(const void *mem, size_t size)
{
	unsigned char *data = malloc(size);
	bool found;
	int fd;

	/* Through the kernel: to valgrind a stack that ended is no memory, and
	   what libcrypto leaves uninitialized nothing to decide by. */
	assert_non_null(data);
	fd = open("/proc/self/mem", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, data, size, (off_t)(uintptr_t)mem), size);
	assert_int_equal(close(fd), 0);
	found = has_piece(data, size, priv.bytes, sizeof(priv.bytes)) ||
		has_piece(data, size, key_text + 27, SEAL_KEY_SIZE * 2) ||
		has_piece(data, size, secrets.old_password,
			  strlen(secrets.old_password)) ||
		has_piece(data, size, secrets.new_password,
			  strlen(secrets.new_password));
	free(data);
	return found;
}

/* libcrypto's allocations, all of this program. */

static bool heap_watched, heap_secret_freed;
/* Which allocation from now on fails, and whether all after it do. */
static long fail_at = -1;
static bool fail_after, fail_happened;

static bool must_fail(void)
{
	if (fail_at < 0)
		return false;
	if (fail_at > 0) {
		fail_at--;
		return false;
	}
	if (!fail_after)
		fail_at = -1;
	fail_happened = true;
	return true;
}

static void *heap_alloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return must_fail() ? NULL : calloc(1, size);
}

static void heap_free(void *mem, const char *file, int line)
{
	(void)file;
	(void)line;
	if (mem != NULL && heap_watched &&
	    has_secret(mem, malloc_usable_size(mem)))
		heap_secret_freed = true;
	free(mem);
}

static void *heap_realloc(void *mem, size_t size, const char *file, int line)
{
	void *new_mem = heap_alloc(size, file, line);
	size_t old_size;

	if (new_mem == NULL)
		return NULL;
	if (mem != NULL) {
		old_size = malloc_usable_size(mem);
		memcpy(new_mem, mem, old_size < size ? old_size : size);
		heap_free(mem, file, line);
	}
	return new_mem;
}

/* Everything that sees a secret, each way out. A later call may write over
   what an earlier one left: each is looked after by itself. */

static void use_keygen(void)
{
	assert_int_equal(seal_keygen(&priv, &pub, &error), 0);
}

static void use_private_key(void)
{
	struct seal_public_key derived;

	assert_int_equal(seal_private_to_public(&priv, &derived, &error), 0);
	assert_memory_equal(&derived, &pub, sizeof(pub));
}

static void use_key_to_text(void)
{
	assert_int_equal(seal_private_key_to_text(&priv, key_text), 0);
}

static void use_key_parse(void)
{
	assert_int_equal(seal_private_key_parse(key_text, &priv, &error), 0);
}

static void use_seal(void)
{
	assert_int_equal(sealed_request_seal(&pub, &test_binding, &secrets,
		sealed, &sealed_size, &error), 0);
}

static void use_open(void)
{
	assert_int_equal(sealed_request_open(&priv, &test_binding, sealed,
		sealed_size, &opened, &error), 0);
}

static void use_open_damaged(void)
{
	sealed[sealed_size - 1] ^= 1;
	assert_int_equal(sealed_request_open(&priv, &test_binding, sealed,
		sealed_size, &opened, &error), -1);
	sealed[sealed_size - 1] ^= 1;
}

static void use_seal_to_weak_key(void)
{
	struct seal_public_key weak;
	unsigned char data[SEALED_REQUEST_MAX];
	size_t size;

	memset(&weak, 0, sizeof(weak));
	assert_int_equal(sealed_request_seal(&weak, &test_binding, &secrets,
		data, &size, &error), -1);
}

static void use_seal_too_long(void)
{
	unsigned char data[SEALED_REQUEST_MAX];
	size_t size;

	memset(secrets.new_hash, 'x', sizeof(secrets.new_hash));
	assert_int_equal(sealed_request_seal(&pub, &test_binding, &secrets,
		data, &size, &error), -1);
	memset(secrets.new_hash, 0, sizeof(secrets.new_hash));
}

typedef void use_t(void);

static use_t *const uses[] = {
	use_keygen, use_private_key, use_key_to_text, use_key_parse,
	use_seal, use_open, use_open_damaged, use_seal_to_weak_key,
	use_seal_too_long,
};

static void use_carelessly(void)
{
	volatile char copy[sizeof(secrets.old_password)];
	unsigned int i;

	for (i = 0; i < sizeof(copy); i++)
		copy[i] = secrets.old_password[i];
}

static void *use_thread(void *arg)
{
	use_t *const *use = arg;

	(*use)();
	return NULL;
}

/* Runs it on a stack of its own and says if a secret lies there afterwards. */
static bool leaves_secret_on_stack(use_t *use)
{
	unsigned char *stack;
	pthread_attr_t attr;
	pthread_t thread;
	bool found;

	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(stack, MAP_FAILED);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_SIZE), 0);
	assert_int_equal(pthread_create(&thread, &attr, use_thread, &use),
			 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_attr_destroy(&attr), 0);

	found = has_secret(stack, STACK_SIZE);
	assert_int_equal(munmap(stack, STACK_SIZE), 0);
	return found;
}

static void test_stack(void **state)
{
	unsigned int i;

	(void)state;
	/* There locals may be elsewhere, and calls are not our compiler's. */
	if (ON_ASAN)
		skip();
	assert_true(leaves_secret_on_stack(use_carelessly));
	for (i = 0; i < N_ELEMENTS(uses); i++) {
		if (leaves_secret_on_stack(uses[i]))
			fail_msg("use %u leaves a secret on the stack", i);
	}
}

static void test_heap(void **state)
{
	void *careless;
	unsigned int i;

	(void)state;
	heap_watched = true;
	careless = OPENSSL_strdup(secrets.old_password);
	assert_non_null(careless);
	OPENSSL_free(careless);
	assert_true(heap_secret_freed);
	heap_secret_freed = false;
	for (i = 0; i < N_ELEMENTS(uses); i++) {
		uses[i]();
		if (heap_secret_freed)
			fail_msg("use %u frees a secret unwiped", i);
	}
	heap_watched = false;
}

/* Each returns what the function under test does, with outputs checked. */

static int do_keygen(void)
{
	int ret = seal_keygen(&priv, &pub, &error);

	if (ret < 0) {
		assert_wiped(&priv, sizeof(priv));
		assert_wiped(&pub, sizeof(pub));
	}
	return ret;
}

static int do_seal(void)
{
	int ret = sealed_request_seal(&pub, &test_binding, &secrets, sealed,
				      &sealed_size, &error);

	if (ret < 0) {
		assert_int_equal(sealed_size, 0);
		assert_wiped(sealed, sizeof(sealed));
	}
	return ret;
}

static int do_open(void)
{
	int ret = sealed_request_open(&priv, &test_binding, sealed,
				      sealed_size, &opened, &error);

	if (ret < 0)
		assert_wiped(&opened, sizeof(opened));
	else
		assert_same_secrets(&opened, &secrets);
	return ret;
}

static int do_request_id(void)
{
	char id[SEAL_REQUEST_ID_LEN + 1];
	int ret = seal_request_id_generate(id, &error);

	if (ret < 0)
		assert_wiped(id, sizeof(id));
	return ret;
}

/* Until it needs no more allocations than it gets. */
static unsigned int fail_each_allocation(int (*func)(void))
{
	unsigned int n, failures = 0;

	for (n = 0;; n++) {
		error = NULL;
		fail_at = (long)n;
		fail_happened = false;
		if (func() < 0) {
			assert_true(fail_happened);
			assert_non_null(error);
			failures++;
		}
		fail_at = -1;
		if (!fail_happened)
			return failures;
	}
}

static void test_no_memory(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fail_after = i == 1;
		assert_true(fail_each_allocation(do_keygen) > 0);
		assert_true(fail_each_allocation(do_seal) > 10);
		assert_true(fail_each_allocation(do_open) > 10);
		(void)fail_each_allocation(do_request_id);
	}
}

static int setup(void **state)
{
	unsigned int i;

	(void)state;
	secrets = (struct seal_secrets){
		.old_password = "Zw8-old-qp0ksjdhfgy3nvlaie94m2",
		.new_password = "Vb5-new-x8ruwoq1zmxncb7tyg6h3k",
	};
	/* What libcrypto allocates once, and keeps, is not this test's. */
	for (i = 0; i < N_ELEMENTS(uses); i++)
		uses[i]();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_no_memory),
	};

	if (CRYPTO_set_mem_functions(heap_alloc, heap_realloc,
				     heap_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, setup, NULL);
}
