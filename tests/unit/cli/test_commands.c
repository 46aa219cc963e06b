/* Commands against a daemon that has one answer for each path, and those that need none. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "unit.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ESC  "\\u001b[2J"
#define SEEN "\\u001B[2J"

#define SERVICE(healthy, flag, state)                                                                        \
    "{\"cluster\":\"demo\",\"name\":\"web\",\"status\":\"ACTIVE\",\"desiredCount\":2,\"running\":2,"         \
    "\"healthy\":" healthy ",\"steady\":" flag ",\"state\":\"" state                                         \
    "\",\"failed\":false,\"taskDefinition\":\"web:2\",\"waiting\":\"1 of 2 new tasks healthy\","             \
    "\"revisions\":[{\"family\":\"web\",\"revision\":2,\"running\":1,\"healthy\":1},"                        \
    "{\"family\":\"web\",\"revision\":1,\"running\":1,\"healthy\":0}],"                                      \
    "\"actions\":[{\"kind\":\"stop\"},{\"kind\":\"create\",\"image\":\"nginx:1\",\"progress\":{"             \
    "\"status\":\"Downloading\",\"currentBytes\":1500000,\"totalBytes\":3000000}}],"                         \
    "\"deployment\":{\"id\":\"ecs-svc/"                                                                      \
    "1\",\"family\":\"web\",\"revision\":2,\"commit\":{\"oid\":\"abcdef0123456789\"}}}"
#define COMMIT "{\"oid\":\"abcdef0123456789\",\"author\":\"Ada <ada@example.org>\",\"subject\":\"say hello\"}"
#define STATUS(source, services)                                                                             \
    "{\"schemaVersion\":1,\"version\":\"9\",\"ready\":true,\"source\":{\"ok\":true,\"origin\":\"/"           \
    "srv\",\"branch\":\"main\",\"wanted\":" COMMIT "," source "},\"instances\":[],\"services\":[" services   \
    "]}"
#define LOOKED(newest, answered) "\"newest\":\"" newest "\",\"looksAsked\":2,\"looksAnswered\":" answered ","
#define GOOD                                                                                                 \
    LOOKED("abcdef0123456789", "2")                                                                          \
    "\"refused\":false,\"rolloutState\":\"COMPLETED\",\"head\":" COMMIT
#define REFUSED                                                                                              \
    LOOKED("bbbbbbbbbbbbbbbb", "2")                                                                          \
    "\"refused\":true,\"rolloutState\":\"FAILED\",\"head\":{\"oid\":\"bbbbbbbbbbbbbbbb\",\"author\":"        \
    "\"Ada\",\"subject\":\"typo\"},\"diagnostics\":{\"errors\":1,\"warnings\":0,\"diagnostics\":[{"          \
    "\"severity\":\"error\",\"file\":\"web.yaml\",\"line\":8,\"column\":5,\"code\":\"syntax\","              \
    "\"message\":\"no such thing\"}]}"
#define TASK_SHORT "0123456789ab"
#define TASK_ID    TASK_SHORT "cdef0123456789abcdef"
#define TASK(more)                                                                                           \
    "{\"cluster\":\"demo\",\"service\":\"web\",\"id\":\"" TASK_ID "\",\"status\":\"RUNNING\","               \
    "\"stopReason\":\"enough\"," more "}"

#define NO_CONTAINER                                                                                         \
    "{\"tasks\":[{\"id\":\"" TASK_ID                                                                         \
    "\",\"cluster\":\"demo\",\"group\":\"family:job\",\"status\":\"STOPPED\","                               \
    "\"containers\":[],\"stopCode\":\"TaskFailedToStart\",\"stopReason\":\"cannot pull\"}]}"

#define BLAMED(digit, oid, wanted)                                                                           \
    "{\"cluster\":\"demo\",\"service\":\"web\",\"id\":\"" digit TASK_ID "\",\"desiredStatus\":\"" wanted     \
    "\",\"taskDefinition\":\"web:1\",\"deployment\":\"ecs-svc/1\",\"commit\":\"" oid "\"}"

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X38  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X200 X50 X50 X50 X50
#define X250 X200 X50

static const struct answer {
    const char *request;
    const char *status;
    const char *body;
} answers[] = {
    {"GET /v1/status ", "200 OK", STATUS(GOOD, SERVICE("2", "true", "steady"))},
    {"GET /v1/services?cluster=demo ", "200 OK",
     "{\"schemaVersion\":1,\"services\":[" SERVICE("1", "false", "deploying") "]}"},
    {"GET /v1/services ", "200 OK",
     "{\"schemaVersion\":1,\"services\":[" SERVICE("1", "false", "deploying") "]}"},
    {"GET /v1/tasks ", "200 OK",
     "{\"tasks\":[" TASK("\"health\":\"UNKNOWN\",\"hasHealthCheck\":false") "," TASK(
         "\"health\":"
         "\"UNKNOWN\","
         "\"hasHealthCheck\":"
         "true") "," TASK("\"health\":\"HEALTHY\","
                          "\"hasHealthCheck\":true") "," TASK("\"health\":\"UNKNOWN\",\"hasHealthCheck\":"
                                                              "true,\"lost\":"
                                                              "true") "]}"},
    {"GET /v1/deployments?cluster=demo&service=web ", "200 OK",
     "{\"deployments\":[{\"id\":\"ecs-svc/4712261678819166757\",\"family\":\"web\",\"revision\":1,"
     "\"commit\":" COMMIT ",\"state\":\"COMPLETED\",\"durationMs\":65000},{\"id\":\"ecs-svc/1\","
     "\"family\":\"web\",\"revision\":1,\"commit\":" COMMIT ",\"state\":\"FAILED\",\"durationMs\":0,"
     "\"supersededBy\":\"ecs-svc/4712261678819166757\"}]}"},
    {"GET /v1/tasks?cluster=demo&service=web ", "200 OK",
     "{\"schemaVersion\":1,\"tasks\":[" BLAMED("1", "abcdef0123456789", "RUNNING") "," BLAMED(
         "2", "dddddddddddddddd", "RUNNING") "," BLAMED("3", "eeeeeeeeeeeeeeee",
                                                        "RUNNING") "," BLAMED("4", "abcdef0123456789",
                                                                              "STOPPED") "]}"},
    {"GET /v1/revisions ", "200 OK",
     "{\"revisions\":[{\"family\":\"web\",\"revision\":1,\"commit\":{\"oid\":\"dddddddddddddddd\",\"author\":"
     "\"Bob <b@example.org>\",\"subject\":\"first\",\"time\":1767225600000}}]}"},
    {"GET /v1/scheduled-tasks ", "200 OK",
     "{\"schemaVersion\":1,\"scheduledTasks\":[{\"name\":\"nightly\",\"clusters\":[\"other\",\"demo\"],"
     "\"runs\":["
     "{\"dueAt\":\"2026-01-02T00:00:00.000Z\",\"startedAt\":\"2026-01-02T00:00:01.000Z\",\"result\":"
     "\"running\",\"tasks\":[\"demo/" TASK_ID "\",\"other/" TASK_ID "\"]},"
     "{\"dueAt\":\"2026-01-01T00:00:00.000Z\",\"result\":\"not started: there is no place\",\"tasks\":[]}]},"
     "{\"name\":\"idle\",\"clusters\":[\"demo\"],\"runs\":[]}]}"},
    {"GET /v1/logs?cluster=demo&service=web&tail=all ", "200 OK",
     "{\"task\":\"0123456789abcdef\",\"container\":\"c\",\"stream\":\"stdout\",\"line\":\"hello\"}\n"
     "{\"task\":\"0123456789abcdef\",\"container\":\"d\",\"error\":\"gone\"}\n"},
    {"GET /v1/logs?cluster=demo&service=idle&tail=100 ", "200 OK", ""},
    {"GET /v1/tasks?cluster=demo&service=idle ", "200 OK",
     "{\"tasks\":[{\"cluster\":\"demo\",\"service\":\"idle\",\"id\":\"0123\",\"status\":\"STOPPED\","
     "\"createdAt\":\"2026-01-02T00:00:00Z\"},{\"cluster\":\"demo\",\"service\":\"idle\",\"id\":\"4567\","
     "\"status\":\"STOPPED\",\"createdAt\":\"2026-01-01T00:00:00Z\"}]}"},
    {"GET /v1/logs?cluster=demo&service=unread&tail=100 ", "200 OK",
     "{\"task\":\"0123456789abcdef\",\"container\":\"d\",\"error\":\"gone\"}\n"
     "{\"error\":\"no container could be read\"}\n"},
    {"GET /v1/logs?cluster=demo&service=web&task=" TASK_ID "&tail=100 ", "200 OK",
     "{\"task\":\"" TASK_ID "\",\"container\":\"c\",\"stream\":\"stdout\",\"line\":\"of a service\"}\n"},
    {"GET /v1/logs?cluster=demo&service=bbbbbbbb&task=bbbbbbbb&tail=100 ", "200 OK",
     "{\"task\":\"bbbbbbbb\",\"container\":\"c\",\"stream\":\"stdout\",\"line\":\"of a task\"}\n"},
    {"GET /v1/tasks?task=0123 ", "200 OK", "{\"tasks\":[" TASK("\"health\":\"UNKNOWN\"") "]}"},
    {"GET /v1/tasks?cluster=demo&task=bbbb ", "200 OK",
     "{\"tasks\":[{\"cluster\":\"demo\",\"group\":\"family:job\",\"id\":\"bbbbbbbb\"}]}"},
    {"GET /v1/tasks?task=cccc ", "200 OK",
     "{\"tasks\":[{\"cluster\":\"demo\",\"id\":\"cccc1\"},{\"cluster\":\"other\",\"id\":\"cccc2\"}]}"},
    {"GET /v1/tasks?task=dddd ", "200 OK", "{\"tasks\":[]}"},
    {"GET /v1/events?follow=1 ", "200 OK",
     "{\"cluster\":\"demo\",\"service\":\"web\",\"at\":\"2026-01-01T00:00:00.000Z\",\"message\":\"("
     "task " TASK_ID ") failed\"}\n"},
    {"GET /v1/events ", "200 OK",
     "{\"events\":[{\"cluster\":\"demo\",\"service\":\"web\",\"message\":\"(task " TASK_ID ") failed\"}]}"},
    {"GET /v1/diff ", "200 OK",
     "{\"differences\":[{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"update\",\"details\":["
     "{\"what\":\"desiredCount\",\"from\":2,\"to\":4},"
     "{\"what\":\"container \\\"web\\\" file site/index.html\",\"change\":\"changed\"},"
     "{\"what\":\"command\",\"from\":\"" X250 "\u00e9old\",\"to\":\"" X250 "\u00e9new" X250 "\"},"
     "{\"what\":\"entryPoint\",\"to\":\"" X250 "\"}],\"preDeploy\":[\"migrate\",\"seed\"],"
     "\"waits\":\"for its change window, which opens at 2026-01-01 02:00 UTC\",\"opensAt\":1767232800,"
     "\"held\":\"by davit rollback --hold since 2026-01-01T00:00:00Z; not applied\"}],"
     "\"held\":\"removes 3 of 4 services (c/a, c/b, c/d)\"}"},
    {"POST /v1/reconcile?cluster=demo ", "202 Accepted", "{\"accepted\":true}"},
    {"POST /v1/suspend?cluster=demo&service=web ", "202 Accepted", "{\"accepted\":true}"},
    {"POST /v1/suspend?cluster=slow ", "202 Accepted", "{\"accepted\":true}"},
    {"GET /v1/source ", "200 OK", "{\"ok\":false,\"message\":\"the ledger cannot be written" ESC "\"}"},
    {"POST /v1/resume?cluster=demo ", "202 Accepted", "{\"accepted\":true}"},
    {"POST / ", "200 OK", /* to any operation of ECS */
     "{\"tasks\":[{\"taskArn\":\"arn:aws:ecs:local:000000000000:task/demo/" TASK_ID "\"}],\"failures\":["
     "{\"arn\":\"arn:aws:ecs:local:000000000000:container-instance/demo/local\",\"reason\":\"RESOURCE:CPU\","
     "\"detail\":\"has insufficient "
     "CPU\"}],\"taskDefinition\":{\"containerDefinitions\":[{\"name\":\"app\"}]},"
     "\"task\":{\"taskArn\":\"arn:aws:ecs:local:000000000000:task/demo/" TASK_ID "\",\"lastStatus\":"
     "\"STOPPING\",\"stoppedReason\":\"enough\"}}"},
    {"GET /v1/tasks?cluster=demo&task=" TASK_ID " ", "200 OK",
     "{\"tasks\":[{\"id\":\"" TASK_ID
     "\",\"cluster\":\"demo\",\"group\":\"family:job\",\"status\":\"STOPPED\","
     "\"stopCode\":\"EssentialContainerExited\",\"exitCode\":7,\"exitedContainer\":\"app\"}]}"},
    {"GET /v1/tasks?cluster=demo&task=eeee ", "200 OK", NO_CONTAINER},
    {"GET /v1/tasks?cluster=gone&task=" TASK_ID " ", "200 OK", NO_CONTAINER},
    {"", "404 Not Found", "{\"error\":{\"message\":\"there is no such thing\"}}"},
};

