#ifndef MAIL_CIPHER_PRIVATE_H
#define MAIL_CIPHER_PRIVATE_H

/* Mails are read and written as a source and a sink, each either through
   libcrypto or through Dovecot's streams. They work in static memory: one of
   each at a time. */

#include "buffer.h"
#include "mail-cipher.h"

#define MAIL_CIPHER_BLOCK_SIZE (64*1024)
#define MAIL_CIPHER_KEY_SIZE 32
#define MAIL_CIPHER_IV_SIZE 12
#define MAIL_CIPHER_TAG_SIZE 16
/* Key, IV and additional authenticated data of the ciphertext. */
#define MAIL_CIPHER_KEY_DATA_SIZE \
	(MAIL_CIPHER_KEY_SIZE + MAIL_CIPHER_IV_SIZE + MAIL_CIPHER_TAG_SIZE)
/* Encrypted with AES-256-CBC, which fills the last block. */
#define MAIL_CIPHER_KEY_DATA_SEALED_SIZE (MAIL_CIPHER_KEY_DATA_SIZE + 4)

struct cipher_bytes {
	const unsigned char *data;
	size_t size;
};

/* A header of the kind that is read and written here. */
struct mail_cipher_envelope {
	unsigned int rounds;
	/* Parts of the header. */
	struct cipher_bytes key_id, ephemeral, key_data, key_data_hash;
};

/* As mail_cipher_header_parse(). *own_r says whether envelope_r is set. */
int mail_cipher_envelope_parse(const unsigned char *data, size_t size,
			       struct mail_cipher_header *header_r,
			       struct mail_cipher_envelope *envelope_r,
			       bool *own_r, const char **error_r);
void mail_cipher_envelope_append(buffer_t *header,
				 const struct mail_cipher_envelope *envelope);

/* Returns -1, and what libcrypto says of it. */
int mail_cipher_failed(const char *action, const char **error_r);

/* Data is MAIL_CIPHER_KEY_DATA_SIZE bytes, which the caller wipes. They return
   0, or -1 on error. */
int mail_cipher_key_data_open(const struct mail_cipher_envelope *envelope,
			      struct dcrypt_private_key *key,
			      unsigned char *data_r, const char **error_r);
/* Is it what its hash in the header says? */
int mail_cipher_key_data_check(const struct mail_cipher_envelope *envelope,
			       const unsigned char *data, const char **error_r);
/* Appends a header with the data encrypted to pub. */
int mail_cipher_key_data_seal(const unsigned char *data,
			      struct dcrypt_public_key *pub, buffer_t *header,
			      const char **error_r);
void mail_cipher_key_data_deinit(void);

struct mail_cipher_source {
	const struct mail_cipher_input *input;
	/* Bytes of the input that were read, and where the ciphertext ends. */
	uoff_t offset, end_offset;
	/* Refuse what Dovecot's reader refuses, even if the tag would prove the
	   mail whole. It takes as long as all the rest but PBKDF2. */
	bool check_hash;
	/* Error: it is not that it could not be read, but what was read. */
	bool damaged;

	/* Returns 1 if more was read, 0 if that was all and nothing is wrong
	   with it, -1 on error. */
	int (*next)(struct mail_cipher_source *source,
		    const unsigned char **data_r, size_t *size_r,
		    const char **error_r);
	/* May be NULL. */
	void (*close)(struct mail_cipher_source *source);

	/* MAIL_CIPHER_BLOCK_SIZE bytes, and what in them is to be decrypted */
	unsigned char *block;
	size_t block_start, block_end;
	struct istream *file, *decrypt;
	unsigned char tag[MAIL_CIPHER_TAG_SIZE];
};

struct mail_cipher_sink {
	int fd;
	uoff_t stored_size;

	/* Return 0, or -1 on error. */
	int (*add)(struct mail_cipher_sink *sink, const unsigned char *data,
		   size_t size, const char **error_r);
	int (*finish)(struct mail_cipher_sink *sink, const char **error_r);
	void (*close)(struct mail_cipher_sink *sink);

	/* of MAIL_CIPHER_BLOCK_SIZE bytes, and room for a tag */
	buffer_t buffer;
	bool begun;
	struct dcrypt_public_key *pub;
	uoff_t start_offset;
	struct ostream *file, *encrypt;
};

/* Reads exactly size bytes of the input. Returns 0, or -1 on error; an input
   that is shorter is damaged. */
int mail_cipher_source_read(struct mail_cipher_source *source, uoff_t offset,
			    void *data, size_t size, const char **error_r);
/* Writes all of the sink's buffer and empties it. */
int mail_cipher_sink_flush(struct mail_cipher_sink *sink,
			   const char **error_r);

/* The following set next and close, or add, finish and close. Return 0, or -1
   on error; then the source is still to be closed if close is set, the sink is
   not. */

/* The block holds the input up to offset. */
int mail_cipher_gcm_source_open(struct mail_cipher_source *source,
				const struct mail_cipher_header *header,
				const struct mail_cipher_envelope *envelope,
				struct dcrypt_private_key *key,
				const char **error_r);
int mail_cipher_gcm_sink_open(struct mail_cipher_sink *sink,
			      struct dcrypt_public_key *pub,
			      const char **error_r);
/* Is this what mail_cipher_gcm_sink_open() writes? */
bool mail_cipher_gcm_writes(const char *algorithm,
			    struct dcrypt_public_key *pub);
void mail_cipher_gcm_deinit(void);

void mail_cipher_stream_source_open(struct mail_cipher_source *source,
				    struct dcrypt_private_key *key);
int mail_cipher_stream_sink_open(struct mail_cipher_sink *sink,
				 const char *algorithm,
				 struct dcrypt_public_key *pub,
				 const char **error_r);

#endif
