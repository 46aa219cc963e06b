/* (p) davit.preDeploy: each task of it is started once for a deployment, after the ones before it succeeded,
 * not again for a content once it has, and nothing of the service before all of them have.
 */
#include "base/text.h"
#include "manifests.h"
#include "model/json.h"
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP        "pre-deploy:"
#define AWAY_LONG_MS 600000
#define JOB_CPU      16

/* A task of it that the ledger has had. */
struct step_run {
    char service[8];
    char key[DIGEST_HEX_SIZE + 16]; /* "s0 DIGEST 1": the content's second step */
    bool is_to_stop;
    bool stopped;
    bool orphan; /* its service was forgotten: what it does counts for nobody */
};

static const char *service_of(const char *group)
{
    return group && text_starts_with(group, GROUP) ? group + strlen(GROUP) : NULL;
}

static void key_of(const char *service, const struct digest *digest, int step,
                   char ret_key[DIGEST_HEX_SIZE + 16])
{
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(digest, hex);
    snprintf(ret_key, DIGEST_HEX_SIZE + 16, "%s %s %d", service, hex, step);
}

/* --- the ledger */

static void forget_keys(struct map *keys, const char *service)
{
    struct string_vec gone = {0};
    map_for_each (keys, entry) {
        if (strncmp(entry->key, service, strlen(service)) == 0)
            vector_push(&gone, memory_strdup(entry->key));
    }
    for (size_t i = 0; i < gone.len; i++)
        map_remove(keys, gone.items[i]);
    string_vec_deinit(&gone);
}

static void forget_service(struct world *world, const char *service)
{
    pre_look(world);
    forget_keys(&world->checker.steps_succeeded, service);
    forget_keys(&world->checker.steps_exited, service);
    map_for_each (&world->checker.step_runs, entry) {
        struct step_run *run = entry->value;
        run->orphan |= text_equal(run->service, service);
    }
}

/* Of which content it is: the deployment that started it was saved before. */
static struct step_run *new_run(struct world *world, const json_t *task, const char *service)
{
    const char *token = model_string(task, "clientToken");
    const char *slash = token ? strrchr(token, '/') : NULL;
    char *name CLEANUP_FREE = service_key("c", service);
    const json_t *entry = disk_entry(&world->disk, LEDGER_SERVICE, name);
    struct service_ledger *ledger CLEANUP(service_ledger_freep) = NULL;
    if (!slash || !entry || service_ledger_from_json(entry, &ledger, NULL) < 0)
        return NULL;
    for (size_t i = 0; i < ledger->deployments.len; i++) {
        const struct deployment *deployment = &ledger->deployments.items[i];
        int step = atoi(slash + 1);
        if (!text_equal(deployment->id, model_string(task, "startedBy")))
            continue;
        struct step_run *run = NEW(struct step_run);
        snprintf(run->service, sizeof run->service, "%s", service);
        key_of(service, &deployment->digest, step, run->key);
        if (service_ledger_prepared(ledger, &deployment->digest) != step)
            world_fail(world, "(p) %s: step %d is started, and %d have succeeded", service, step,
                       service_ledger_prepared(ledger, &deployment->digest));
        if (map_get(&world->checker.steps_succeeded, run->key))
            world_fail(world, "(p) %s: step %d succeeded for this content, and is started again", service,
                       step);
        return run;
    }
    return NULL;
}

static void note_run(struct world *world, const char *id, const json_t *task)
{
    struct checker *checker = &world->checker;
    const char *service = service_of(model_string(task, "group"));
    const char *token = model_string(task, "clientToken");
    struct step_run *run = map_get(&checker->step_runs, id);
    if (!run) {
        run = new_run(world, task, service);
        if (!run) {
            world_fail(world, "(p) %s: a task for a deployment that was not saved", service);
            return;
        }
        checker->step_runs.free_value = free;
        map_put(&checker->step_runs, id, run);
        if (map_get(&checker->step_tokens, token))
            world_fail(world, "(p) %s: %s is started twice", service, token);
        map_put(&checker->step_tokens, token, (void *)1);
    }
    run->is_to_stop |= model_string(task, "stopCode") != NULL;
    struct run *read CLEANUP(run_freep) = NULL;
    bool stopped = run_from_json(task, &read) == 0 && read->stopped_ms;
    run->stopped |= stopped;
    if (stopped && run_succeeded(read) && !run->orphan)
        map_put(&checker->steps_succeeded, run->key, (void *)1);
}

void pre_check_saved(struct world *world, const struct ledger_change *change)
{
    if (change->kind == LEDGER_SERVICE && !change->entry)
        forget_service(world, strchr(change->name, '/') + 1);
    if (change->kind == LEDGER_TASK && change->entry && service_of(model_string(change->entry, "group")))
        note_run(world, strchr(change->name, '/') + 1, change->entry);
}

/* --- engine truth */

