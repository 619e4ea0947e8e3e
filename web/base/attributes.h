#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

/* The argument at position fmt is a printf() format, its values begin at
   first. */
#define ATTR_FORMAT(fmt, first) __attribute__((format(printf, fmt, first)))
/* A list of strings ends with NULL. */
#define ATTR_SENTINEL __attribute__((sentinel))

#endif
