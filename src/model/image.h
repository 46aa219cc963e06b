/* References to images: "nginx", "nginx:1.27", "registry.example:5000/web:2", "nginx@sha256:...". Which of
 * them are resolved to a digest, once for all tasks of a deployment, is ECS's versionConsistency: those
 * without a digest, unless the container says "disabled" (ECS, "Container image resolution").
 */
#pragma once

#include "base/vector.h"
#include "model/desired.h"

/* "sha256:..." at its end; NULL: it names no digest. Borrowed. */
const char *image_digest(const char *reference);
/* Whether it is one as registries have them: "sha256:" and 64 hexadecimal digits. */
bool image_digest_is_valid(const char *digest);
/* Without tag and digest: "registry.example:5000/web". Caller frees. */
char *image_repository(const char *reference);
/* "1.27" of "nginx:1.27@sha256:..."; NULL: it names no tag. Caller frees. */
char *image_tag(const char *reference);
/* The same repository at that digest, without the tag: "nginx:1.27" gives "nginx@sha256:...". Caller frees.
 */
char *image_at(const char *reference, const char *digest);
/* Whether a RepoDigest of an engine ("docker.io/library/nginx@sha256:...") is of the reference's repository.
 * Never for "localhost/...": so Podman calls what was built there. */
bool image_is_of(const char *reference, const char *repo_digest);

/* The image of a container as its definition names it; NULL when there is none. Borrowed. */
const char *image_of(const struct task_definition *definition, const char *container);
/* The same, if it is to be resolved; else NULL. */
const char *image_to_resolve(const struct task_definition *definition, const char *container);
