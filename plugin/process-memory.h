#ifndef PROCESS_MEMORY_H
#define PROCESS_MEMORY_H

/* From here on no core dump is made of this process, and no other process of
   its user may look into it: it holds secrets. To be called again after the
   effective user has changed, which resets part of it. */
void process_memory_protect(void);

#endif
