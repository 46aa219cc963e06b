#include "survey.h"

#include "base/text.h"

#include <string.h>

static struct sighting *sighting_of(struct sighting_vec *sightings, const struct container *container)
{
    for (size_t i = 0; i < sightings->len; i++)
        if (text_equal(sightings->items[i].id, container->labels.task))
            return &sightings->items[i];
    vector_push(sightings, (struct sighting){.labels = &container->labels, .all_checked_healthy = true});
    struct sighting *sighting = &sightings->items[sightings->len - 1];
    memcpy(sighting->id, container->labels.task, sizeof sighting->id);
    return sighting;
}

void survey_add(struct sighting_vec *sightings, const struct container *container, int host, int64_t seen_ms)
{
    const struct container_spec *spec = container->labels.spec;
    if (!text_equal(container->labels.owner, OWNER))
        return;
    struct sighting *sighting = sighting_of(sightings, container);
    sighting->host = host;
    sighting->seen_ms = seen_ms;
    sighting->containers++;
    sighting->created += container->status == CONTAINER_CREATED;
    sighting->running += container->status == CONTAINER_RUNNING;
    if (container->started_ms > sighting->started_ms)
        sighting->started_ms = container->started_ms;
    if (text_equal(spec->name, "init") && container->status == CONTAINER_STOPPED)
        sighting->init_failed = container->exit_code != 0;
    sighting->report_there |= text_equal(spec->name, "report");
    if (!spec->essential)
        return;
    if (container->started_ms > sighting->essential_ms)
        sighting->essential_ms = container->started_ms;
    sighting->essential_started += container->status != CONTAINER_CREATED;
    sighting->essential_stopped |= container->status == CONTAINER_STOPPED;
    sighting->unchecked |= !spec->has_health_check && !container_is_internal(spec->name);
    if (spec->has_health_check)
        sighting->all_checked_healthy &= container->health == HEALTH_HEALTHY;
}

bool survey_is_new(const struct sighting *sighting, const struct service *desired)
{
    return desired && digest_equal(&sighting->labels->digest, service_task_digest(desired));
}

const struct digest *survey_digest(const struct service *aim, const struct task_labels *labels)
{
    return aim && digest_equal(&labels->digest, service_task_digest(aim)) ? &aim->digest : &labels->digest;
}

bool survey_is_of(const struct sighting *sighting, const char *service)
{
    return text_equal(sighting->service, service);
}

bool survey_serves(const struct sighting *sighting)
{
    return sighting->essential_started >= sighting->labels->essential;
}

bool survey_is_healthy(const struct sighting *sighting, const struct service *desired)
{
    if (sighting->essential_stopped || !survey_serves(sighting))
        return false;
    if (survey_is_new(sighting, desired) && !sighting->was_up) {
        int expected = (int)desired->task_definition->containers.len;
        if (sighting->init_failed && !sighting->report_there)
            expected--; /* never to come: row C5 */
        if (sighting->containers - sighting->created < expected)
            return false;
    }
    int64_t minimum_ms = sighting->unchecked && desired ? desired->minimum_healthy_ms : 0;
    int64_t since_ms = sighting->was_up ? sighting->essential_ms : sighting->started_ms;
    return sighting->all_checked_healthy && since_ms + minimum_ms <= sighting->seen_ms;
}
