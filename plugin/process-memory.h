#ifndef PROCESS_MEMORY_H
#define PROCESS_MEMORY_H

/* From here on no core dump is made of this process, and no other process of
   its user may look into it: it holds secrets. To be called again after the
   effective user has changed, which resets part of it. */
void process_memory_protect(void);

/* From here on this process is killed when parent, which forked it, dies; to be
   called again likewise. Does not return if it is dead already. */
void process_die_with_parent(pid_t parent);

#endif
