#include "cli/init_files.h"

#include <stddef.h>

#define MODELINE(kind) "# yaml-language-server: $schema=.davit/schemas/" kind ".json\n"

static const char readme[] =
    "# What runs, and where\n"
    "\n"
    "davit runs what this repository says: clusters, task definitions and services in the\n"
    "shapes of Amazon ECS, on Docker or Podman engines of our own.\n"
    "\n"
    "| file | what it is |\n"
    "|---|---|\n"
    "| `cluster.yaml` | the cluster `demo` |\n"
    "| `web.task-definition.yaml` | the containers of one task |\n"
    "| `web.service.yaml` | how many tasks run, and how they are replaced |\n"
    "| `.davit/schemas/` | JSON Schemas, so that an editor completes and explains members; `davit schema "
    "KIND` prints them |\n"
    "\n"
    "A change is a merge request: the pipeline runs `davit validate` and shows what would be deployed "
    "(`davit diff`). What is\n"
    "merged is deployed; `git revert` is the rollback.\n"
    "\n"
    "There is a pipeline for GitHub, for Gitea and Forgejo, and for GitLab: remove those of other forges, "
    "and "
    "say in the one\n"
    "that stays where it gets davit from (`DAVIT_GIT_URL`).\n"
    "\n"
    "    davit validate                  # before a commit\n"
    "    davit diff origin/main HEAD     # what the branch would change\n"
    "    davit status                    # what runs, and what davit waits for\n";

static const char gitignore[] = "# Secrets do not belong into a repository.\n"
                                ".env\n"
                                "*.pem\n"
                                "*.key\n";

static const char cluster[] = MODELINE("Cluster") "kind: Cluster\n"
                                                  "clusterName: demo\n";

static const char task_definition[] = MODELINE(
    "TaskDefinition") "kind: TaskDefinition\n"
                      "family: web\n"
                      "networkMode: bridge\n"
                      "containerDefinitions:\n"
                      "  - name: web\n"
                      "    image: nginx:1.27-alpine\n"
                      "    memory: 64\n"
                      "    portMappings:\n"
                      "      - containerPort: 80 # without hostPort the engine chooses one for each task\n"
                      "    healthCheck:\n"
                      "      command: [\"CMD-SHELL\", \"wget -q -O /dev/null http://127.0.0.1/ || exit 1\"]\n"
                      "      interval: 10\n";

static const char service[] = MODELINE("Service") "kind: Service\n"
                                                  "serviceName: web\n"
                                                  "cluster: demo\n"
                                                  "taskDefinition: web # its newest revision\n"
                                                  "desiredCount: 2\n"
                                                  "deploymentConfiguration:\n"
                                                  "  minimumHealthyPercent: 50\n"
                                                  "  maximumPercent: 200\n";

const struct init_file init_files[] = {
    {"README.md", readme, NULL},
    {".gitignore", gitignore, NULL},
    {"cluster.yaml", cluster, NULL},
    {"web.task-definition.yaml", task_definition, NULL},
    {"web.service.yaml", service, NULL},
    {".davit/schemas/Cluster.json", NULL, "Cluster"},
    {".davit/schemas/Environment.json", NULL, "Environment"},
    {".davit/schemas/ScheduledTask.json", NULL, "ScheduledTask"},
    {".davit/schemas/Service.json", NULL, "Service"},
    {".davit/schemas/TaskDefinition.json", NULL, "TaskDefinition"},
    {".github/workflows/davit.yaml", init_pipeline_github, NULL},
    {".gitea/workflows/davit.yaml", init_pipeline_forgejo, NULL},
    {".gitlab-ci.yml", init_pipeline_gitlab, NULL},
    {NULL, NULL, NULL},
};
