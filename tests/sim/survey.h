/* Tasks as an onlooker sees them: grouped from containers by their labels alone, with none of plan/'s code.
 */
#pragma once

#include "world.h"

struct sighting {
    char id[ID_HEX_SIZE];
    const struct task_labels *labels; /* of one of its containers, borrowed */
    const char *service;              /* that it is of; set by whoever made the survey; borrowed */
    int host;
    int containers;
    int created; /* of these: not started yet */
    int running;
    int essential_started;
    bool essential_stopped;
    bool unchecked; /* an essential container without a health check */
    bool all_checked_healthy;
    bool init_failed; /* the container "init" ended with another code than 0 */
    bool report_there;
    bool was_up;          /* once: what is not essential may have gone since */
    int64_t started_ms;   /* latest start */
    int64_t essential_ms; /* of an essential container */
    bool lost;            /* its host has been silent for so long that it counts no more, P10 */
    int64_t seen_ms;      /* how old what is known is */
};
struct sighting_vec VECTOR_OF(struct sighting);

/* Adds a container to the task that it belongs to; foreign ones are passed over. */
void survey_add(struct sighting_vec *sightings, const struct container *container, int host, int64_t seen_ms);
/* Whether all of its essential containers have started, and run or have ended. */
bool survey_serves(const struct sighting *sighting);
/* The rule of src/plan/README.md. `desired` is the service as it is wanted now, or NULL. */
bool survey_is_healthy(const struct sighting *sighting, const struct service *desired);
bool survey_is_new(const struct sighting *sighting, const struct service *desired);
/* Of the content that a task with these labels was made from, as davit.preDeploy makes it. */
const struct digest *survey_digest(const struct service *aim, const struct task_labels *labels);
bool survey_is_of(const struct sighting *sighting, const char *service);