/* Of a daemon whose newest commit is refused. */
static const struct answer refused[] = {
    {"GET /v1/status ", "200 OK", STATUS(REFUSED, SERVICE("2", "true", "steady"))},
    {"GET /v1/diff ", "200 OK", "{\"differences\":[],\"commit\":" COMMIT "," REFUSED "}"},
    {"", "404 Not Found", "{}"},
};

/* Of a daemon whose newest commit would remove too much. */
static const struct answer holding[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(LOOKED("bbbbbbbbbbbbbbbb", "2") "\"refused\":false,\"rolloutState\":\"COMPLETED\","
                                            "\"held\":\"removes 3 of 4 services (a/b)\",\"head\":{\"oid\":"
                                            "\"bbbbbbbbbbbbbbbb\",\"subject\":\"oh\",\"author\":\"Ada\"}",
            SERVICE("2", "true", "steady"))},
    {"POST /v1/approve?commit=bbbbbbb ", "202 Accepted",
     "{\"accepted\":true,\"commit\":{\"oid\":\"bbbbbbbbbbbbbbbb\",\"subject\":\"oh\"}}"},
    {"POST /v1/approve?commit=HEAD ", "202 Accepted",
     "{\"accepted\":true,\"commit\":{\"oid\":\"bbbbbbbbbbbbbbbb\",\"subject\":\"oh\"}}"},
    {"", "400 Bad Request", "{\"error\":{\"message\":\"no commit is held\"}}"},
};

