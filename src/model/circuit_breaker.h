/* ECS: DeploymentCircuitBreaker. When a deployment has failed, and what becomes of the service then. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* ECS: ThresholdType. Of the desired count, held to 3 ... 200; of it as it is; or so many failures. */
enum threshold_type { THRESHOLD_BOUNDED_PERCENT, THRESHOLD_UNBOUNDED_PERCENT, THRESHOLD_COUNT };

struct circuit_breaker {
    bool enable;                /* false: a deployment never fails, it goes on with the back-off */
    bool rollback;              /* what failed is replaced by what COMPLETED last */
    bool reset_on_healthy_task; /* a healthy task makes the count zero; false: the count only grows */
    enum threshold_type threshold_type;
    int threshold_value; /* percent, or failures */
};

/* Of a service that says nothing of it. On ECS it has no breaker; here what fails is contained, and not
 * rolled back. */
#define CIRCUIT_BREAKER_DEFAULT                                                                              \
    (struct circuit_breaker)                                                                                 \
    {                                                                                                        \
        .enable = true, .reset_on_healthy_task = true, .threshold_type = THRESHOLD_BOUNDED_PERCENT,          \
        .threshold_value = 50                                                                                \
    }

/* The shape of ECS, validated; NULL is the default. */
struct circuit_breaker circuit_breaker_from_json(const json_t *json);
/* All members, in ECS's shape. */
json_t *circuit_breaker_to_json(const struct circuit_breaker *breaker);
