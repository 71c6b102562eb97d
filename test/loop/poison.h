/* An allocator that overwrites what the library gives back: what still looks at it, also libuv, which no
 * sanitizer watches here, finds nothing good there. */
#ifndef LOOP_POISON_H
#define LOOP_POISON_H

/* Before anything else, for the whole program. */
void poison_what_is_released(void);

#endif /* LOOP_POISON_H */
