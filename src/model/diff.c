#include "model/diff.h"

#include "base/memory.h"
#include "base/redact.h"
#include "base/text.h"
#include "model/json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIDDEN "***"

/* Options of log drivers and of drivers of volumes: tokens and passwords are among them, whatever their name.
 */
static bool has_hidden_values(const char *member)
{
    return text_equal(member, "options") || text_equal(member, "driverOpts");
}

/* Of an object: its names. */
static json_t *hide_values(const json_t *object)
{
    const char *key;
    json_t *value;
    json_t *copy = json_object();
    json_object_foreach ((json_t *)(uintptr_t)object, key, value)
        json_object_set_new(copy, key, json_string(HIDDEN));
    return copy;
}

static json_t *without_secrets(const json_t *value);

static json_t *shown_string(const char *text, bool *announced)
{
    char *argument CLEANUP_FREE = redact_argument(text, announced);
    return json_string(argument);
}

/* Of an array too: a command may have an option and its value in two items. */
static json_t *shown_items(const json_t *array)
{
    size_t i;
    json_t *item;
    bool announced = false;
    json_t *copy = json_array();
    json_array_foreach ((json_t *)(uintptr_t)array, i, item)
        json_array_append_new(copy, json_is_string(item) ? shown_string(json_string_value(item), &announced)
                                                         : without_secrets(item));
    return copy;
}

static json_t *shown_members(const json_t *object)
{
    const char *key;
    json_t *item;
    json_t *copy = json_object();
    json_object_foreach ((json_t *)(uintptr_t)object, key, item) {
        bool secret = json_is_string(item) && redact_is_secret_name(key, strlen(key));
        json_object_set_new(copy, key,
                            secret                   ? json_string(HIDDEN)
                            : has_hidden_values(key) ? hide_values(item)
                                                     : without_secrets(item));
    }
    return copy;
}

static json_t *without_secrets(const json_t *value)
{
    bool announced = false;
    if (json_is_string(value))
        return shown_string(json_string_value(value), &announced);
    if (json_is_array(value))
        return shown_items(value);
    return json_is_object(value) ? shown_members(value) : json_deep_copy(value);
}

/* A value as people read it, whole: who shows it cuts it. Takes nothing; caller owns. NULL gives NULL. */
static json_t *shown(const json_t *value)
{
    json_t *told CLEANUP(json_decrefp) = value ? without_secrets(value) : NULL;
    if (!json_is_object(told) && !json_is_array(told))
        return json_incref(told);
    char *text CLEANUP_FREE = json_dumps(told, JSON_COMPACT | JSON_SORT_KEYS);
    return json_string(text ? text : "");
}

/* As shown(), of an image: the tag of "vault-secret:1.2" is none. */
static json_t *shown_image(const json_t *image)
{
    const char *text = json_string_value(image);
    char *redacted CLEANUP_FREE = text ? redact_url(text, strlen(text)) : NULL;
    return redacted ? json_string(redacted) : NULL;
}

struct change {
    const char *what;
    const json_t *from;
    const json_t *to;
};

static void add_secret(json_t *details, const char *what, const char *change)
{
    json_array_append_new(details, json_pack("{s:s,s:s,s:b}", "what", what, "change", change, "secret", 1));
}

static void add_as(json_t *details, const struct change *change, json_t *(*as_shown)(const json_t *value))
{
    if (change->from == change->to || json_equal(change->from, change->to))
        return;
    json_t *from CLEANUP(json_decrefp) = as_shown(change->from);
    json_t *to CLEANUP(json_decrefp) = as_shown(change->to);
    if (from && to && json_equal(from, to))
        add_secret(details, change->what, "changed");
    else
        json_array_append_new(details,
                              json_pack("{s:s,s:O*,s:O*}", "what", change->what, "from", from, "to", to));
}

static void add(json_t *details, const struct change *change)
{
    add_as(details, change, shown);
}