/* One at a time, but for one that somebody stopped while its host was away. */
static void check_alone(struct world *world, const char *id, const struct step_run *run)
{
    for (int h = 0; h < world->hosts_len; h++) {
        const struct sim *sim = world->hosts[h].sim;
        for (size_t c = 0; c < sim_containers_len(sim); c++) {
            const struct container *other = sim_container_at(sim, c);
            const struct step_run *older = map_get(&world->checker.step_runs, other->labels.task);
            int64_t away_ms = world->checker.away_ms[h];
            bool given_up = older && older->is_to_stop && away_ms && world->now_ms - away_ms < AWAY_LONG_MS;
            if (older && !given_up && other->status == CONTAINER_RUNNING &&
                text_equal(older->service, run->service) && !text_equal(other->labels.task, id))
                world_fail(world, "(p) %s: a task of davit.preDeploy starts beside another one on %s",
                           run->service, world->hosts[h].name);
        }
    }
}

void pre_look(struct world *world)
{
    struct checker *checker = &world->checker;
    for (int h = 0; h < world->hosts_len; h++) {
        size_t len;
        const struct sim_log_entry *log = sim_log(world->hosts[h].sim, &len);
        if (world->hosts[h].up_ms || world->hosts[h].silent_ms || checker->lost_ms[h])
            checker->away_ms[h] = world->now_ms;
        for (; checker->pre_seen[h] < len; checker->pre_seen[h]++) {
            const struct sim_log_entry *entry = &log[checker->pre_seen[h]];
            const struct step_run *run = map_get(&checker->step_runs, entry->task);
            if (run && !run->orphan && entry->kind == SIM_LOG_EXIT && entry->exit_code == 0)
                map_put(&checker->steps_exited, run->key, (void *)1);
            /* What has ended starts again by a request of an earlier davit that comes late: nobody decided
             * it, (i), and T10 has the outcome. */
            if (run && !run->stopped && entry->kind == SIM_LOG_START)
                check_alone(world, entry->task, run);
        }
    }
}

/* --- decisions */

void pre_check_launch(struct world *world, const struct view_service *view)
{
    if (!view->desired || view->aim != view->desired)
        return; /* what served before asks nobody */
    pre_look(world);
    for (size_t i = 0; i < view->desired->pre_deploy.len; i++) {
        char key[DIGEST_HEX_SIZE + 16];
        key_of(view->name, &view->desired->digest, (int)i, key);
        if (!map_get(&world->checker.steps_exited, key))
            world_fail(world, "(p) %s: launched before %s of davit.preDeploy succeeded", view->name,
                       view->desired->pre_deploy.items[i]);
    }
}

static void check_begun(struct world *world, const struct view_service *view, const struct run *run)
{
    const char *slash = run->client_token ? strrchr(run->client_token, '/') : NULL;
    size_t step = slash ? (size_t)atoi(slash + 1) : 0;
    char *revision CLEANUP_FREE = memory_printf("%s:%d", run->family, run->revision);
    if (check_is_suspended(world, view->name))
        world_fail(world, "(p) %s is suspended, and davit.preDeploy begins", view->name);
    if (!view->desired || step >= view->desired->pre_deploy.len ||
        !text_equal(view->desired->pre_deploy.items[step], revision))
        world_fail(world, "(p) %s: %s is started as step %zu of davit.preDeploy, which it is not", view->name,
                   revision, step);
}

bool pre_begins(struct world *world, const struct view_service *view)
{
    struct view_run_vec runs;
    bool any = false;
    core_view_runs(world->davit.core, &runs);
    for (size_t i = 0; i < runs.len; i++) {
        const struct run *run = runs.items[i].run;
        if (!text_equal(service_of(run->group), view->name) || map_get(&world->checker.step_begun, run->id))
            continue;
        map_put(&world->checker.step_begun, run->id, (void *)1);
        if (run->created_ms != world->now_ms)
            continue; /* of an earlier life */
        check_begun(world, view, run);
        any = true;
    }
    vector_deinit(&runs);
    return any;
}

/* --- the end */

bool pre_waits_rightly(const struct world *world, const struct view_service *view)
{
    bool room = false;
    if (!view->desired || !view->waiting || !strstr(view->waiting, "of davit.preDeploy"))
        return false;
    for (int h = 0; h < world->hosts_len; h++) {
        const struct sim *sim = world->hosts[h].sim;
        room |= check_room_for_run(world, h, JOB_CPU);
        for (size_t c = 0; c < sim_containers_len(sim); c++) {
            const struct container *container = sim_container_at(sim, c);
            if (text_equal(service_of(container->labels.group), view->name) &&
                container->status == CONTAINER_RUNNING && text_equal(container->image, JOB_HANGS))
                return true;
        }
    }
    return (strstr(view->waiting, "finds no place") || strstr(view->waiting, "No Container Instances")) &&
           !room;
}

bool pre_is_kept(const struct world *world, const struct run *run)
{
    const char *service = service_of(run->group);
    struct view_service view;
    bool is_left = service && core_view_service(world->davit.core, "c", service, &view) && view.left;
    return service && (is_left || check_is_suspended(world, service)) && !run_succeeded(run);
}

void pre_deinit(struct checker *checker)
{
    map_deinit(&checker->step_runs);
    map_deinit(&checker->step_tokens);
    map_deinit(&checker->step_begun);
    map_deinit(&checker->steps_succeeded);
    map_deinit(&checker->steps_exited);
}
