/* What davit update-images would change. For update_images*.c. */
#pragma once

#include "base/buffer.h"
#include "base/map.h"
#include "cli/cli.h"
#include "manifest/image_edit.h"
#include "model/desired.h"
#include "registry/registry.h"
#include "source/remote.h"
#include "source/restore.h"

/* An image that could not be judged, or not be replaced. */
struct image_failure {
    size_t edit; /* index in update.edits */
    char *message;
};
struct image_failure_vec VECTOR_OF(struct image_failure);

/* An image that the policy asks for, and that the branch had and has not any more. */
struct image_refusal {
    size_t edit;                  /* index in update.edits, which has no replacement */
    char *image;                  /* that is not proposed */
    char commit[COMMIT_OID_SIZE]; /* that took it out */
    char *subject;
};
struct image_refusal_vec VECTOR_OF(struct image_refusal);

/* A remote, and the repository of davit's in which is committed for it. */
struct image_update_remote {
    struct source_remote *source;
    unsigned deadline_s; /* of one fetch, one push; then the process ends */
};

/* One run. */
struct image_update {
    const struct cli *cli;
    const struct image_update_remote *remote; /* whose branches they are; NULL: of the user's repository */
    struct source_branch base;                /* that is deployed from */
    struct source_branch
        review; /* that is committed to in its place; no directory: it is not there yet, or ... */
    const char *review_name;     /* ... NULL: none is wanted */
    const char *parent;          /* of the commit: the tip of one of the two, borrowed */
    char there[COMMIT_OID_SIZE]; /* what is to be pushed, at the remote; see source_push_check() */
    char *directory;             /* of the manifests in the repository */
    struct desired *desired;
    struct image_edit_vec edits;        /* what has a policy; what is to change has a replacement */
    struct source_content_vec contents; /* of the files that change */
    struct image_failure_vec failures;
    struct image_refusal_vec refusals;
    bool is_late; /* the remote's branch has moved meanwhile: once more */
};

/* Of the remote, which is given. Errors of source/remote.h. */
int image_update_fetch(const struct image_update *update, struct error *err);
int image_update_push(const struct image_update *update, const char *name, struct error *err);

/* Fetches, commits and pushes where a remote is given. CLI_NO: of some images only. */
int image_update_run(const struct cli *cli, const struct image_update_remote *remote);
extern const struct cli_flag image_update_flags[];

/* Reads the manifests of `parent`, asks the registries and fills what is behind it. CLI_ERROR after a
 * message; what fails of single images is in `failures`. */
int image_update_find(struct image_update *update);
/* Takes back what the branch has taken out again, by git revert, davit rollback or by hand: it is wanted by
 * nobody until a later one exists. That is an image that the container had, under the same policy, in the
 * last SOURCE_RUNS changes of its file on the first-parent line, and has not any more. One with the same tag,
 * and another digest, may have moved on: of that it counts only where what came before it came back. */
void image_update_recall(struct image_update *update);
/* "default/web app", of all services that run it, or "task definition web app". Caller frees. */
char *image_update_label(const struct image_update *update, const struct image_edit *edit);
/* The failure of that edit is told in `failures`; takes the message. */
void image_update_fail(struct image_update *update, size_t edit, char *message);
/* The repository that is committed in; borrowed. */
const char *image_update_repository(const struct image_update *update);
