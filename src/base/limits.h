/* Every bound of the program, in one place, units in the names.
 *
 * Input from git, engines, clients and disk is untrusted in size. Whatever grows with input is held to a
 * bound of this file, and going over one is an ordinary error (ERROR_LIMIT) that names the bound.
 */
#pragma once

/* --- manifests ------------------------------------------------------------------------------------------ */
#define LIMIT_MANIFEST_BYTES        (4 * 1024 * 1024) /* one manifest file; ECS allows 64 KiB a definition */
#define LIMIT_MANIFEST_FILES        65536             /* files below one source's path */
#define LIMIT_MANIFEST_DOCUMENTS    4096              /* documents of one YAML file */
#define LIMIT_DOCUMENT_DEPTH        64                /* nesting of JSON and YAML */
#define LIMIT_DOCUMENT_NODES        262144            /* nodes of one file, aliases expanded */
#define LIMIT_YAML_ALIASES          1024              /* aliases of one file */
#define LIMIT_DIAGNOSTICS           1000              /* kept per commit; the rest is counted */
#define LIMIT_SCHEMA_DEPTH          512               /* nested schema applications */
#define LIMIT_SCHEMA_STEPS          (128UL * 262144) /* of one validation; a step takes some ten nanoseconds */
#define LIMIT_SCHEMA_URI_BYTES      1024             /* of an $id or $ref, made absolute, without fragment */
#define LIMIT_SCHEMA_POINTER_BYTES  16384            /* of a diagnostic's pointer; the rest is cut off */
#define LIMIT_PATTERN_BYTES         65536            /* one regular expression */
#define LIMIT_PATTERN_MATCH_STEPS   100000           /* pcre2 match limit */
#define LIMIT_PATTERN_HEAP_KIB      4096             /* pcre2 heap limit */
#define LIMIT_IMPORT_BYTES          (16 * 1024 * 1024) /* text that variables of one import make */
#define LIMIT_IMPORT_STEPS          1000000 /* values, references and functions followed in one import */
#define LIMIT_IMPORT_SERVICES       256     /* services of one Compose file */
#define LIMIT_NAME_CHARS            255     /* ECS: family, service, cluster, container, volume */
#define LIMIT_CONTAINERS_PER_TASK   11      /* ECS quota: 10; and the pause container */
#define LIMIT_QUERY_CHARS           2000    /* ECS: expression of a placement constraint */
#define LIMIT_QUERY_DEPTH           32      /* nesting of its parentheses */
#define LIMIT_PLACEMENT_STRATEGIES  5       /* ECS quota, of a service */
#define LIMIT_CAPACITY_PROVIDERS    20      /* ECS quota, of a strategy */
#define LIMIT_FLEET_ATTRIBUTES      32      /* whose zones a cluster's instances are kept sorted by */
#define LIMIT_PLACEMENT_CONSTRAINTS 10      /* ECS quota, of a service and its task definition together */
#define LIMIT_IGNORED_EXIT_CODES    50      /* ECS quota, of a restart policy */
#define LIMIT_PORT_MAPPINGS         100     /* ECS quota, per container definition */
#define LIMIT_PUBLISHED_PORTS       1000    /* of one container, its port ranges counted out */
#define LIMIT_TASK_DEFINITION_BYTES 65536   /* ECS quota */

/* --- environments (davit.yaml) -------------------------------------------------------------------------- */
#define LIMIT_ENVIRONMENT_DEPTH     16   /* nesting of extends */
#define LIMIT_ENVIRONMENT_LAYERS    64   /* directories of one environment */
#define LIMIT_ENVIRONMENT_VARIABLES 4096 /* of all davit.yaml files together; likewise the next */
#define LIMIT_ENVIRONMENT_PATCHES   4096
#define LIMIT_ENVIRONMENT_BYTES                                                                              \
    (64 * 1024 * 1024) /* strings with replaced references, and patches applied                              \
                        */

/* --- image policies, registries ------------------------------------------------------------------------- */
#define LIMIT_SEMVER_RANGE_CHARS       256
#define LIMIT_IMAGE_PATTERN_STEPS      10000             /* pcre2 match limit, of one tag */
#define LIMIT_REGISTRY_TAGS            100000            /* of one repository */
#define LIMIT_REGISTRY_PAGES           1000              /* of one list of tags */
#define LIMIT_REGISTRY_REPLY_BYTES     (8 * 1024 * 1024) /* one page, one manifest, one token */
#define LIMIT_REGISTRY_REDIRECTS       4
#define LIMIT_REGISTRY_CALL_MS         30000 /* one request, from look-up to the answer's last byte */
#define LIMIT_REGISTRY_LIST_MS         300000 /* all pages of one list of tags, and pauses that are asked for */
#define LIMIT_REGISTRY_PAUSE_MS        60000   /* the longest Retry-After that is waited for */
#define LIMIT_IMAGE_UPDATES_RUN_MS     1800000 /* one look of the daemon's at all registries */
#define LIMIT_IMAGE_UPDATES_BACKOFF_MS 3600000 /* the longest pause after looks that failed */