static void add_number(json_t *details, const char *what, int from, int to)
{
    if (from != to)
        json_array_append_new(details, json_pack("{s:s,s:i,s:i}", "what", what, "from", from, "to", to));
}

/* The member of a list of {"name": ...}, or NULL. */
static const json_t *named(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        if (text_equal(model_string(item, "name"), name))
            return item;
    }
    return NULL;
}

/* Lists of variables: names, never values. */
static void compare_variables(json_t *details, const struct change *lists)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)lists->to, i, item) {
        const char *name = model_string(item, "name");
        const json_t *before = named(lists->from, name);
        char *what CLEANUP_FREE = memory_printf("%s %s", lists->what, name ? name : "?");
        if (!before || !json_equal(before, item))
            add_secret(details, what, before ? "changed" : "added");
    }
    json_array_foreach ((json_t *)lists->from, i, item) {
        const char *name = model_string(item, "name");
        char *what CLEANUP_FREE = memory_printf("%s %s", lists->what, name ? name : "?");
        if (!named(lists->to, name))
            add_secret(details, what, "removed");
    }
}

static void add_change(json_t *details, const char *what, const char *change)
{
    json_array_append_new(details, json_pack("{s:s,s:s}", "what", what, "change", change));
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* A list of files in a container definition or in its `davit`. What is in a file is known by its blob. */
struct file_list {
    const char *member;
    const char *what; /* is one of its entries */
    const char *path; /* member of an entry */
    const char *target;
    bool only_content; /* which files there are is told of another list */
};

static const struct file_list config_files = {"files", "file", "source", "target", false};
static const struct file_list environment_files = {"environmentFiles", "environment file", "value", NULL,
                                                   false};
static const struct file_list environment_contents = {"environmentFiles", "environment file", "value", NULL,
                                                      true};

static const json_t *entry_of(const json_t *list, const struct file_list *kind, const json_t *entry,
                              bool same_target)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item) {
        if (!text_equal(model_string(item, kind->path), model_string(entry, kind->path)))
            continue;
        if (!same_target || !kind->target ||
            text_equal(model_string(item, kind->target), model_string(entry, kind->target)))
            return item;
    }
    return NULL;
}

/* The entry for the same file, which may have gone to another target, or NULL. */
static const json_t *counterpart(const json_t *list, const json_t *other, const struct file_list *kind,
                                 const json_t *entry)
{
    const json_t *same = entry_of(list, kind, entry, true);
    if (same)
        return same;
    const json_t *moved = entry_of(list, kind, entry, false);
    return moved && !entry_of(other, kind, moved, true) ? moved : NULL;
}

static void compare_file(json_t *details, const struct file_list *kind, const struct change *file)
{
    const char *key;
    json_t *value;
    if (!text_equal(model_string(file->from, "blob"), model_string(file->to, "blob")))
        add_change(details, file->what, "changed");
    json_object_foreach ((json_t *)file->to, key, value) {
        if (text_equal(key, "blob") || text_equal(key, "size") || text_equal(key, kind->path))
            continue;
        char *what CLEANUP_FREE = memory_printf("%s %s", file->what, key);
        add(details, &(struct change){what, json_object_get(file->from, key), value});
    }
}

static char *name_of_file(const char *before, const struct file_list *kind, const json_t *entry)
{
    const char *path = model_string(entry, kind->path);
    return memory_printf("%s%s%s %s", before, before[0] ? " " : "", kind->what, path ? path : "?");
}

