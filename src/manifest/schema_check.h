/* How keywords are checked. Inner header of schema*.c. */
#pragma once

#include "manifest/schema_node.h"

/* Where in the instance a value stands; chained up to the root. */
struct schema_place {
    const json_t *value;
    const struct schema_place *outer; /* NULL at the root */
    const char *key;                  /* of the member; NULL for an element */
    size_t index;
};

/* Members or elements of one value that some keyword has looked at, by their order. */
struct schema_seen {
    uint64_t *bits;
    size_t len;
};

/* The resources that were entered on the way, innermost first: the dynamic scope. */
struct schema_scope {
    const struct schema_resource *resource;
    const struct schema_scope *outer;
};

/* One validation. */
struct schema_run {
    size_t depth;
    size_t steps;
    const char *exhausted;        /* the bound that was gone over; NULL while within */
    pcre2_match_data *match_data; /* with the contexts NULL until a pattern needs them */
    pcre2_match_context *match_context;
};

/* A schema applied to a value. */
struct schema_frame {
    struct schema_run *run;
    const struct schema_node *node;
    const struct schema_place *place;
    const struct schema_scope *scope;
    struct schema_seen *seen;        /* NULL when nobody asks */
    struct diagnostics *diagnostics; /* NULL when only validity counts: the first fault ends it */
};

/* Takes steps for work that grows with the value or the schema; whether there were enough left. */
static inline bool schema_spend(struct schema_run *run, size_t steps)
{
    run->steps += steps;
    if (run->steps <= LIMIT_SCHEMA_STEPS)
        return true;
    run->exhausted = "the schema takes too many steps on the value (LIMIT_SCHEMA_STEPS)";
    return false;
}

/* Applies a schema; `from` is the frame that asks, from->place may be another's. Tells whether it holds. */
bool schema_apply(const struct schema_frame *from, const struct schema_node *node,
                  const struct schema_place *place, struct schema_seen *seen,
                  struct diagnostics *diagnostics);

void schema_seen_init(struct schema_run *run, struct schema_seen *seen, const json_t *value);
void schema_seen_deinit(struct schema_seen *seen);
/* All of these take NULL for seen. */
void schema_seen_add(struct schema_seen *seen, size_t index);
bool schema_seen_has(const struct schema_seen *seen, size_t index);
void schema_seen_merge(struct schema_seen *seen, const struct schema_seen *more);

/* Whether the pattern matches; going over the match limit exhausts the run. */
bool schema_pattern_matches(struct schema_run *run, const struct schema_pattern *pattern, const char *text,
                            size_t len);

/* What is told to the reader. Strings are copied; found, expected and hint may be NULL. */
struct schema_fault_text {
    const char *code;
    const char *message;
    const char *found;
    const char *expected;
    const char *hint;
};
/* That members are missing; `because` is the one that makes them required, or NULL. */
bool schema_check_names(const struct schema_frame *frame, const json_t *names, const char *because);
/* Reports, if the frame wants to know, and returns false. x-expected stands for `expected`. */
bool schema_report(const struct schema_frame *frame, const struct schema_fault_text *fault);
/* The same with the value as what was found. */
bool schema_report_value(const struct schema_frame *frame, const char *code, const char *message,
                         const char *expected);
/* `frame->node` has `names` to choose from; place is the unknown member's. */
bool schema_report_unknown(const struct schema_frame *frame, const struct schema_place *place);
/* No branch of anyOf or oneOf holds: tells the faults of the one that fits best, and merges what it has seen.
 */
bool schema_report_branches(const struct schema_frame *frame, const struct schema_check *check);
/* The value in few characters: `the string "80"`, `an object with 3 members`. Caller frees. */
char *schema_describe(const json_t *value);

bool schema_check_type(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_enum(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_const(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_minimum(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_exclusive_minimum(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_maximum(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_exclusive_maximum(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_multiple_of(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_min_length(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_max_length(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_pattern(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_format(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_min_items(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_max_items(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_unique_items(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_required(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_dependent_required(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_min_properties(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_max_properties(const struct schema_frame *frame, const struct schema_check *check);

bool schema_check_members(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_property_names(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_items(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_contains(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_ref(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_dynamic_ref(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_all_of(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_any_of(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_one_of(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_not(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_if(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_dependent_schemas(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_dependencies(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_unevaluated_items(const struct schema_frame *frame, const struct schema_check *check);
bool schema_check_unevaluated_properties(const struct schema_frame *frame, const struct schema_check *check);
