#include "cli/signing.h"

#include "cli/output.h"
#include "model/json.h"
#include "source/restore.h"
#include "source/verify.h"

int cli_check_signing(const struct cli *cli, const struct cli_signing *signing)
{
    const char *name = model_string(signing->source, "verify");
    enum source_verify_policy policy = SOURCE_VERIFY_NONE;
    struct error err = ERROR_INIT;
    bool signs = signing->has_key;
    if (!name || source_verify_policy_parse(name, &policy) < 0)
        return CLI_OK; /* of a davit that is older, or newer */
    if (signs || !source_verify_wants_signed(policy, signing->for_review))
        return CLI_OK;
    if (source_signs(signing->directory, &signs, &err) < 0)
        return cli_fail(cli, "%s", error_text(&err));
    if (signs)
        return CLI_OK;
    return cli_fail(cli,
                    "davit deploys signed commits alone from %s (source.verify: %s), and would refuse this "
                    "one: git -C %s config commit.gpgSign true, with a key that is trusted there%s",
                    cli_member_string(signing->source, "origin"), name, signing->directory,
                    cli->command == &cli_rollback ? "" : ", or give --signing-key");
}
