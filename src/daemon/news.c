#include "daemon/news.h"

#include "api/api.h"
#include "base/text.h"
#include "core/steady.h"
#include "report/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT "davit"

/* Of the receiver's source; without a name of the only one. */
static bool concerns(const struct news *news, const struct view_service *view)
{
    return !news->target->source || text_equal(news->target->source, view->source);
}

static struct report_place place_of(const char *cluster, const char *service)
{
    return (struct report_place){API_REGION, API_ACCOUNT, cluster, service};
}

/* --- commit statuses ------------------------------------------------------------------------------------ */

struct verdict {
    const struct commit *commit;
    const char *cluster; /* NULL: none is known */
    const char *service; /* NULL: the cluster */
    const char *state;
    const char *text;
    bool is_refusal; /* told again for another text */
};

/* What every context of the receiver begins with. Caller frees. */
static char *prefix_of(const struct news *news)
{
    return news->target->shared ? memory_printf(CONTEXT "/%s", news->target->source) : memory_strdup(CONTEXT);
}

static void view_source(const struct news *news, struct view_source *ret_view)
{
    size_t i = 0;
    core_view_source_at(news->core, i, ret_view);
    while (news->target->source && !text_equal(ret_view->name, news->target->source) &&
           ++i < core_sources_len(news->core))
        core_view_source_at(news->core, i, ret_view);
}

/* A line in a channel, which shows nothing else of the commit: whose it is, and of which repository. Caller
 * frees. */
static char *line_of(const struct news *news, const struct verdict *verdict)
{
    const struct commit *commit = verdict->commit;
    struct view_source source;
    view_source(news, &source);
    if (!commit->subject) /* of one that was superseded the id alone is known */
        return memory_strdup(verdict->text);
    return memory_printf("%s (\"%s\" by %s, %s)", verdict->text, commit->subject,
                         commit->author ? commit->author : "unknown",
                         source.origin ? source.origin : source.name);
}

static void tell_context(const struct news *news, const char *context, const struct verdict *verdict)
{
    const struct report_message look = {.is_status = true,
                                        .context = (char *)(uintptr_t)context,
                                        .subject = (char *)(uintptr_t)verdict->commit->oid,
                                        .state = (char *)(uintptr_t)verdict->state,
                                        .reason =
                                            verdict->is_refusal ? (char *)(uintptr_t)verdict->text : NULL};
    if (report_queue_knows(news->queue, &look))
        return;
    struct report_place place = place_of(verdict->cluster, verdict->service);
    const struct report_commit event = {.source = news->target->source,
                                        .commit = verdict->commit,
                                        .context = context,
                                        .state = verdict->state,
                                        .text = verdict->text,
                                        .at_ms = news->now_ms};
    struct report_message *message = NEW(struct report_message);
    *message = (struct report_message){
        .is_status = true,
        .context = memory_strdup(context),
        .subject = memory_strdup(look.subject),
        .state = memory_strdup(look.state),
        .reason = memory_strdup(look.reason),
        .text = news->target->kind == REPORT_SLACK ? line_of(news, verdict) : memory_strdup(verdict->text),
        .at_ms = news->now_ms,
        .event = news->target->kind == REPORT_WEBHOOK ? report_event_commit(&place, &event) : NULL};
    report_queue_push(news->queue, message, news->now_ms);
}

/* Caller frees. */
static char *context_of(const struct news *news, const char *cluster, const char *service)
{
    char *prefix CLEANUP_FREE = prefix_of(news);
    return memory_printf("%s%s%s%s%s", prefix, cluster ? "/" : "", cluster ? cluster : "", service ? "/" : "",
                         service ? service : "");
}

static void tell_status(const struct news *news, const struct verdict *verdict)
{
    char *context CLEANUP_FREE = context_of(news, verdict->cluster, verdict->service);
    tell_context(news, context, verdict);
}

/* The deployment that failed with what the repository asks for; NULL: it is too long ago. */
static const struct deployment *failed_of(const struct view_service *view)
{
    for (size_t i = 0; i < view->ledger->deployments.len; i++) {
        const struct deployment *deployment = &view->ledger->deployments.items[i];
        if (deployment->state == DEPLOYMENT_FAILED &&
            digest_equal(&deployment->digest, &view->desired->digest))
            return deployment;
    }
    return NULL;
}