/* Paths, never blob ids. lists->what: what stands before them. */
static void compare_files(json_t *details, const struct change *lists, const struct file_list *kind)
{
    size_t i;
    json_t *item;
    size_t before = json_array_size(details);
    json_array_foreach ((json_t *)lists->to, i, item) {
        char *what CLEANUP_FREE = name_of_file(lists->what, kind, item);
        const json_t *from = counterpart(lists->from, lists->to, kind, item);
        if (from)
            compare_file(details, kind, &(struct change){what, from, item});
        else if (!kind->only_content)
            add_change(details, what, "added");
    }
    json_array_foreach ((json_t *)lists->from, i, item) {
        char *what CLEANUP_FREE = name_of_file(lists->what, kind, item);
        if (!kind->only_content && !counterpart(lists->to, lists->from, kind, item))
            add_change(details, what, "removed");
    }
    bool told = kind->only_content || json_array_size(details) > before;
    if (told || !json_array_size(lists->to) || json_equal(lists->from, lists->to))
        return;
    char *what CLEANUP_FREE = memory_printf("%s%s%s", lists->what, lists->what[0] ? " " : "", kind->member);
    add_change(details, what, "reordered");
}

/* --- objects -------------------------------------------------------------------------------------------- */

/* What davit adds to a container: files whose paths have been resolved. `before` stands before every name. */
static void compare_davit(json_t *details, const char *before, const json_t *from, const json_t *to)
{
    const struct file_list *kinds[] = {&config_files, &environment_contents};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct change lists = {before, json_object_get(from, kinds[i]->member),
                                     json_object_get(to, kinds[i]->member)};
        compare_files(details, &lists, kinds[i]);
    }
}

static bool is_secret(const char *member)
{
    return text_equal(member, "environment") || text_equal(member, "secrets");
}

/* before: what stands before the member's name; "" of a task definition. */
static void compare_member(json_t *details, const char *before, const char *key, const struct change *values)
{
    char *what CLEANUP_FREE = memory_printf("%s%s%s", before, before[0] ? " " : "", key);
    const struct change named_values = {what, values->from, values->to};
    if (is_secret(key))
        compare_variables(details, &named_values);
    else if (before[0] && text_equal(key, "davit"))
        compare_davit(details, before, values->from, values->to);
    else if (text_equal(key, environment_files.member))
        compare_files(details, &(struct change){before, values->from, values->to}, &environment_files);
    else if (before[0] && text_equal(key, "image"))
        add_as(details, &named_values, shown_image);
    else
        add(details, &named_values);
}

/* Every member that either object has, those of `to` first, but for `without`. */
static void compare_objects(json_t *details, const struct change *objects, const char *without)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)objects->to, key, value) {
        if (text_equal(key, without))
            continue;
        compare_member(details, objects->what, key,
                       &(struct change){NULL, json_object_get(objects->from, key), value});
    }
    json_object_foreach ((json_t *)objects->from, key, value) {
        if (text_equal(key, without) || json_object_get(objects->to, key))
            continue;
        compare_member(details, objects->what, key, &(struct change){NULL, value, NULL});
    }
}

static void note(json_t *details, const char *noun, const char *name, const char *change)
{
    char *what CLEANUP_FREE = memory_printf("%s \"%s\"", noun, name ? name : "?");
    add_change(details, what, change);
}

/* Lists of objects that have names. */
static void compare_named(json_t *details, const char *noun, const json_t *from, const json_t *to)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)to, i, item) {
        const char *name = model_string(item, "name");
        const json_t *before = named(from, name);
        char *what CLEANUP_FREE = memory_printf("%s \"%s\"", noun, name ? name : "?");
        if (before)
            compare_objects(details, &(struct change){what, before, item}, "name");
        else
            note(details, noun, name, "added");
    }
    json_array_foreach ((json_t *)from, i, item) {
        const char *name = model_string(item, "name");
        if (!named(to, name))
            note(details, noun, name, "removed");
    }
}