/* Of a daemon one of whose services has failed. */
static const struct answer failing[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(
         "\"rolloutState\":\"FAILED\"," LOOKED("abcdef0123456789", "2") "\"refused\":false,\"head\":" COMMIT,
         "{\"cluster\":\"demo\",\"name\":\"web\",\"desiredCount\":2,\"healthy\":1,\"failed\":true,\"state\":"
         "\"failed\",\"failedTask\":\"" TASK_ID "\"},"
         "{\"cluster\":\"demo\",\"name\":\"loop\",\"state\":\"crash-looping\",\"failedTask\":\"" TASK_ID
         "\"}],\"scheduledTasks\":["
         "{\"name\":\"late\",\"lastDueAt\":\"2026-01-01T00:00:00.000Z\",\"result\":\"not started: no place\","
         "\"message\":\"was not started and is given up after 2 tries: no place\"},"
         "{\"name\":\"bad\",\"lastDueAt\":\"2026-01-01T00:00:00.000Z\",\"result\":\"failed: code 3\","
         "\"message\":\"started 1f\"},{\"name\":\"off\",\"state\":\"DISABLED\",\"counted\":true},"
         "{\"name\":\"young\",\"state\":\"ENABLED\",\"counted\":false},{\"name\":\"soon\",\"state\":"
         "\"ENABLED\",\"counted\":true,\"nextAt\":\"2026-01-01T00:00:00.000Z\"}")},
    {"GET /v1/diff ", "200 OK",
     "{\"differences\":[{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"rollout\",\"details\":[],"
     "\"rollout\":{\"deployment\":\"ecs-svc/1\",\"state\":\"IN_PROGRESS\",\"newTasks\":2,\"wantedTasks\":4}},"
     "{\"cluster\":\"demo\",\"service\":\"db\",\"change\":\"rollout\",\"details\":[],"
     "\"rollout\":{\"deployment\":\"ecs-svc/2\",\"state\":\"FAILED\",\"newTasks\":0,\"wantedTasks\":1}}]}"},
    {"POST /v1/retry?cluster=demo&service=web ", "202 Accepted", "{\"accepted\":true}"},
    {"", "400 Bad Request",
     "{\"error\":{\"message\":\"demo/db has not failed, it is steady: there is nothing to retry\"}}"},
};

/* Of a daemon one of whose services goes back to what completed last. */
static const struct answer rolling_back[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(
         "\"rolloutState\":\"FAILED\"," LOOKED("abcdef0123456789", "2") "\"refused\":false,\"head\":" COMMIT,
         "{\"cluster\":\"demo\",\"name\":\"web\",\"desiredCount\":2,\"healthy\":1,\"failed\":true,"
         "\"state\":\"rolling back\",\"waiting\":\"1 of 2 new tasks healthy\",\"deployment\":{\"family\":"
         "\"web\",\"revision\":1,\"commit\":{\"oid\":\"abcdef0123456789\"}}}")},
    {"", "404 Not Found", "{}"},
};

#define BUSY(name) "{\"cluster\":\"demo\",\"name\":\"" name "\",\"desiredCount\":2,\"state\":\"deploying\"},"
/* Of a daemon one of whose services has failed while others are on their way. */
static const struct answer blocked[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(
         GOOD,
         "{\"cluster\":\"demo\",\"name\":\"a\",\"blocked\":true,\"suspended\":true,\"state\":\"suspended\","
         "\"waiting\":\"suspended by davit suspend, since 2026-01-01T00:00:00Z\"},"
         "{\"cluster\":\"demo\",\"name\":\"b\",\"blocked\":true,\"suspended\":true,\"state\":\"suspended\","
         "\"waiting\":\"suspended by davit suspend, with its cluster, since 2026-01-01T00:00:00Z\"},"
         "{\"cluster\":\"demo\",\"name\":\"c\",\"blocked\":true,\"suspended\":true,\"state\":\"suspended\","
         "\"waiting\":\"suspended by git\"},"
         "{\"cluster\":\"demo\",\"name\":\"d\",\"blocked\":true,\"state\":\"waiting\",\"waiting\":"
         "\"waits for its change window, which opens at 2026-01-01 02:00 UTC\"},"
         "{\"cluster\":\"demo\",\"name\":\"e\",\"blocked\":true,\"state\":\"blocked\",\"waiting\":"
         "\"waits for service demo/c: it is suspended\"}")},
    {"", "404 Not Found", "{}"},
};

/* Of a daemon of two sources. */
static const struct answer blocked_of_two[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(GOOD, "{\"cluster\":\"demo\",\"name\":\"d\",\"source\":\"apps\",\"blocked\":true,\"state\":"
                  "\"waiting\",\"waiting\":\"waits for its change window\"}],\"sources\":["
                  "{\"name\":\"base\",\"ok\":true,\"wanted\":" COMMIT "," GOOD "},"
                  "{\"name\":\"apps\",\"ok\":true,\"wanted\":{\"oid\":\"123456789abcdef\"},"
                  "\"head\":{\"oid\":\"123456789abcdef\"},\"newest\":\"123456789abcdef\"}")},
    {"", "404 Not Found", "{}"},
};

static const struct answer failed_beside[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(
         "\"rolloutState\":\"FAILED\"," LOOKED("abcdef0123456789", "2") "\"refused\":false,\"head\":" COMMIT,
         BUSY("a") BUSY("b") BUSY("c") BUSY("d") BUSY("e") BUSY("f") BUSY("g") BUSY("h") BUSY("i")
             BUSY("j") "{\"cluster\":\"demo\",\"name\":\"web\",\"desiredCount\":2,\"failed\":true,\"state\":"
                       "\"failed\"}")},
    {"", "404 Not Found", "{}"},
};

/* Of a daemon one of whose services is held at what it was before. */
static const struct answer held[] = {
    {"GET /v1/status ", "200 OK",
     STATUS(
         "\"rolloutState\":\"FAILED\"," LOOKED("abcdef0123456789", "2") "\"refused\":false,\"head\":" COMMIT,
         "{\"cluster\":\"demo\",\"name\":\"web\",\"desiredCount\":2,\"healthy\":2,\"failed\":true,"
         "\"state\":\"held\",\"held\":{\"commit\":\"dddddddddddddddd\",\"since\":"
         "\"2026-01-01T00:00:00.000Z\"},\"deployment\":{\"family\":\"web\",\"revision\":1,"
         "\"reason\":\"completed\",\"commit\":{\"oid\":\"abcdef0123456789\"}}},"
         "{\"cluster\":\"demo\",\"name\":\"db\",\"desiredCount\":1,\"healthy\":1,\"failed\":true,"
         "\"state\":\"held\",\"held\":{\"commit\":\"dddddddddddddddd\",\"imagesOnly\":true}}")},
    {"POST /v1/hold?cluster=demo&service=web ", "202 Accepted",
     "{\"already\":true,\"to\":{\"family\":\"web\",\"revision\":1,\"commit\":{\"oid\":"
     "\"abcdef0123456789\"}}}"},
    {"POST /v1/hold?cluster=demo&service=web&to=3 ", "202 Accepted",
     "{\"already\":false,\"to\":{\"family\":\"web\",\"revision\":3,\"commit\":{\"oid\":"
     "\"eeeeeeeeeeeeeeee\"}}}"},
    {"POST /v1/hold?cluster=demo&service=db ", "202 Accepted",
     "{\"already\":false,\"imagesOnly\":true,\"to\":{\"family\":\"db\",\"revision\":2,\"commit\":{\"oid\":"
     "\"eeeeeeeeeeeeeeee\"}}}"},
    {"", "400 Bad Request", "{\"error\":{\"message\":\"there is nothing to go back to\"}}"},
};

