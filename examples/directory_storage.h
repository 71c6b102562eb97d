/* A storage of one's own: a directory of files. See directory_storage.c. */
#ifndef DIRECTORY_STORAGE_H
#define DIRECTORY_STORAGE_H

#include <breaker/storage.h>

/* A storage in the directory of that path, which is there already. 0, UV_ENOMEM, UV_ENAMETOOLONG. */
int directory_storage_create(breaker_storage_t **storage, const char *path);
void directory_storage_destroy(breaker_storage_t *storage);

#endif /* DIRECTORY_STORAGE_H */