static void compare_definitions(json_t *details, const struct diff_side *from, const struct diff_side *to)
{
    if (!from->task_definition || !to->task_definition) {
        char *before CLEANUP_FREE = memory_printf("%s:%d", from->family ? from->family : "?", from->revision);
        char *after CLEANUP_FREE = memory_printf("%s:%d", to->family ? to->family : "?", to->revision);
        json_array_append_new(
            details, json_pack("{s:s,s:s,s:s}", "what", "taskDefinition", "from", before, "to", after));
        return;
    }
    static const char containers[] = "containerDefinitions";
    compare_named(details, "container", json_object_get(from->task_definition, containers),
                  json_object_get(to->task_definition, containers));
    compare_objects(details, &(struct change){"", from->task_definition, to->task_definition}, containers);
}

struct diff_side diff_side_of(const struct service *service)
{
    assert(service);
    const struct task_definition *definition = service->task_definition;
    return (struct diff_side){.digest = service->digest,
                              .desired_count = service->desired_count,
                              .count_absent = service->count_absent,
                              .minimum_healthy_percent = service->minimum_healthy_percent,
                              .maximum_percent = service->maximum_percent,
                              .family = definition ? definition->family : NULL,
                              .revision = definition ? definition->revision : 0,
                              .task_definition = definition ? definition->json : NULL,
                              .service = service->json};
}

/* What applies to a service at once, without a deployment. */
static void compare_services(json_t *details, const struct diff_side *from, const struct diff_side *to)
{
    static const char *const members[] = {"schedulingStrategy", "placementConstraints", "placementStrategy"};
    static const char breaker[] = "deploymentCircuitBreaker";
    const json_t *configurations[] = {json_object_get(from->service, "deploymentConfiguration"),
                                      json_object_get(to->service, "deploymentConfiguration")};
    const struct change davit = {"davit", json_object_get(from->service, "davit"),
                                 json_object_get(to->service, "davit")};
    const struct change breakers = {breaker, json_object_get(configurations[0], breaker),
                                    json_object_get(configurations[1], breaker)};
    bool daemon = text_equal(model_string(to->service, "schedulingStrategy"), "DAEMON");
    if (from->count_absent != to->count_absent && !daemon)
        add_change(details, "desiredCount",
                   to->count_absent ? "is absent: the count stays as it is" : "is git's again");
    compare_objects(details, &davit, NULL);
    compare_objects(details, &breakers, NULL);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        add(details, &(struct change){members[i], json_object_get(from->service, members[i]),
                                      json_object_get(to->service, members[i])});
}

json_t *diff_cluster(const char *cluster, const json_t *from, const json_t *to)
{
    assert(cluster);
    static const char instances[] = "containerInstances";
    const struct change davit = {"davit", json_object_get(from, "davit"), json_object_get(to, "davit")};
    json_t *details = json_array();
    compare_named(details, "container instance", json_object_get(davit.from, instances),
                  json_object_get(davit.to, instances));
    compare_objects(details, &davit, instances);
    if (json_array_size(details))
        return json_pack("{s:s,s:s,s:o}", "cluster", cluster, "change", "update", "details", details);
    json_decref(details);
    return NULL;
}

/* Of what a schedule or a rule starts; either may be NULL. */
static void compare_target(json_t *details, const struct change *targets)
{
    const char *const members[] = {"Arn", "RoleArn", "DeadLetterConfig", "RetryPolicy"};
    static const char parameters[] = "EcsParameters";
    static const char input[] = "Input";
    if (targets->from == targets->to || json_equal(targets->from, targets->to))
        return;
    if (!targets->from || !targets->to) {
        add_change(details, targets->what, targets->from ? "removed" : "added");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        char *what CLEANUP_FREE = memory_printf("%s %s", targets->what, members[i]);
        add(details, &(struct change){what, json_object_get(targets->from, members[i]),
                                      json_object_get(targets->to, members[i])});
    }
    compare_objects(details,
                    &(struct change){targets->what, json_object_get(targets->from, parameters),
                                     json_object_get(targets->to, parameters)},
                    NULL);
    if (!text_equal(model_string(targets->from, input), model_string(targets->to, input))) {
        char *what CLEANUP_FREE = memory_printf("%s Input", targets->what);
        add_change(details, what, "changed");
    }
}