/* Of daemons that cannot say whether all is as the repository says. */
#define UNKNOWN(more)                                                                                        \
    {                                                                                                        \
        {"GET /v1/status ", "200 OK",                                                                        \
         "{\"schemaVersion\":1,\"ready\":true,\"source\":{\"wanted\":" COMMIT ",\"head\":" COMMIT            \
         ",\"refused\":false,\"rolloutState\":\"COMPLETED\"," more                                           \
         "},\"instances\":[],\"services\":[" SERVICE("2", "true", "steady") "]}"},                           \
        {                                                                                                    \
            "", "404 Not Found", "{}"                                                                        \
        }                                                                                                    \
    }
static const struct answer broken[] =
    UNKNOWN(LOOKED("abcdef0123456789", "2") "\"ok\":false,\"message\":\"the host does not answer\"");
#define UNSIGNED "\"ok\":false,\"unverified\":true,\"message\":\"commit bbb is refused: it is not signed\""
static const struct answer unverified[] = UNKNOWN(LOOKED("abcdef0123456789", "2") UNSIGNED);
static const struct answer unverified_before[] = UNKNOWN(LOOKED("abcdef0123456789", "1") UNSIGNED);
static const struct answer looking[] = UNKNOWN(LOOKED("abcdef0123456789", "1") "\"ok\":true");
static const struct answer unjudged[] = UNKNOWN(LOOKED("cccccccccccccccc", "2") "\"ok\":true");

/* Of a daemon whose repository and engine write to the reader's terminal. */
static const struct answer hostile[] = {
    {"GET /v1/status ", "200 OK",
     "{\"version\":\"9\",\"ready\":true,\"source\":{\"ok\":false,\"origin\":\"/srv\",\"message\":\"" ESC
     "gone\",\"wanted\":{\"oid\":\"abcdef0123456789\",\"author\":\"Ada" ESC "\",\"subject\":\"say" ESC
     "\"},\"refused\":true,\"head\":{\"oid\":\"b\"},\"diagnostics\":{\"errors\":1,\"diagnostics\":[{"
     "\"severity\":"
     "\"error\",\"file\":\"a" ESC
     "\",\"message\":\"no\"}]}},\"instances\":[{\"name\":\"local\",\"message\":\"no" ESC
     "\"}],\"services\":[{\"cluster\":\"demo\",\"name\":\"web\",\"state\":\"failed\",\"failed\":true,"
     "\"deployment\":{"
     "\"reason\":\"pull" ESC "\"}}]}"},
    {"GET /v1/clusters ", "200 OK", "{\"clusters\":[{\"name\":\"demo\"}]}"},
    {"GET /v1/services ", "200 OK", "{\"services\":[{\"cluster\":\"demo\",\"name\":\"w" ESC "\"}]}"},
    {"GET /v1/events?follow=1 ", "200 OK",
     "{\"cluster\":\"demo\",\"service\":\"web\",\"at\":\"2026\",\"message\":\"said" ESC "\"}\n"},
    {"GET /v1/events ", "200 OK",
     "{\"events\":[{\"cluster\":\"demo\",\"service\":\"web\",\"message\":\"said" ESC "\"}]}"},
    {"GET /v1/diff ", "200 OK",
     "{\"differences\":[{\"cluster\":\"demo\",\"service\":\"web\",\"change\":\"update\",\"details\":["
     "{\"what\":\"image\",\"from\":\"a" ESC "\",\"to\":\"b" ESC "\"}]}]}"},
    {"GET /v1/logs", "200 OK",
     "{\"task\":\"0123456789abcdef\",\"container\":\"d\",\"error\":\"gone" ESC "\"}\n"},
    {"", "404 Not Found", "{\"error\":{\"message\":\"refused" ESC "\"}}"},
};

struct world {
    char dir[32];
    char socket[64];
    pid_t daemon;
};

static void answer(int fd, const struct answer *answer)
{
    dprintf(fd, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", answer->status,
            strlen(answer->body), answer->body);
    close(fd);
}

/* What is slow is answered once the next request was, and its answer taken in. */
static void serve(int listener, const struct answer *known)
{
    int slow_fd = -1;
    const struct answer *slow = NULL;
    while (true) {
        char request[8192] = "";
        int fd = accept(listener, NULL, NULL);
        if (read(fd, request, sizeof request - 1) <= 0) {
            close(fd);
            continue;
        }
        size_t i = 0;
        while (!text_starts_with(request, known[i].request))
            i++;
        if (strstr(request, "=slow ")) {
            slow_fd = fd;
            slow = &known[i];
            continue;
        }
        int end = slow ? dup(fd) : -1;
        answer(fd, &known[i]);
        if (!slow)
            continue;
        shutdown(end, SHUT_WR);
        while (read(end, request, sizeof request) > 0)
            continue;
        close(end);
        answer(slow_fd, slow);
        slow = NULL;
    }
}

static int begin(void **state, const struct answer *known)
{
    struct world *world = NEW(struct world);
    strcpy(world->dir, "/tmp/davit-cli-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->socket, sizeof world->socket, "%s/s", world->dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", world->socket);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    world->daemon = fork();
    if (world->daemon == 0)
        serve(listener, known);
    close(listener);
    setenv("DAVIT_SOCKET", world->socket, 1);
    *state = world;
    return 0;
}

static int setup(void **state)
{
    return begin(state, answers);
}

static int setup_refused(void **state)
{
    return begin(state, refused);
}

static int setup_holding(void **state)
{
    return begin(state, holding);
}

static int setup_failing(void **state)
{
    return begin(state, failing);
}

static int setup_rolling_back(void **state)
{
    return begin(state, rolling_back);
}

static int setup_blocked(void **state)
{
    return begin(state, blocked);
}

static int setup_blocked_of_two(void **state)
{
    return begin(state, blocked_of_two);
}

static int setup_failed_beside(void **state)
{
    return begin(state, failed_beside);
}

static int setup_held(void **state)
{
    return begin(state, held);
}

static int setup_broken(void **state)
{
    return begin(state, broken);
}

static int setup_unverified(void **state)
{
    return begin(state, unverified);
}

static int setup_unverified_before(void **state)
{
    return begin(state, unverified_before);
}

static int setup_looking(void **state)
{
    return begin(state, looking);
}

static int setup_unjudged(void **state)
{
    return begin(state, unjudged);
}

static int setup_hostile(void **state)
{
    return begin(state, hostile);
}

static int teardown(void **state)
{
    struct world *world = *state;
    kill(world->daemon, SIGKILL);
    waitpid(world->daemon, NULL, 0);
    unlink(world->socket);
    rmdir(world->dir);
    free(world);
    return 0;
}

static const struct command *const commands[] = {
    &cli_blame, &cli_status,    &cli_get,      &cli_history,  &cli_logs,      &cli_events,
    &cli_diff,  &cli_reconcile, &cli_validate, &cli_wait,     &cli_help,      &cli_approve,
    &cli_retry, &cli_suspend,   &cli_resume,   &cli_run_task, &cli_stop_task, &cli_rollback};

