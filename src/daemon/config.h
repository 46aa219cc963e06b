/* The daemon's configuration: one YAML file, whose schema is schemas/Configuration.json. Unknown keys are
 * refused. */
#pragma once

#include "base/error.h"
#include "base/vector.h"
#include "daemon/log.h"
#include "model/diagnostic.h"
#include "model/merge.h"
#include "report/target.h"
#include "source/access.h"
#include "source/verify.h"

#include <jansson.h>
#include <stdint.h>

struct config_instance {
    char *name;
    char *endpoint; /* unix:///path, tcp://host:port */
    char *tls_ca;   /* paths; NULL: none */
    char *tls_cert;
    char *tls_key;
};
struct config_instance_vec VECTOR_OF(struct config_instance);

/* The ledger on a remote. */
struct config_ledger {
    bool push;
    char *remote; /* where to; config_finish() fills it in, as ... */
    char *host;   /* ... a part of the ref's name, and ... */
    int64_t interval_ms;
    struct source_access access; /* ... this */
};

struct config_notification_vec VECTOR_OF(struct report_target);

/* Newer images by the clock, see daemon/image_updates.h. */
struct config_image_updates {
    int64_t interval_ms; /* 0: none */
    char *branch;        /* for review; NULL: the source's */
    char *author;        /* NULL: who git says */
    char *signing_key;   /* file; NULL: as git says */
    char *certificates;  /* NULL: Docker's */
    char *ca_file;       /* NULL: the system's */
    struct string_vec insecure;
    char *repository; /* of the origin; NULL: it is a remote. Set by config_finish() */
};

struct config_source {
    char *name;   /* of its directory in the state directory, too */
    char *origin; /* repository, URL or directory */
    char *branch; /* NULL: the origin's HEAD */
    char *path;   /* NULL: the root */
    int64_t poll_ms;
    int64_t fetch_ms; /* 0: source/'s own default, as are the next two */
    int64_t fetch_stall_ms;
    int64_t fetch_bytes;
    struct source_access access;
    struct source_verify verify;
    struct allowance allowance; /* what it may define */
};
struct config_source_vec VECTOR_OF(struct config_source);

#define CONFIG_SOURCE_DEFAULT "default" /* the one of `source`, which has no name of its own */

struct config {
    struct config_source_vec sources; /* one at least, after config_finish() */
    struct config_ledger ledger;
    char *state_directory;
    char *socket;         /* NULL: no unix socket */
    char *socket_group;   /* NULL: the process's */
    char *listen;         /* loopback address for read operations; NULL: none */
    char *webhook_listen; /* IP address and port, or unix socket; NULL: no webhooks */
    char *webhook_secret_file;
    char *owner; /* NULL: follows from origin, branch and path of the only source */
    struct config_instance_vec instances;
    json_t *log_drivers;    /* ECS's name to {"driver", "options"}; NULL: none */
    char *efs_region;       /* NULL: none is known */
    char *secret_directory; /* NULL: none */
    struct string_vec secret_environment;
    char *docker_config; /* NULL: there is no home to look in */
    int64_t stopped_retention_ms;
    int stopped_kept;
    int deletion_services; /* a commit that removes so many, and more than deletion_percent, is held */
    int deletion_percent;
    int64_t lost_after_ms; /* silence of an instance after which its tasks count no more; 0: they do */
    int64_t patience_ms;   /* how long to wait for an engine that has never answered */
    struct config_notification_vec notifications;
    struct config_image_updates image_updates;
    enum log_level log_level;
};

/* The defaults. */
void config_init(struct config *config);
void config_deinit(struct config *config);
/* Reads the file over what is there. Faults of its content are diagnostics; err says what could not be read.
 */
int config_read(struct config *config, const char *path, struct diagnostics *diagnostics, struct error *err);
/* Fills in what follows from the rest and from the environment: instance "local", EFS's region, owner, the
 * ledger's host and way. ERROR_INVALID when there is no source, or one cannot be verified as it is to be, two
 * sources or receivers have one name, a receiver is of no source, several sources have no owner or no
 * ledger.remote, image updates are of several sources, or host or owner cannot be in a ref's name. */
int config_finish(struct config *config, struct error *err);
/* NULL: none of that name. Borrowed. */
const struct config_source *config_source(const struct config *config, const char *name);
/* The source that is said on the command line: made when there is none. NULL: there are several. */
struct config_source *config_only_source(struct config *config);