/* --- files that manifests name -------------------------------------------------------------------------- */
#define LIMIT_FILE_BYTES            (1024 * 1024)     /* one config file, one environment file */
#define LIMIT_CONTAINER_FILES       256               /* config files of one container */
#define LIMIT_CONTAINER_FILES_BYTES (8 * 1024 * 1024) /* all of them together */
#define LIMIT_ENVIRONMENT_FILES     10                /* ECS quota, of one container */
#define LIMIT_SOURCE_ROOTS          4096              /* places in the repository that manifests name */
#define LIMIT_SECRET_BYTES          65536             /* AWS Secrets Manager's own quota */

/* --- services and tasks --------------------------------------------------------------------------------- */
#define LIMIT_DESIRED_COUNT      5000 /* ECS quota: tasks per service */
#define LIMIT_INSTANCES          5000 /* ECS quota: container instances per cluster */
#define LIMIT_FAILED_TASKS_KEPT  200  /* ECS: largest circuit breaker threshold */
#define LIMIT_KNOWN_BAD_DIGESTS  32   /* failed contents remembered per service */
#define LIMIT_DEPLOYMENTS_KEPT   32   /* ended deployments kept per service in the ledger */
#define LIMIT_SERVICE_EVENTS     100  /* ECS: events kept per service */
#define LIMIT_PRE_DEPLOY_TASKS   10   /* davit.preDeploy of a service */
#define LIMIT_SCHEDULE_RUNS      10   /* times that were due, remembered per scheduled task */
#define LIMIT_PREPARED_DIGESTS   32   /* contents whose davit.preDeploy has run, remembered per service */
#define LIMIT_STOPPED_TASKS_KEPT 10   /* stopped tasks kept per service for a look at their logs */

/* --- standalone tasks ----------------------------------------------------------------------------------- */
#define LIMIT_STANDALONE_TASKS   10000 /* that are known, those that have stopped and are not forgotten too */
#define LIMIT_RUN_COUNT          10    /* ECS quota: tasks of one RunTask */
#define LIMIT_OVERRIDES_CHARS    8192  /* ECS quota, as JSON */
#define LIMIT_GROUP_CHARS        255   /* ECS: task group */
#define LIMIT_STARTED_BY_CHARS   128   /* ECS: startedBy of RunTask */
#define LIMIT_CLIENT_TOKEN_CHARS 64    /* ECS: clientToken of RunTask */
#define LIMIT_STOP_REASON_CHARS  255   /* ECS: reason of StopTask */

/* --- git ------------------------------------------------------------------------------------------------ */
#define LIMIT_HISTORY_COMMITS   100000 /* first-parent commits read for revision numbers */
#define LIMIT_FETCH_BYTES       (2048LL * 1024 * 1024)
#define LIMIT_FETCH_MEMORY      (256LL * 1024 * 1024) /* besides that, to unpack it */
#define LIMIT_FETCH_MS          3600000               /* one fetch: 2 GiB at 5 Mbit/s */
#define LIMIT_FETCH_STALL_MS    120000                /* in which it brings LIMIT_FETCH_STALL_BYTES */
#define LIMIT_FETCH_STALL_BYTES (64 * 1024) /* 550 bytes a second; git's http.lowSpeedLimit is a rate too */
#define LIMIT_LEDGER_PUSH_BYTES (256LL * 1024 * 1024) /* of the ledger, in one push or fetch */
#define LIMIT_LEDGER_FETCH_MS   30000 /* a start without ledger waits so long for the one on the remote */
#define LIMIT_COMMIT_TEXT_BYTES 1024  /* of an author, of a subject; the rest is cut off */
#define LIMIT_VERIFY_MS         30000 /* one run of gpg or ssh-keygen */
#define LIMIT_VERIFY_COMMITS    10000 /* whose signatures are judged for one that is to be deployed */
#define LIMIT_SIGNED_BYTES      (1024 * 1024)         /* of a commit or tag whose signature is judged */
#define LIMIT_SOURCE_TAGS       256                   /* that point to one commit and are looked at */
#define LIMIT_TREE_BYTES        (256LL * 1024 * 1024) /* contents of the manifests of one update */
#define LIMIT_TREE_ENTRIES      1000000               /* entries of trees that one update looks at */
#define LIMIT_TREE_DEPTH        64                    /* nested directories */

