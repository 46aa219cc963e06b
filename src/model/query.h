/* The cluster query language, as in placement constraints of type memberOf: which container instances an
 * expression means. After ECS, "Cluster query language" (ecs-semantics 5.2).
 *
 *     attribute:ecs.instance-type =~ t2.* and not(task:group == service:database)
 *
 *     expression := simple | "(" expression ")" | ("!"|"not") "(" expression ")"
 *                 | expression ("&&"|"and") expression | expression ("||"|"or") expression
 *     simple     := subject operator [argument]      (no parentheses inside)
 *     argument   := literal | 'literal' | "[" literal, ... "]"
 *
 *  operator                  | subject absent | true when
 *  --------------------------|----------------|--------------------------------------------------------
 *  == equals, != not_equals  | false, true    | equal as text
 *  in, !in not_in            | false, true    | equal to one of a list
 *  =~ matches, !~ not_matches| false, true    | the pattern matches the whole value
 *  exists, !exists not_exists| false, true    | of attributes and task:group; takes no argument
 *  > >= < <= greater_than... | false          | as numbers; agentVersion by its parts, registeredAt as time
 *
 * A subject may have several values, task:group as many as the instance has tasks: == is true when one of
 * them is equal, != when none is. agentConnected and ec2InstanceId are not ordered.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct query; /* immutable */

/* Text to query; the text is at most LIMIT_QUERY_CHARS long, as in ECS. ERROR_INVALID or ERROR_LIMIT, with
 * *ret_offset (may be NULL): the byte of the text where it went wrong. */
int query_compile(const char *text, struct query **ret_query, size_t *ret_offset, struct error *err);
void query_free(struct query *query); /* NULL is fine */

/* One comparison of a query; borrowed. */
struct query_test {
    const char *subject;      /* "attribute:rack", "ec2InstanceId" ... */
    bool existence;           /* exists or !exists */
    bool negated;             /* one of !=, !in, !~, !exists: true of what has no such value */
    const char *const *names; /* what it is compared with by ==, != and in; none for patterns and orders */
    size_t names_len;
};
/* Each of a query, those under not() too. */
void query_each_test(const struct query *query, void (*visit)(void *data, const struct query_test *test),
                     void *data);

/* The instance that is asked about. `values` calls take(taker, value) with each value that the subject has
 * there until one call returns true, and returns whether one did. */
struct query_instance {
    bool (*values)(const void *data, const char *subject, bool (*take)(const void *taker, const char *value),
                   const void *taker);
    const void *data;
};
bool query_matches(const struct query *query, const struct query_instance *instance);
/* Whether it may be true of the instance, when a subject that is not known may have any values. */
bool query_may_match(const struct query *query, const struct query_instance *instance,
                     bool (*knows)(const void *data, const char *subject));