/* Words between blanks, '' for an empty one; checks the exit code and looks for texts. */
/* Runs it; returns its exit code. The caller frees what it wrote. */
static int run_line(const char *line, char **ret_out, char **ret_err)
{
    size_t out_len;
    size_t err_len;
    char *argv[16] = {(char[]){"davit"}};
    int argc = 1;
    char *copy CLEANUP_FREE = memory_strdup(line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = text_equal(word, "''") ? word + 2 : word;
    struct cli cli = {.commands = commands, .commands_len = ARRAY_LEN(commands)};
    cli.out = open_memstream(ret_out, &out_len);
    cli.err = open_memstream(ret_err, &err_len);
    int got = cli_run(&cli, argc, argv);
    fclose(cli.out);
    fclose(cli.err);
    return got;
}

static void expect(const char *line, int code, const char *in_out, const char *in_err)
{
    char *out = NULL;
    char *err = NULL;
    int got = run_line(line, &out, &err);
    if (got != code)
        fail_msg("%s: exit code %d, not %d: %s%s", line, got, code, out, err);
    if (strchr(out, '\033') || strchr(err, '\033'))
        fail_msg("%s: an escape reaches the terminal: %s%s", line, out, err);
    if (in_out && !strstr(out, in_out))
        fail_msg("%s: no \"%s\" in the output: %s", line, in_out, out);
    if (in_err && !strstr(err, in_err))
        fail_msg("%s: no \"%s\" among the errors: %s", line, in_err, err);
    free(out);
    free(err);
}

static void test_blame(void **state)
{
    (void)state;
    expect("blame demo/web", 0,
           "SERVICE  TASK          REVISION  COMMIT        AUTHOR  DATE        DEPLOYMENT  SUBJECT\n"
           "web      10123456789a  web:1     abcdef012345  Ada     -           ecs-svc/1   say hello\n"
           "web      20123456789a  web:1     dddddddddddd  Bob     2026-01-01  ecs-svc/1   first\n"
           "web      30123456789a  web:1     eeeeeeeeeeee  -       -           ecs-svc/1   -\n",
           NULL); /* what is to stop is not told */
    expect("blame demo/web -o json", 0, "\"oid\": \"eeeeeeeeeeeeeeee\"", NULL);
    expect("blame demo/other", CLI_ERROR, NULL, "there is no such thing");
    expect("blame", CLI_ERROR, NULL, "davit help blame");
}

static void test_lists(void **state)
{
    (void)state;
    expect("get services", 0,
           "CLUSTER  NAME  STATE      DESIRED  RUNNING  HEALTHY  WANTED  RUNS         COMMIT        AGE\n"
           "demo     web   deploying  2        2        1        web:2   web:2,web:1  abcdef012345  -\n",
           NULL);
    expect("get service demo/web -o yaml", 0, "services:\n- cluster: demo\n  name: web\n", NULL);
    expect("get services other", CLI_NO, NULL, "there is no \"other\" among the services");
    expect("get services -n other", CLI_ERROR, NULL, "there is no such thing");
    expect("get services -n demo", 0, "demo     web   deploying", NULL);
    expect("get servcies", CLI_ERROR, NULL, "did you mean services? davit has clusters, services, tasks");
    expect("get pods", CLI_ERROR, NULL,
           "there are no \"pods\"; davit has clusters, services, tasks, revisions, instances and "
           "scheduled-tasks");
    expect("get clusters", CLI_ERROR, NULL, "there is no such thing");
    expect("history demo/web", 0,
           "ecs-svc/471226167881  web:1     abcdef012345  Ada     -        1m5s      COMPLETED  -            "
           "         say hello\n"
           "ecs-svc/1             web:1     abcdef012345  Ada     -        -         FAILED     "
           "ecs-svc/471226167881  say hello",
           NULL);
    expect("history demo/web -o wide", 0, "ecs-svc/4712261678819166757  web:1", NULL);
    static const char runs[] =
        "DUE                       STARTED                   RESULT                        "
        "  TASKS\n2026-01-02T00:00:00.000Z  2026-01-02T00:00:01.000Z  running    "
        "                     demo/" TASK_SHORT ",other/" TASK_SHORT "\n"
        "2026-01-01T00:00:00.000Z  -                         not started: there is no "
        "place  -\n";
    expect("history demo/nightly", 0, runs, NULL);
    expect("history nightly", 0, runs, NULL);
    expect("history nightly -n other -o yaml", 0,
           "schemaVersion: 1\nscheduledTask: nightly\nruns:\n- dueAt: \"2026-01-02T00:00:00.000Z\"\n", NULL);
    expect("history nightly -n third", CLI_ERROR, NULL, "there is no such thing");
    expect("history demo/idle", 0, NULL, "it was not due yet");
    expect("history demo/gone", CLI_ERROR, NULL,
           "there is no such thing; of one that was removed the ledger tells, see davit help history\n");
    expect("history demo/web/x", CLI_ERROR, NULL, "is not CLUSTER/SERVICE");
}

static void test_health_in_words(void **state)
{
    (void)state;
    expect("get tasks", 0,
           "0123456789ab  RUNNING  -         -                -         -    enough\n"
           "demo     web      0123456789ab  RUNNING  starting  -                -         -    enough\n"
           "demo     web      0123456789ab  RUNNING  HEALTHY   -                -         -    enough\n"
           "demo     web      0123456789ab  RUNNING  unknown   -                -         -    enough\n",
           NULL);
    expect("get tasks -o json", 0, "\"health\": \"UNKNOWN\"", NULL);
}

static void test_streams(void **state)
{
    (void)state;
    expect("logs demo/web --tail all", 0, "0123456789ab/c | hello\n", "0123456789ab/d: gone");
    expect("logs demo/unread", CLI_ERROR, NULL, "0123456789ab/d: gone\ndavit: no container could be read\n");
    expect("logs demo/idle", 0, NULL,
           "no task of demo/idle runs; of those that stopped: davit logs demo/idle --task 0123\n");
    expect("logs -n demo web --tail all", 0, "| hello\n", NULL);
    expect("logs demo/web --tail -1", CLI_ERROR, NULL,
           "--tail: \"-1\" is neither a number of lines nor all\n");
    expect("logs demo/web --tail=1k", CLI_ERROR, NULL, "--tail: \"1k\" is neither");
    expect("logs demo/none", CLI_ERROR, NULL, "there is no such thing");
    expect("logs 0123", 0, TASK_SHORT "/c | of a service\n", NULL);
    expect("logs demo/bbbb", 0, "bbbbbbbb/c | of a task\n", NULL);
    expect("logs cccc", CLI_ERROR, NULL,
           "davit: 2 tasks begin so, demo/cccc1 and other/cccc2 among them: give more of the id\n");
    expect("logs demo/eeee", CLI_ERROR, NULL,
           "task " TASK_SHORT " has no container that could have written anything: cannot pull\n");
    expect("logs dddd", CLI_ERROR, NULL, "there is no such thing");
    expect("events -w", 0, "2026-01-01T00:00:00.000Z  demo/web  (task 0123456789ab) failed\n", NULL);
    expect("events -w -o wide", 0, "(task " TASK_ID ") failed\n", NULL);
    expect("events", 0, "(task 0123456789ab) failed\n", NULL);
    expect("events -o wide", 0, "(task " TASK_ID ") failed", NULL);
    expect("events -o json", 0, "(task " TASK_ID ") failed", NULL);
}

static void test_status_diff_wait_reconcile(void **state)
{
    (void)state;
    expect("status", 0, "wanted     abcdef012345  say hello  (Ada <ada@example.org>): COMPLETED\n", NULL);
    expect("status", 0, "demo/web  [##########] 2/2 healthy  steady web:2 (abcdef0)\n", NULL);
    expect("diff", CLI_NO, "demo/web: changed in place\n  scale 2 -> 4\n", NULL);
    expect("diff", CLI_NO,
           "  runs first: migrate, then seed (davit.preDeploy)\n"
           "  waits for its change window, which opens at 2026-01-01 02:00 UTC\n"
           "  held by davit rollback --hold since 2026-01-01T00:00:00Z; not applied\n",
           NULL);
    expect("diff -o markdown", CLI_NO, "<br>held by davit rollback ", NULL);
    expect("diff -o json", CLI_NO, "\"opensAt\": 1767232800", NULL);
    expect("diff -o markdown", CLI_NO,
           "| `web` | changed in place, scale 2 → 4 | `container \"web\" file site/index.html` changed<br>",
           NULL);
    expect("diff --socket /nonexistent/davit.sock -o markdown", CLI_ERROR,
           "### davit: the diff could not be computed\n",
           "no davit daemon answers at /nonexistent/davit.sock");
    expect("diff --socket /nonexistent/davit.sock -o json", CLI_ERROR, "\"error\": \"no davit daemon answers",
           NULL);
    expect("diff", CLI_NO,
           "\nheld: the commit removes 3 of 4 services (c/a, c/b, c/d); what runs stays until davit approve "
           "COMMIT, or a commit with the trailer \"Davit-Approve-Deletions: N\"\n",
           NULL);
    expect("diff", CLI_NO, "  container \"web\" file site/index.html changed\n", NULL);
    expect("diff", CLI_NO,
           "  command: ..." X38 "\xc3\xa9old -> ..." X38 "\xc3\xa9new" X50 X50 X50 "xxxxxxx...\n", NULL);
    expect("diff", CLI_NO, "  entryPoint: added " X200 "...\n", NULL);
    expect("diff -o json", CLI_NO, X250 "\xc3\xa9old\"", NULL);
    expect("wait", 0, NULL, "demo/web  [##########] 2/2 healthy  steady");
    expect("wait demo/web --timeout 1s", 0, NULL, NULL);
    expect("wait demo/nope --timeout 1s", CLI_ERROR, NULL, "there is no service \"demo/nope\"\n");
    expect("wait web --timeout 1s", CLI_ERROR, NULL,
           "there is no service \"default/web\"; did you mean demo/web?\n");
    expect("wait web demo/web --timeout 1s", CLI_ERROR, NULL,
           "there is no service \"default/web\"; did you mean demo/web?\n");
    expect("wait -n demo web demo/web --timeout 1s", 0, NULL, NULL);
    expect("wait demo --timeout 1s", CLI_ERROR, NULL, "demo is a cluster: davit wait -n demo\n");
    expect("diff a...b", CLI_ERROR, NULL, "give the two commits, FROM and TO");
    expect("wait -n other --timeout 1s", CLI_ERROR, NULL, "davit: there is no such thing\n");
    expect("wait other/web --timeout 1s", CLI_ERROR, NULL,
           "there is no service \"other/web\"; did you mean demo/web?\n");
    expect("reconcile demo", 0, NULL, "looks again");
    expect("suspend demo/web", 0, NULL, "demo/web is left alone, until \"davit resume demo/web\"\n");
    expect("suspend slow", 0, NULL,
           "davit: not saved yet, and lost if davit is restarted now; waiting: the ledger cannot be "
           "written" SEEN "\nslow is left alone");
    expect("suspend", CLI_ERROR, NULL, "CLUSTER[/SERVICE]");
    expect("resume demo", 0, NULL, "demo is resumed; \"davit wait\" shows how it gets on\n");
    expect("resume other", CLI_ERROR, NULL, "there is no such thing");
    expect("status --socket /nonexistent/davit.sock", CLI_ERROR, NULL,
           "no davit daemon answers at /nonexistent/davit.sock");
    expect("status --socket localhost", CLI_ERROR, NULL, "no davit daemon answers at localhost (");
    expect("status --socket localhost:x", CLI_ERROR, NULL, "the port must be 1 to 65535");
    const struct world *world = *state;
    char start[PATH_MAX];
    assert_non_null(getcwd(start, sizeof start));
    assert_int_equal(chdir(world->dir), 0);
    expect("status --socket s", 0, NULL, NULL);
    expect("status --socket ./s", 0, NULL, NULL);
    assert_int_equal(chdir(start), 0);
}

static void test_run_task(void **state)
{
    (void)state;
    expect("run-task demo job", CLI_NO, "demo/" TASK_ID "\n",
           "davit: no place on local: RESOURCE:CPU: has insufficient CPU\n");
    expect("run-task demo job --wait", 7, "demo/" TASK_ID "\n",
           "demo/" TASK_SHORT ": STOPPED, app exited with code 7\nits output: davit logs demo/" TASK_SHORT
           "\n");
    char *out CLEANUP_FREE = NULL;
    char *err CLEANUP_FREE = NULL;
    assert_int_equal(run_line("run-task gone job --wait", &out, &err), CLI_NO);
    assert_string_equal(strstr(err, "STOPPED"), "STOPPED, TaskFailedToStart: cannot pull\n"); /* no output */
    expect("run-task demo job -e A=1 --env B= -- ls -l", CLI_NO, "demo/" TASK_ID "\n", NULL);
    expect("run-task demo job ''", CLI_ERROR, NULL, "COMMAND is empty");
    expect("run-task demo job -e =1", CLI_ERROR, NULL, "--env: \"=1\" is not NAME=VALUE");
    expect("run-task demo job --count 11", CLI_ERROR, NULL, "--count: \"11\" is not 1 to 10");
    expect("run-task demo", CLI_ERROR, NULL, "run-task needs CLUSTER FAMILY[:REVISION] [COMMAND...]");
    expect("stop-task demo/" TASK_SHORT " --reason enough", 0, NULL,
           "demo/" TASK_SHORT " is STOPPING: enough\n");
}

static void test_a_refused_commit(void **state)
{
    (void)state;
    expect("status", 0,
           "wanted     abcdef012345  say hello  (Ada <ada@example.org>): FAILED\n"
           "head       bbbbbbbbbbbb  typo  (Ada): REFUSED\n"
           "           web.yaml:8:5: error: no such thing\n",
           NULL);
    expect("wait --timeout 1s", CLI_NO, NULL,
           "web.yaml:8:5: error: no such thing\n"
           "davit: commit bbbbbbbbbbbb is refused; nothing was changed\n");
    expect("diff", CLI_ERROR, NULL,
           "davit: HEAD bbbbbbbbbbbb (typo) is refused:\n"
           "  web.yaml:8:5: error: no such thing\n"
           "compared with what runs is abcdef012345 (say hello) instead, the last good commit\n"
           "no differences\n");
    expect("diff -o json", CLI_ERROR, "\"refused\": true", NULL);
    expect(
        "diff -o markdown", CLI_ERROR,
        "\n> **Refused**: `bbbbbbbbbbbb` `typo`; what follows is about `abcdef012345` `say hello`, the last "
        "good commit\n\n- `web.yaml:8:5: error: no such thing`\n",
        "davit: HEAD bbbbbbbbbbbb (typo) is refused:\n");
}

static void test_a_held_commit(void **state)
{
    (void)state;
    expect("status", 0,
           "head       bbbbbbbbbbbb  oh  (Ada): HELD\n"
           "           it removes 3 of 4 services (a/b); what runs stays\n"
           "           davit approve bbbbbbbbbbbb deploys it; git revert takes it back\n",
           NULL);
    expect("wait --timeout 1s", CLI_NO, NULL,
           "davit: commit bbbbbbbbbbbb is held: it removes 3 of 4 services (a/b); nothing was changed; "
           "davit approve bbbbbbbbbbbb deploys it\n");
    expect("approve bbbbbbb", 0, NULL, "commit bbbbbbbbbbbb (oh) is approved");
    expect("approve HEAD", 0, NULL, "commit bbbbbbbbbbbb (oh) is approved");
    expect("approve ccccccc", CLI_ERROR, NULL, "davit: no commit is held\n");
    expect("approve", CLI_ERROR, NULL, "COMMIT");
}

/* Nothing comes of it by itself: what ends it is said. */
static void test_wait_says_what_a_service_waits_for(void **state)
{
    (void)state;
    expect(
        "wait --timeout 1s", CLI_NO, NULL,
        "davit: demo/a: suspended by davit suspend, since 2026-01-01T00:00:00Z; nothing of it happens until "
        "davit resume demo/a\n"
        "davit: demo/b: suspended by davit suspend, with its cluster, since 2026-01-01T00:00:00Z; nothing of "
        "it happens until davit resume demo\n"
        "davit: demo/c: suspended by git; nothing of it happens until a commit takes davit.suspend of its "
        "service away\n"
        "davit: demo/d: waits for its change window, which opens at 2026-01-01 02:00 UTC; davit approve "
        "abcdef012345 lets it through now\n"
        "davit: demo/e: waits for service demo/c: it is suspended\n");
    expect("status", 0, "  nothing of it happens until davit resume demo/a\n", NULL);
}

static void test_a_failed_service(void **state)
{
    (void)state;
    expect("status", 0,
           "schedule   late: never again, last 2026-01-01T00:00:00Z, was not started and is given up after 2 "
           "tries: no place\n"
           "schedule   bad: never again, last 2026-01-01T00:00:00Z failed: code 3, started 1f\n"
           "schedule   off: disabled\n"
           "schedule   young: not known before the instances have answered\n"
           "schedule   soon: next 2026-01-01T00:00:00Z\n",
           NULL);
    expect("diff", CLI_NO,
           "demo/web: not all of it is deployed\n  deployment ecs-svc/1 in progress: 2 of 4 tasks are new\n"
           "demo/db: not all of it is deployed\n  deployment ecs-svc/2 failed: 0 of 1 task is new\n",
           NULL);
    expect(
        "status", 0,
        "  davit logs demo/web -t 0123456789ab says why; other content is tried, or the same by davit retry "
        "demo/web\n",
        NULL);
    expect("status", 0, "  davit logs demo/loop -t 0123456789ab says why\n", NULL);
    expect("wait --timeout 1s", CLI_NO, NULL,
           "davit: demo/web has failed: davit logs demo/web -t 0123456789ab says why; other content is "
           "tried, or "
           "the same by davit retry demo/web\n");
    expect("retry demo/web", 0, NULL, "demo/web is tried again; \"davit wait demo/web\"");
    expect("retry demo/db", CLI_ERROR, NULL,
           "davit: demo/db has not failed, it is steady: there is nothing to retry\n");
    expect("retry", CLI_ERROR, NULL, "CLUSTER/SERVICE");
}

static void test_a_held_service(void **state)
{
    (void)state;
    expect(
        "status", 0,
        "demo/web  [##########] 2/2 healthy  held at web:1 (abcdef0)\n"
        "          by davit rollback --hold since 2026-01-01T00:00:00Z; commit dddddddddddd is not applied "
        "until the content changes, or by davit retry demo/web\n",
        NULL);
    expect("wait --timeout 1s", CLI_NO, NULL,
           "davit: demo/web is held: by davit rollback --hold since 2026-01-01T00:00:00Z; commit");
    expect("rollback demo/web --hold", 0, NULL,
           "demo/web has gone back to web:1 (commit abcdef012345) already");
    expect(
        "rollback demo/web --hold --to 3", 0, NULL,
        "demo/web goes back to web:3 (commit eeeeeeeeeeee), until its content in the repository changes or "
        "\"davit retry demo/web\"");
    expect("status", 0,
           "Z; the newer images of commit dddddddddddd are not applied until the content changes", NULL);
    expect("rollback demo/db --hold", 0, NULL,
           "demo/db goes back to the images of db:2 (commit eeeeeeeeeeee), until");
    expect("rollback demo/api --hold", CLI_ERROR, NULL, "davit: there is nothing to go back to\n");
    expect("rollback demo/web --hold --push", CLI_ERROR, NULL, "--push says nothing to it");
    expect("rollback demo/web --hold --branch b", CLI_ERROR, NULL, "--branch says nothing to it");
}

static void test_wait_waits_for_the_end_of_a_rollback(void **state)
{
    (void)state;
    expect("wait --timeout 1s", CLI_TIMEOUT, NULL,
           "demo/web  [#####.....] 1/2 healthy  rolling back to web:1 (abcdef0)  waiting: 1 of 2 new tasks "
           "healthy\n");
}

static void test_wait_names_the_commit_of_the_source_that_waits(void **state)
{
    (void)state;
    expect("wait --timeout 50s", CLI_NO, NULL,
           "davit: demo/d: waits for its change window; davit approve 123456789abc lets it through now\n");
}

static void test_wait_ends_with_the_first_that_has_failed(void **state)
{
    (void)state;
    expect(
        "wait --timeout 50s", CLI_NO, NULL,
        "davit: demo/web has failed: other content is tried, or the same by davit retry demo/web\n"
        "davit: not steady yet: demo/a, demo/b, demo/c, demo/d, demo/e, demo/f, demo/g, demo/h and 2 more\n");
    expect("wait demo/a demo/b --timeout 1s", CLI_TIMEOUT, NULL,
           "davit: not steady yet: demo/a, demo/b\ndavit: not steady after 1s\n");
}

static void test_wait_is_not_content_with_a_broken_source(void **state)
{
    (void)state;
    expect("wait --timeout 1s", CLI_TIMEOUT, NULL,
           "davit: the source: the host does not answer; waiting for it, up to 1s (--timeout)\n"
           "davit: the source cannot be read after 1s\n");
}

static void test_wait_does_not_wait_for_a_signature(void **state)
{
    (void)state;
    expect("wait --timeout 50s", CLI_NO, NULL,
           "davit: commit bbb is refused: it is not signed; nothing was changed\n");
}

/* Of a look that was asked for, and of a commit that was seen. */
static void test_wait_waits_for_what_is_under_way(void **state)
{
    (void)state;
    expect("wait --timeout 1s", CLI_TIMEOUT, NULL, "davit: not steady after 1s\n");
    expect("wait --timeout 2s", CLI_TIMEOUT, NULL,
           "davit: the source: a look at it is under way; waiting for it, up to 2s (--timeout)\n"
           "davit: the look at the source has not ended after 2s\n");
}

/* The one that was refused may be another's by now. */
static void test_wait_waits_for_a_newer_commit(void **state)
{
    (void)state;
    expect("wait --timeout 1s", CLI_TIMEOUT, NULL, "the source cannot be read after 1s\n");
}

static void test_nothing_reaches_the_terminal_as_a_command(void **state)
{
    (void)state;
    expect("status", 0, SEEN "gone\nwanted     abcdef012345  say" SEEN "  (Ada" SEEN ")", NULL);
    expect("status", 0, "a" SEEN ": error: no\n", NULL);
    expect("status", 0, "instance   local: no" SEEN "\n", NULL);
    expect("status", 0, "pull" SEEN "\n", NULL);
    expect("wait --timeout 1s", CLI_TIMEOUT, NULL, "pull" SEEN "\n");
    expect("wait --timeout 1s", CLI_TIMEOUT, NULL,
           "davit: the source: " SEEN "gone; waiting for it, up to 1s (--timeout)\n");
    expect("get services", 0, "w" SEEN, NULL);
    expect("get clusters -n demo", 0, "demo", NULL);
    expect("get clusters -n nope", CLI_ERROR, NULL, "there is no cluster \"nope\"\n");
    expect("events", 0, "said" SEEN "\n", NULL);
    expect("events -w", 0, "demo/web  said" SEEN "\n", NULL);
    expect("diff", CLI_NO, "  image: a" SEEN " -> b" SEEN "\n", NULL);
    expect("logs demo/web", 0, NULL, "0123456789ab/d: gone" SEEN "\n");
    expect("history demo/web", CLI_ERROR, NULL, "refused" SEEN);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_validate(void **state)
{
    const struct world *world = *state;
    char path[64];
    char line[128];
    snprintf(path, sizeof path, "%s/demo.yaml", world->dir);
    snprintf(line, sizeof line, "validate %s", path);
    write_file(path, "kind: Cluster\nclusterName: demo\n");
    expect(line, CLI_OK, NULL, "valid: 1 cluster, 0 services, 0 task definitions");
    write_file(path,
               "kind: Cluster\nclusterName: demo\n---\nkind: TaskDefinition\nfamily: job\nmemory: '64'\n"
               "containerDefinitions:\n- {name: app, image: a}\n---\nkind: ScheduledTask\nName: report\n"
               "ScheduleExpression: rate(1 hour)\nState: ENABLED\nTarget:\n  Arn: demo\n"
               "  EcsParameters: {TaskDefinitionArn: job}\n");
    expect(line, CLI_OK, NULL, "valid: 1 cluster, 0 services, 1 task definition, 1 scheduled task");
    write_file(path, "kind: Cluster\nclusterNme: demo\n");
    expect(line, CLI_NO, "demo.yaml:2:1: error: unknown member \"clusterNme\"", "not valid: ");
    snprintf(line, sizeof line, "validate -o json %s", path);
    expect(line, CLI_NO, "\"valid\": false", NULL);
    snprintf(line, sizeof line, "validate %s/../%s/./demo.yaml", world->dir, strrchr(world->dir, '/') + 1);
    expect(line, CLI_NO, "/./demo.yaml:2:1: error: unknown member \"clusterNme\"", NULL);
    snprintf(line, sizeof line, "validate -o json %s", path);
    unlink(path);
    expect(line, CLI_ERROR, NULL, "No such file");
}

/* Files that no commit holds are looked at from now on. */
static void test_validate_what_is_over(void **state)
{
    const struct world *world = *state;
    char path[64];
    char line[128];
    snprintf(path, sizeof path, "%s/demo.yaml", world->dir);
    write_file(path, "kind: Cluster\nclusterName: demo\ndavit:\n  changeWindows:\n"
                     "  - {kind: allow, schedule: cron(0 2 1 1 ? 1999), durationMinutes: 60}\n");
    snprintf(line, sizeof line, "validate %s", world->dir);
    expect(line, CLI_OK, "1:1: warning: no change window of demo opens any more", "1 warning");
    snprintf(line, sizeof line, "validate %s", path);
    expect(line, CLI_OK, "1:1: warning: no change window of demo opens any more", "1 warning");
    unlink(path);
}

static void test_validate_for_a_forge(void **state)
{
    const struct world *world = *state;
    char path[64];
    char line[128];
    snprintf(path, sizeof path, "%s/a,b: 1%%.yaml", world->dir);
    write_file(path, "kind: Cluster\nclusterNme: demo\n---\nkind: Cluster\nclusterNme: demo\n");
    snprintf(line, sizeof line, "validate -o github %s", world->dir);
    expect(
        line, CLI_NO,
        "::error title=unknown-member,file=a%2Cb%3A 1%25.yaml,line=2,col=1::unknown member \"clusterNme\" at "
        "/clusterNme; did you mean \"clusterName\"?\n",
        "not valid: 4 errors");
    snprintf(line, sizeof line, "validate -o gitlab %s", world->dir);
    expect(line, CLI_NO, "\"path\": \"a,b: 1%.yaml\",\n      \"lines\": {\n        \"begin\": 2",
           "not valid: 4 errors");
    snprintf(line, sizeof line, "validate -o sarif %s", world->dir);
    expect(line, CLI_NO, "\"uri\": \"./a,b:%201%25.yaml\"", "not valid: 4 errors");
    expect(line, CLI_NO, "\"startLine\": 5,\n                  \"startColumn\": 1", NULL);
    unlink(path);
    expect(line, CLI_NO, "\"ruleId\": \"no-manifests\"", NULL);
    snprintf(line, sizeof line, "validate -o github %s", world->dir);
    expect(line, CLI_NO, "::error title=no-manifests::no manifest in this commit", NULL);
}

/* However the file is named: forges know paths from the root of the repository only. */
static void test_validate_a_file_for_a_forge(void **state)
{
    const struct world *world = *state;
    char line[160];
    char *command CLEANUP_FREE =
        memory_printf("cd %s && git init -q && mkdir deploy && echo 'kind: No' >deploy/web.yaml", world->dir);
    assert_int_equal(system(command), 0);
    static const char *const formats[][2] = {{"github", ",file=deploy/web.yaml,line=1"},
                                             {"gitlab", "\"path\": \"deploy/web.yaml\""},
                                             {"sarif", "\"uri\": \"deploy/web.yaml\""}};
    char *before CLEANUP_FREE = getcwd(NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        snprintf(line, sizeof line, "validate -o %s %s/deploy/web.yaml", formats[i][0], world->dir);
        expect(line, CLI_NO, formats[i][1], NULL);
        snprintf(line, sizeof line, "%s/deploy", world->dir);
        assert_int_equal(chdir(line), 0);
        snprintf(line, sizeof line, "validate -o %s web.yaml", formats[i][0]);
        expect(line, CLI_NO, formats[i][1], NULL);
        expect("validate web.yaml", CLI_NO, "web.yaml:1:7: error",
               NULL); /* people see it from where they are */
        assert_int_equal(chdir(before), 0);
    }
    char *clean CLEANUP_FREE = memory_printf("rm -rf %s/.git %s/deploy", world->dir, world->dir);
    assert_int_equal(system(clean), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_blame),
        CASE(test_validate_a_file_for_a_forge),
        CASE(test_lists),
        CASE(test_health_in_words),
        CASE(test_streams),
        CASE(test_run_task),
        cmocka_unit_test_setup_teardown(test_a_refused_commit, setup_refused, teardown),
        cmocka_unit_test_setup_teardown(test_a_held_commit, setup_holding, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_service, setup_failing, teardown),
        cmocka_unit_test_setup_teardown(test_a_held_service, setup_held, teardown),
        cmocka_unit_test_setup_teardown(test_wait_waits_for_the_end_of_a_rollback, setup_rolling_back,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wait_says_what_a_service_waits_for, setup_blocked, teardown),
        cmocka_unit_test_setup_teardown(test_wait_names_the_commit_of_the_source_that_waits,
                                        setup_blocked_of_two, teardown),
        cmocka_unit_test_setup_teardown(test_wait_ends_with_the_first_that_has_failed, setup_failed_beside,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wait_is_not_content_with_a_broken_source, setup_broken,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wait_does_not_wait_for_a_signature, setup_unverified, teardown),
        cmocka_unit_test_setup_teardown(test_wait_waits_for_a_newer_commit, setup_unverified_before,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wait_waits_for_what_is_under_way, setup_looking, teardown),
        cmocka_unit_test_setup_teardown(test_wait_waits_for_what_is_under_way, setup_unjudged, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_reaches_the_terminal_as_a_command, setup_hostile,
                                        teardown),
        CASE(test_status_diff_wait_reconcile),
        CASE(test_validate),
        CASE(test_validate_what_is_over),
        CASE(test_validate_for_a_forge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
