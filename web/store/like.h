#ifndef LIKE_H
#define LIKE_H

struct arena;

/* What a person looks for, as a pattern of SQL's LIKE that finds it anywhere;
   everything if that is NULL or "". */
const char *like_pattern(struct arena *arena, const char *search);

#endif
