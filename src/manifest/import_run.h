/* What the importers share: notes, pointers, and values as people write them. Inner header of import*.c. */
#pragma once

#include "base/map.h"
#include "manifest/import.h"

#include <stdbool.h>
#include <stdint.h>

/* One import under way. */
struct import_run {
    const struct import_source *source;
    struct import *import; /* what comes of it */
    struct diagnostics *diagnostics;
    struct map lost;   /* pointers that a note calls lost; the values do not matter */
    size_t bytes_left; /* text that substitution may still make */
    size_t steps_left; /* functions and references that may still be followed */
    bool over;         /* one of the two ran out */
};

enum import_loss { IMPORT_DROPPED, IMPORT_UNRESOLVED, IMPORT_CHANGED };

void import_run_init(struct import_run *run, const struct import_source *source, struct import *import,
                     struct diagnostics *diagnostics);
/* Places the notes, frees what is inner and hands the import over, unless r is an error already. Returns r, 0
 * or ERROR_LIMIT with the diagnostic given. */
int import_run_finish(struct import_run *run, int r, struct import *ret_import);
/* An error for the reader at the pointer. Returns ERROR_INVALID. */
int import_fail(struct import_run *run, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void import_note(struct import_run *run, enum import_loss loss, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Counts the values at and below `value` as members, and those below a lost pointer as lost. */
void import_count(struct import_run *run, const json_t *value, const char *pointer);
/* Takes steps off what may still be done. False, and run->over, when that is too much. */
bool import_spend(struct import_run *run, size_t steps);
/* Takes the values at and below `value` off what may still be done. False, and run->over, when that is too
 * much.
 */
bool import_afford(struct import_run *run, const json_t *value);
/* Takes `object` over; its kind comes first. */
void import_add(struct import_run *run, const char *kind, json_t *object);

/* The pointer to a member or element. Caller frees. */
char *import_pointer(const char *base, const char *key);
char *import_pointer_index(const char *base, size_t index);

/* A scalar as text, NULL for null, lists and objects. Caller frees. */
char *import_text(const json_t *value);
/* Whether it is one, be it in a string. */
bool import_integer(const json_t *value, int64_t *ret_value);
bool import_number(const json_t *value, double *ret_value);
bool import_boolean(const json_t *value, bool *ret_value);
/* "512m", "1.5gb", 1024: with 1024 as the factor, as Docker has it. */
bool import_bytes(const json_t *value, int64_t *ret_bytes);
/* A name as ECS takes it: other characters become hyphens. Caller frees; never empty. */
char *import_name(const char *text);
/* Ends the text at its first `mark` and returns what comes after it, NULL without one. */
char *import_cut(char *text, char mark);
/* The words of a command line, with quotes and backslashes as a shell has them. New list; NULL when a quote
 * stays open. */
json_t *import_words(const char *text);

/* Sets `key` and takes the value over, NULL and empty lists and objects pass by. */
void import_set(json_t *object, const char *key, json_t *value);
/* The list or object under `key`, made when it is not there. Borrowed. */
json_t *import_list(json_t *object, const char *key);
json_t *import_object(json_t *object, const char *key);

/* Puts the members of merge keys ("<<") where they belong, at all depths. */
void import_merge(json_t *value);
/* Where the values of variables come from: the world, and what it does not have from `more`. */
struct import_lookup {
    const struct import_world *world;
    const json_t *more; /* object of strings; may be NULL */
    size_t *bytes_left; /* text that substitution may still make */
};

/* Replaces $NAME and ${NAME...} in all strings as Compose does. What has no value stays, with a note. */
void import_interpolate(struct import_run *run, json_t *value, const char *pointer, const json_t *more);
/* The same for one text, where nothing stands for what has no value. Caller frees; NULL when it is too long.
 */
char *import_expand(const struct import_lookup *lookup, const char *text);