/* Of one that is desired, or not deployed: why, or what is being waited for. Caller frees. */
static char *sentence_of(const struct view_service *view, enum deployment_state rollout)
{
    if (rollout == DEPLOYMENT_FAILED) {
        const struct deployment *failed = failed_of(view);
        return memory_printf("%s%s", view->aim != view->desired ? "rolled back: " : "",
                             failed && failed->reason ? failed->reason : "its deployment failed before");
    }
    if (rollout == DEPLOYMENT_COMPLETED) {
        const struct deployment *primary = service_ledger_primary(view->ledger);
        return memory_printf("%s:%d is deployed", primary->family, primary->revision);
    }
    return memory_strdup(view->waiting ? view->waiting : view_service_state(view));
}

static const char *state_of(enum deployment_state rollout)
{
    return rollout == DEPLOYMENT_FAILED      ? REPORT_FAILURE
           : rollout == DEPLOYMENT_COMPLETED ? REPORT_SUCCESS
                                             : REPORT_PENDING;
}

struct sum {
    const char *cluster;
    int services;
    int done;
    int failed;
    char *failure; /* of the first */
    char *pending; /* likewise */
};
struct sum_vec VECTOR_OF(struct sum);

static void sums_deinit(struct sum_vec *sums)
{
    for (size_t i = 0; i < sums->len; i++) {
        free(sums->items[i].failure);
        free(sums->items[i].pending);
    }
    vector_deinit(sums);
}

/* Services come sorted by cluster: it is mostly the one before. */
static struct sum *sum_of(struct sum_vec *sums, const char *cluster)
{
    for (size_t i = sums->len; i > 0; i--)
        if (text_equal(sums->items[i - 1].cluster, cluster))
            return &sums->items[i - 1];
    vector_push(sums, (struct sum){.cluster = cluster});
    return &sums->items[sums->len - 1];
}

static void add(struct sum *sum, const struct view_service *view, enum deployment_state rollout)
{
    char **first = rollout == DEPLOYMENT_FAILED ? &sum->failure : &sum->pending;
    sum->services++;
    sum->done += rollout == DEPLOYMENT_COMPLETED;
    sum->failed += rollout == DEPLOYMENT_FAILED;
    if (rollout == DEPLOYMENT_COMPLETED || *first)
        return;
    char *sentence CLEANUP_FREE = sentence_of(view, rollout);
    *first = memory_printf("%s: %s", view->name, sentence);
}

static void tell_sum(const struct news *news, const struct commit *commit, const struct sum *sum)
{
    char *text CLEANUP_FREE = NULL;
    const char *plural = text_plural(sum->services);
    enum deployment_state rollout = sum->failed                 ? DEPLOYMENT_FAILED
                                    : sum->done < sum->services ? DEPLOYMENT_IN_PROGRESS
                                                                : DEPLOYMENT_COMPLETED;
    if (sum->failed > 1)
        text =
            memory_printf("%d of %d services failed, the first %s", sum->failed, sum->services, sum->failure);
    else if (sum->failed)
        text = memory_strdup(sum->failure);
    else if (sum->pending)
        text =
            memory_printf("%d of %d service%s deployed; %s", sum->done, sum->services, plural, sum->pending);
    else
        text = memory_printf("%d service%s deployed", sum->services, plural);
    tell_status(news, &(struct verdict){commit, sum->cluster, NULL, state_of(rollout), text, false});
}

/* N3 to N5; ret_sums has all clusters that are known. */
static void tell_wanted(const struct news *news, const struct commit *wanted, struct sum_vec *ret_sums)
{
    const char *source = news->target->source;
    const struct desired *desired =
        source ? core_source_desired(news->core, source) : core_desired(news->core);
    struct view_service view;
    for (size_t i = 0; desired && i < desired->clusters.len; i++)
        sum_of(ret_sums, desired->clusters.items[i]->name);
    for (size_t i = 0; core_view_service_at(news->core, i, &view); i++) {
        if (!concerns(news, &view))
            continue;
        enum deployment_state rollout = view_service_rollout(&view);
        struct sum *sum = sum_of(ret_sums, view.cluster);
        add(sum, &view, rollout);
        if (!news->target->per_service || !wanted || !view.desired)
            continue;
        char *sentence CLEANUP_FREE = sentence_of(&view, rollout);
        tell_status(news,
                    &(struct verdict){wanted, view.cluster, view.name, state_of(rollout), sentence, false});
    }
    for (size_t i = 0; wanted && !news->target->per_service && i < ret_sums->len; i++)
        tell_sum(news, wanted, &ret_sums->items[i]);
}

