#ifndef REKEY_SHARED_H
#define REKEY_SHARED_H

/* What the processes of one re-encryption share in memory: the process that
   asked for it, the one that leads it, and its workers. Every field is written
   atomically; texts only by the leader, before it ends. */

#include <stdatomic.h>

enum rekey_result {
	/* The leader has not come to an end: it was killed. */
	REKEY_KILLED,
	/* All that can be done is done. */
	REKEY_DONE,
	/* To be tried again later. */
	REKEY_LATER,
	/* It was asked to stop. */
	REKEY_STOPPED
};

struct rekey_shared {
	/* Asks leader and workers to end at the next mail. */
	atomic_bool stop;
	/* The mailbox is open: be nice, and obey the rate. */
	atomic_bool background;

	/* Stored mails looked at, and their bytes. */
	atomic_ullong mails_done, mails_total, bytes_done, bytes_total;
	/* Of these, written anew. */
	atomic_ullong mails_written, bytes_written;

	/* When the rate lets the next byte through, msecs of the monotonic
	   clock. */
	atomic_ullong rate_next_msecs;
	/* Less disk is free than is to be left free. */
	atomic_bool disk_full;
	/* What was exchanged may not be on the disk. */
	atomic_bool sync_failed;
	/* The file system cannot exchange two files. */
	atomic_bool no_exchange;

	enum rekey_result result;
	/* Code and text of why it is not all done, or empty. */
	char outcome[32], reason[480];
};

#endif