static const json_t *with_id(const json_t *targets, const char *id)
{
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)targets, i, item) {
        if (text_equal(model_string(item, "Id"), id))
            return item;
    }
    return NULL;
}

static void compare_target_lists(json_t *details, const json_t *from, const json_t *to)
{
    for (int side = 0; side < 2; side++) {
        size_t i;
        json_t *item;
        json_array_foreach ((json_t *)(side ? from : to), i, item) {
            const char *id = model_string(item, "Id");
            const json_t *other = with_id(side ? to : from, id);
            char *what CLEANUP_FREE = memory_printf("Target \"%s\"", id ? id : "?");
            if (!side || !other)
                compare_target(details, &(struct change){what, side ? item : other, side ? NULL : item});
        }
    }
}

json_t *diff_scheduled_task(const char *name, const json_t *from, const json_t *to)
{
    assert(name);
    assert(from || to);
    static const char *const members[] = {"ScheduleExpression", "ScheduleExpressionTimezone", "State",
                                          "StartDate", "EndDate"};
    const struct change davit = {"davit", json_object_get(from, "davit"), json_object_get(to, "davit")};
    json_t *details = json_array();
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        add(details,
            &(struct change){members[i], json_object_get(from, members[i]), json_object_get(to, members[i])});
    compare_objects(details, &davit, NULL);
    compare_target(
        details, &(struct change){"Target", json_object_get(from, "Target"), json_object_get(to, "Target")});
    compare_target_lists(details, json_object_get(from, "Targets"), json_object_get(to, "Targets"));
    if (from && to && json_array_size(details) == 0) {
        json_decref(details);
        return NULL;
    }
    const char *change = !from ? "create" : !to ? "remove" : "update";
    return json_pack("{s:s,s:s,s:o}", "scheduledTask", name, "change", change, "details", details);
}

void diff_scheduled_definition(json_t **difference, const char *name, const struct diff_side *from,
                               const struct diff_side *to)
{
    assert(difference);
    assert(name && from && to);
    if (digest_equal(&from->digest, &to->digest))
        return;
    if (!*difference)
        *difference = json_pack("{s:s,s:s,s:[]}", "scheduledTask", name, "change", "update", "details");
    compare_definitions(json_object_get(*difference, "details"), from, to);
}

void diff_add_rollout(json_t **difference, const char *cluster, const char *service,
                      const struct diff_rollout *rollout)
{
    assert(difference && rollout);
    assert(cluster && service);
    if (!*difference)
        *difference = json_pack("{s:s,s:s,s:s,s:[]}", "cluster", cluster, "service", service, "change",
                                "rollout", "details");
    json_object_set_new(*difference, "rollout",
                        json_pack("{s:s,s:s,s:i,s:i}", "deployment", rollout->deployment, "state",
                                  rollout->failed ? "FAILED" : "IN_PROGRESS", "newTasks", rollout->new_tasks,
                                  "wantedTasks", rollout->wanted_tasks));
}

void diff_add_rename(json_t **difference, const struct service_rename *rename)
{
    assert(difference);
    assert(rename);
    if (!*difference)
        *difference = json_pack("{s:s,s:s,s:s,s:[]}", "cluster", rename->cluster, "service", rename->to,
                                "change", "rename", "details");
    json_object_set_new(*difference, "renamedFrom", json_string(rename->from));
}

/* --- what comes before it ------------------------------------------------------------------------------- */

/* W2: what is no deployment waits for no window. */
static bool waits_for_windows(const json_t *difference)
{
    static const char *const at_once[] = {"davit changeWindows", "davit suspend"};
    const json_t *details = json_object_get(difference, "details");
    size_t without = 0;
    size_t i;
    json_t *detail;
    json_array_foreach ((json_t *)details, i, detail)
        for (size_t j = 0; j < ARRAY_LEN(at_once); j++)
            without += text_equal(model_string(detail, "what"), at_once[j]);
    const char *change = model_string(difference, "change");
    return without < json_array_size(details) ||
           !(text_equal(change, "update") || text_equal(change, "rename"));
}