/* Caller frees; NULL: it is not decided. */
static char *judge_head(const struct view_source *source, const char **ret_state)
{
    *ret_state = source->held ? REPORT_PENDING : REPORT_FAILURE;
    if (source->held)
        return memory_printf("held: it %s; davit approve %.12s", source->held, source->head->oid);
    for (size_t i = 0; i < source->diagnostics->list.len; i++) {
        if (source->diagnostics->list.items[i].severity != SEVERITY_ERROR)
            continue;
        char *first CLEANUP_FREE = diagnostic_to_text(&source->diagnostics->list.items[i]);
        return memory_printf("refused: %s", first);
    }
    return NULL;
}

/* Of a commit as a whole: in each cluster, or in none where none is known. */
static void tell_whole(const struct news *news, struct verdict verdict, const struct sum_vec *sums)
{
    for (size_t i = 0; i < sums->len; i++) {
        verdict.cluster = sums->items[i].cluster;
        tell_status(news, &verdict);
    }
    if (!sums->len)
        tell_status(news, &verdict);
}

static bool is_wanted(const struct view_source *source, const struct commit *commit)
{
    return source->wanted && text_equal(source->wanted->oid, commit->oid);
}

/* N1, N2 */
static void tell_head(const struct news *news, const struct view_source *source, const struct sum_vec *sums)
{
    struct verdict verdict = {.commit = source->head, .is_refusal = !source->held};
    if (!source->head || is_wanted(source, source->head))
        return;
    char *text CLEANUP_FREE = judge_head(source, &verdict.state);
    verdict.text = text;
    if (text)
        tell_whole(news, verdict, sums);
}

/* N1. What is deployed and passes no more, by other keys, is what runs all the same. */
static void tell_unverified(const struct news *news, const struct view_source *source,
                            const struct sum_vec *sums)
{
    const struct verdict verdict = {.commit = news->looks.refused,
                                    .state = REPORT_FAILURE,
                                    .text = news->looks.refusal,
                                    .is_refusal = true};
    if (verdict.commit && !is_wanted(source, verdict.commit))
        tell_whole(news, verdict, sums);
}

/* N8 */
static void tell_accepted(const struct news *news, const struct commit *wanted, const char *cluster)
{
    struct report_told told;
    char *context CLEANUP_FREE = context_of(news, cluster, NULL);
    if (report_queue_told(news->queue, context, wanted->oid, &told) &&
        !text_equal(told.state, REPORT_SUCCESS))
        tell_context(news, context,
                     &(struct verdict){wanted, cluster, NULL, REPORT_SUCCESS, "it is accepted", false});
}

static void tell_commits(const struct news *news, const struct view_source *source)
{
    struct sum_vec sums CLEANUP(sums_deinit) = {0};
    tell_wanted(news, source->wanted, &sums);
    tell_head(news, source, &sums);
    tell_unverified(news, source, &sums);
    if (source->wanted)
        tell_accepted(news, source->wanted, NULL);
    for (size_t i = 0; source->wanted && news->target->per_service && i < sums.len; i++)
        tell_accepted(news, source->wanted, sums.items[i].cluster);
}

/* N6. Of perService contexts, which no webhook has, the cluster is not asked for. */
static void tell_superseded(const struct news *news, const struct string_vec *superseded,
                            const struct commit *by)
{
    char *text CLEANUP_FREE = memory_printf("superseded by %.12s before it was deployed", by->oid);
    char *prefix CLEANUP_FREE = prefix_of(news);
    for (size_t i = 0; i + 1 < superseded->len; i += 2) {
        struct commit commit = {0};
        const char *context = superseded->items[i];
        const char *rest = context + (text_starts_with(context, prefix) ? strlen(prefix) : strlen(context));
        const char *oid = superseded->items[i + 1];
        if (strlen(oid) >= sizeof commit.oid)
            continue;
        memcpy(commit.oid, oid, strlen(oid) + 1);
        tell_context(
            news, context,
            &(struct verdict){&commit, *rest ? rest + 1 : NULL, NULL, REPORT_SUPERSEDED, text, false});
    }
}

