/* The expression of a scheduled task: what is none, or never comes true, is refused where it stands. */
#include "manifest/kind_read.h"

#include "base/memory.h"
#include "model/json.h"
#include "model/schedule.h"

#include <assert.h>

void kind_schedule_check(const json_t *value, struct diagnostics *diagnostics)
{
    assert(value);
    const char *expression = model_string(value, "ScheduleExpression");
    struct schedule schedule;
    struct error err = ERROR_INIT;
    if (expression && schedule_parse(expression, &schedule, &err) < 0)
        kind_report(diagnostics,
                    (struct kind_fault){.severity = SEVERITY_ERROR,
                                        .code = "value",
                                        .pointer = memory_strdup("/ScheduleExpression"),
                                        .message = memory_printf("%s: %s", expression, err.message),
                                        .hint = memory_strdup("such as rate(5 minutes), cron(0 3 * * ? *) or "
                                                              "at(2030-01-01T03:00:00), as in EventBridge")});
}