/* --- engines -------------------------------------------------------------------------------------------- */
#define LIMIT_ENGINE_REPLY_BYTES   (64 * 1024 * 1024)
#define LIMIT_ENGINE_EVENT_BYTES   (1024 * 1024) /* one line of the event stream */
#define LIMIT_ENGINE_TEXT_BYTES    4096 /* an engine's own words that are kept; the rest is cut off */
#define LIMIT_ENGINE_CONCURRENCY   16   /* actions under way per instance */
#define LIMIT_ENGINE_PULLS         4    /* images under way per instance */
#define LIMIT_ENGINE_CALL_MS       30000
#define LIMIT_ENGINE_PULL_MS       7200000 /* ECS agent: 2 h in all */
#define LIMIT_ENGINE_PULL_IDLE_MS  60000   /* ECS agent: inactivity 1 min */
#define LIMIT_ENGINE_PULL_TRIES    5       /* ECS agent: with 1.1 s to 5 s between them */
#define LIMIT_ENGINE_CREATE_MS     240000  /* ECS agent: create timeout 4 min */
#define LIMIT_ENGINE_START_MS      180000  /* ECS agent: start timeout 3 min */
#define LIMIT_ENGINE_STOP_SLACK_MS 120000  /* ECS agent: stopTimeout + 2 min */
#define LIMIT_ENGINE_PROBE_MS      30000   /* an engine that says nothing is asked whether it is there */
#define LIMIT_ENGINE_RELIST_MS     300000  /* safety net beside the event stream; ECS agent: 5 min */
#define LIMIT_ENGINE_OTHERS_MS     600000  /* the longest between two lists of another owner's tasks */
#define LIMIT_LOG_BYTES            (16 * 1024 * 1024)

/* --- notifications -------------------------------------------------------------------------------------- */
#define LIMIT_REPORT_QUEUE       10000    /* messages that wait for one target; the oldest make way */
#define LIMIT_REPORT_AGE_MS      86400000 /* EventBridge: an event is tried for 24 h */
#define LIMIT_REPORT_CALL_MS     30000    /* one delivery, from look-up to the answer's last byte */
#define LIMIT_REPORT_BACKOFF_MS  600000   /* the longest pause between two tries by ourselves */
#define LIMIT_REPORT_PAUSE_MS    3600000  /* the longest that a Retry-After is obeyed */
#define LIMIT_REPORT_REPLY_BYTES (64 * 1024)
#define LIMIT_REPORT_STATE_BYTES (64 * 1024 * 1024) /* the file of what is queued and was sent */

/* --- http ----------------------------------------------------------------------------------------------- */
#define LIMIT_HTTP_CONNECT_MS           10000       /* for a connection, look-up and TLS included */
#define LIMIT_HTTP_REPLY_HEADER_BYTES   (64 * 1024) /* all header lines of one reply */
#define LIMIT_HTTP_REQUEST_HEADER_BYTES (32 * 1024) /* a connection: request line, headers, buffers */
#define LIMIT_HTTP_REQUEST_MS           30000 /* from connect or last reply to the end of the next request */
#define LIMIT_HTTP_SEND_MS              30000 /* a reader that takes no byte for that long is cut off */
#define LIMIT_HTTP_STREAM_QUEUE_BYTES   (1024 * 1024) /* of one stream, not yet taken by its reader */
#define LIMIT_GROUP_BYTES               (1024 * 1024) /* one entry of the group database: its members */

/* --- http server, api ----------------------------------------------------------------------------------- */
#define LIMIT_API_REQUEST_BYTES (1024 * 1024)
#define LIMIT_API_CONNECTIONS   256
#define LIMIT_API_STREAMS       64

/* --- webhooks: whoever reaches the socket may send them ------------------------------------------------- */
#define LIMIT_WEBHOOK_CONNECTIONS 32    /* each may hold LIMIT_API_REQUEST_BYTES; http/server.h: who is cut */
#define LIMIT_WEBHOOK_REQUEST_MS  10000 /* GitHub gives up after as long */
#define LIMIT_WEBHOOK_REFUSALS    10    /* reported one by one in the time of the next; the rest is counted */
#define LIMIT_WEBHOOK_REFUSALS_MS 60000
#define LIMIT_WEBHOOK_LOOK_MS     1000 /* between two looks that webhooks ask for */

/* --- ledger, recorder ----------------------------------------------------------------------------------- */
#define LIMIT_LEDGER_ENTRY_BYTES   (16 * 1024 * 1024)
#define LIMIT_FAMILY_CONTENT_BYTES (512 * 1024) /* contents kept of a family's revisions, the newest */
#define LIMIT_RECORD_BYTES         (128LL * 1024 * 1024) /* ring of recorded inputs on disk */

#define LIMIT_ERROR_CHARS          1024

_Static_assert(LIMIT_TASK_DEFINITION_BYTES <= LIMIT_MANIFEST_BYTES, "a definition fits a file");
_Static_assert(LIMIT_ENGINE_EVENT_BYTES <= LIMIT_ENGINE_REPLY_BYTES, "an event fits a reply");
_Static_assert(LIMIT_TASK_DEFINITION_BYTES <= LIMIT_FAMILY_CONTENT_BYTES, "the newest revision is kept");
_Static_assert(LIMIT_MANIFEST_BYTES <= LIMIT_FETCH_BYTES, "a manifest fits a fetch");
_Static_assert(LIMIT_DEPLOYMENTS_KEPT *LIMIT_FAILED_TASKS_KEPT *(LIMIT_ERROR_CHARS + 128) <=
                   LIMIT_LEDGER_ENTRY_BYTES / 2,
               "failures of all deployments fit an entry");
