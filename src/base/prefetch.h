/* For walks over many objects that mostly lie in slow memory: each is asked for some steps before it is
 * looked at, and the walk no longer waits for one after the other. `vec` is a vector of pointers, `i` where
 * the walk is.
 */
#pragma once

#define PREFETCH_STEPS 12

/* The objects themselves. */
#define PREFETCH_ITEM(vec, i)                                                                                \
    ((i) + PREFETCH_STEPS < (vec)->len ? __builtin_prefetch((vec)->items[(i) + PREFETCH_STEPS]) : (void)0)

/* The objects, and then what their member points at. */
#define PREFETCH_MEMBER(vec, i, member)                                                                      \
    do {                                                                                                     \
        if ((i) + 2 * PREFETCH_STEPS < (vec)->len)                                                           \
            __builtin_prefetch((vec)->items[(i) + 2 * PREFETCH_STEPS]);                                      \
        if ((i) + PREFETCH_STEPS < (vec)->len)                                                               \
            __builtin_prefetch((vec)->items[(i) + PREFETCH_STEPS]->member);                                  \
    } while (0)