void diff_add_wait(json_t *difference, const char *waits, int64_t opens_s)
{
    assert(waits);
    if (!difference)
        return;
    json_object_set_new(difference, "waits", json_string(waits));
    if (opens_s)
        json_object_set_new(difference, "opensAt", json_integer(opens_s));
}

void diff_add_hold(json_t *difference, int64_t since_ms)
{
    char since[TEXT_TIME_SIZE];
    if (!difference)
        return;
    text_from_time_ms(since_ms, since);
    char *held CLEANUP_FREE = memory_printf(
        "by davit rollback --hold since %.19sZ; not applied until the content changes, or by davit retry "
        "%s/%s",
        since, model_string(difference, "cluster"), model_string(difference, "service"));
    json_object_set_new(difference, "held", json_string(held));
    json_object_set_new(difference, "heldSince", json_integer(since_ms / 1000));
}

void diff_add_window(json_t *difference, const struct change_gate *gate, int64_t now_s)
{
    assert(gate);
    int64_t opens_s = 0;
    if (!difference || change_gate_is_open(gate, now_s) || !waits_for_windows(difference))
        return;
    bool found = change_gate_next(gate, now_s, &opens_s);
    char *at CLEANUP_FREE = found ? change_gate_time(gate, opens_s) : NULL;
    char *waits CLEANUP_FREE =
        found ? memory_printf("for its change window, which opens at %s", at)
              : memory_strdup("for its change window, which does not open as far as can be seen");
    diff_add_wait(difference, waits, found ? opens_s : 0);
}

/* A deployment of the same tasks: only what runs before them is another. */
static void tell_pre_deploy(json_t *details, const struct diff_side *to)
{
    const json_t *davit = json_object_get(to->service, "davit");
    if (json_array_size(details) == 0 && json_array_size(json_object_get(davit, "preDeploy")))
        add_change(details, "davit.preDeploy", "changed: its tasks run, none of the service is replaced");
}

json_t *diff_service(const char *cluster, const char *service, const struct diff_side *from,
                     const struct diff_side *to)
{
    assert(cluster && service);
    if (!from && !to)
        return NULL;
    json_t *details = json_array();
    bool deploy = from && to && !digest_equal(&from->digest, &to->digest);
    if (deploy) {
        compare_definitions(details, from, to);
        tell_pre_deploy(details, to);
    }
    if (!from || (to && !to->count_absent && from->desired_count != to->desired_count))
        add_number(details, "desiredCount", from ? from->desired_count : 0, to->desired_count);
    if (from && to && from->minimum_healthy_percent && to->minimum_healthy_percent)
        add_number(details, "minimumHealthyPercent", from->minimum_healthy_percent,
                   to->minimum_healthy_percent);
    if (from && to && from->maximum_percent && to->maximum_percent)
        add_number(details, "maximumPercent", from->maximum_percent, to->maximum_percent);
    if (from && to && from->service && to->service)
        compare_services(details, from, to);
    if (from && to && !deploy && !json_array_size(details)) {
        json_decref(details);
        return NULL;
    }
    const char *prune = from ? model_string(json_object_get(from->service, "davit"), "prune") : NULL;
    const char *gone = text_equal(prune, "disabled") ? "leave" : "remove";
    const char *change = !from ? "create" : !to ? gone : deploy ? "deploy" : "update";
    json_t *difference = json_pack("{s:s,s:s,s:s,s:o}", "cluster", cluster, "service", service, "change",
                                   change, "details", details);
    json_t *first = to ? json_object_get(json_object_get(to->service, "davit"), "preDeploy") : NULL;
    if ((!from || deploy) && json_array_size(first))
        json_object_set(difference, "preDeploy", first);
    return difference;
}