/* --- deployments ---------------------------------------------------------------------------------------- */

/* Takes context over; without text and event. */
static struct report_message *event_message(char *context, const char *subject, const char *state)
{
    struct report_message *message = NEW(struct report_message);
    *message = (struct report_message){.context = context,
                                       .subject = memory_strdup(subject),
                                       .state = memory_strdup(state),
                                       .text = memory_strdup("")};
    return message;
}

static void tell_deployment(const struct news *news, const struct view_service *view,
                            const struct deployment *deployment, enum deployment_state state)
{
    struct report_place place = place_of(view->cluster, view->name);
    const char *name = deployment_state_name(state);
    bool is_now = deployment->state == state && deployment->reason;
    struct report_message *message =
        event_message(memory_printf("deployment %s/%s", view->cluster, view->name), deployment->id, name);
    free(message->text);
    message->text =
        memory_printf("%s/%s: deployment of %s:%d (commit %.12s) %s%s%s", view->cluster, view->name,
                      deployment->family, deployment->revision, deployment->commit.oid, name,
                      is_now ? ": " : "", is_now ? deployment->reason : "");
    if (state == DEPLOYMENT_SUPERSEDED) {
        report_queue_note(news->queue, message); /* ECS has no event for it */
        return;
    }
    message->at_ms = deployment->updated_ms;
    if (news->target->kind == REPORT_WEBHOOK)
        message->event = report_event_deployment(&place, deployment, state);
    report_queue_push(news->queue, message, news->now_ms);
}

/* What is over before a receiver is new is not told to it. */
static void begin_with(const struct news *news, const struct view_service *view)
{
    const struct deployment *primary = service_ledger_primary(view->ledger);
    if (primary->state == DEPLOYMENT_IN_PROGRESS)
        tell_deployment(news, view, primary, DEPLOYMENT_IN_PROGRESS);
    else
        report_queue_note(news->queue,
                          event_message(memory_printf("deployment %s/%s", view->cluster, view->name),
                                        primary->id, deployment_state_name(primary->state)));
}

/* Each that has come since the last that was told, oldest first, and how it stands. */
static void tell_deployments(const struct news *news, const struct view_service *view)
{
    struct report_told told = {0};
    char *context CLEANUP_FREE = memory_printf("deployment %s/%s", view->cluster, view->name);
    bool is_told = report_queue_told(news->queue, context, NULL, &told);
    const struct deployment_vec *all = &view->ledger->deployments;
    size_t last = all->len; /* index of what was told last */
    if (!is_told && report_queue_is_new(news->queue)) {
        begin_with(news, view);
        return;
    }
    for (size_t i = 0; is_told && i < all->len; i++)
        if (text_equal(all->items[i].id, told.subject))
            last = i;
    char *state CLEANUP_FREE = memory_strdup(told.state);
    if (last < all->len && !text_equal(state, deployment_state_name(all->items[last].state)))
        tell_deployment(news, view, &all->items[last], all->items[last].state);
    for (size_t i = last; i-- > 0;) {
        tell_deployment(news, view, &all->items[i], DEPLOYMENT_IN_PROGRESS);
        if (all->items[i].state != DEPLOYMENT_IN_PROGRESS)
            tell_deployment(news, view, &all->items[i], all->items[i].state);
    }
}

/* --- actions of services -------------------------------------------------------------------------------- */

/* The last one, of its PRIMARY deployment. */
static void tell_action(const struct news *news, const struct view_service *view)
{
    struct report_told told;
    const struct deployment *primary = service_ledger_primary(view->ledger);
    char *context CLEANUP_FREE = memory_printf("service %s/%s", view->cluster, view->name);
    report_queue_told(news->queue, context, NULL, &told); /* it is there */
    for (size_t i = view->events_len; i > 0; i--) {
        const struct view_event *event = view_service_event(view, i - 1);
        const char *name = report_action_name(event->message);
        if (event->at_ms < primary->created_ms)
            return; /* it was of another */
        if (!name)
            continue;
        struct report_place place = place_of(view->cluster, view->name);
        struct report_message *message = event_message(TAKE(context), primary->id, name);
        free(message->text);
        message->text = memory_printf("%s/%s: %s", view->cluster, view->name, event->message);
        message->at_ms = event->at_ms;
        if (news->target->kind == REPORT_WEBHOOK && !report_queue_knows(news->queue, message))
            message->event = report_event_action(
                &place, &(struct report_action){name, event->message, primary->id, event->at_ms});
        report_queue_push(news->queue, message, news->now_ms);
        return;
    }
}

