/* What an error of Redis means for us. */
#ifndef REDIS_ERROR_H
#define REDIS_ERROR_H

#include <stddef.h>

enum redis_fault {
    REDIS_FINE = 0,
    REDIS_LATER,   /* the server's trouble, or the network's: again after a pause */
    REDIS_SETTING, /* somebody has to change something: again after a long pause, told once */
    REDIS_SCRIPT,  /* it does not know the script: send it whole */
    REDIS_VERB     /* this transaction's own fault; the storage is well */
};

struct redis_trouble {
    enum redis_fault fault;
    int status; /* a libuv code */
};

/* Looks at the first word, and behind ERR, which says nothing, at the beginning of the text; what
 * a script puts around an error is no part of it. */
struct redis_trouble redis_error_classify(const char *text, size_t length);

#endif /* REDIS_ERROR_H */
