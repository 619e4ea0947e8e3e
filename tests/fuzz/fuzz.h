#ifndef FUZZ_H
#define FUZZ_H

/* Each fuzz-*.c has this function, which libFuzzer calls with what it makes up,
   and replay.c with the files of its corpus:

     clang -fsanitize=fuzzer,address,undefined ... fuzz-http-form.c

   (tests/fuzz/run does that). */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