static void tell_services(const struct news *news)
{
    struct view_service view;
    for (size_t i = 0; core_view_service_at(news->core, i, &view); i++) {
        if (!view.ledger || !service_ledger_primary(view.ledger) || !concerns(news, &view))
            continue;
        if (news->target->events & REPORT_DEPLOYMENTS)
            tell_deployments(news, &view);
        if (news->target->events & REPORT_SERVICES)
            tell_action(news, &view);
    }
}

/* --- sources -------------------------------------------------------------------------------------------- */

static void tell_source_event(const struct news *news, char *context, const char *subject,
                              const struct report_source *event)
{
    const struct report_place place = place_of(NULL, NULL);
    struct report_message *message = event_message(context, subject, event->event);
    free(message->text);
    message->text = memory_printf("(source %s) %s", event->name, event->reason);
    message->at_ms = event->at_ms;
    if (news->target->kind == REPORT_WEBHOOK)
        message->event = report_event_source(&place, event);
    report_queue_push(news->queue, message, news->now_ms);
}

/* O1, O2 */
static void tell_reach(const struct news *news, const struct view_source *source)
{
    struct report_told told = {0};
    const char *away = news->looks.away;
    char *context CLEANUP_FREE = memory_printf("source %s", source->name);
    bool was_away = report_queue_told(news->queue, context, NULL, &told) &&
                    text_equal(told.state, REPORT_SOURCE_IMPAIRED);
    if (was_away ? !news->looks.reached : !away)
        return;
    char *trouble CLEANUP_FREE = memory_printf("has trouble: %s", away ? away : "");
    const struct report_source event = {.event = away ? REPORT_SOURCE_IMPAIRED : REPORT_SOURCE_RECOVERED,
                                        .name = source->name,
                                        .origin = source->origin,
                                        .branch = source->branch,
                                        .reason = away ? trouble : "has recovered.",
                                        .at_ms = news->now_ms};
    tell_source_event(news, TAKE(context), "", &event);
}

/* O3 */
static void tell_rewrite(const struct news *news, const struct view_source *source)
{
    struct report_told told = {0};
    const struct api_rewrite *rewrite = &news->looks.rewrite;
    char *context CLEANUP_FREE = memory_printf("branch of source %s", source->name);
    bool is_told = report_queue_told(news->queue, context, NULL, &told);
    if (!rewrite->from)
        return;
    char *subject CLEANUP_FREE = memory_printf("%s..%s", rewrite->from, rewrite->to);
    if (is_told && text_equal(told.subject, subject))
        return;
    char *text CLEANUP_FREE = api_rewrite_text(source->branch, rewrite);
    const struct report_source event = {.event = REPORT_SOURCE_REWRITTEN,
                                        .name = source->name,
                                        .origin = source->origin,
                                        .branch = source->branch,
                                        .reason = text,
                                        .from = rewrite->from,
                                        .to = rewrite->to,
                                        .fork = rewrite->fork,
                                        .at_ms = rewrite->seen_at_ms};
    tell_source_event(news, TAKE(context), subject, &event);
}

void news_look(const struct news *news)
{
    assert(news && news->core && news->target && news->queue);
    struct view_source source;
    struct string_vec superseded;
    view_source(news, &source);
    if (source.head)
        report_queue_look_begin(news->queue, news->now_ms);
    if (news->target->events & REPORT_SOURCES) {
        tell_rewrite(news, &source); /* first: what follows is of the branch as it is now */
        tell_reach(news, &source);
    }
    if (news->target->events & REPORT_COMMITS)
        tell_commits(news, &source);
    if (!source.head) /* nor is anything superseded or forgotten by a look that does not see it yet */
        return;
    if (news->target->events & (REPORT_DEPLOYMENTS | REPORT_SERVICES))
        tell_services(news);
    report_queue_look_end(news->queue, &superseded);
    tell_superseded(news, &superseded, source.head);
    string_vec_deinit(&superseded);
}
