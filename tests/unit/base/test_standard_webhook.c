#include "base/standard_webhook.h"

#include "base/memory.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* The first: the example of the reference libraries' tests. */
static void test_signatures(void **state)
{
    (void)state;
    static const struct {
        const char *secret;
        const char *signature;
    } cases[] = {
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"It's a Secret", "v1,ZsI49TGCV2NPiXRYNVW++X1AZEjmc0t/PzinnIlsuwI="},
    };
    const char *body = "{\"test\": 2432232314}";
    const struct standard_webhook webhook = {"msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body,
                                             strlen(body)};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *signature CLEANUP_FREE = standard_webhook_signature(&webhook, cases[i].secret);
        assert_string_equal(signature, cases[i].signature);
    }
}

static void test_a_key_that_is_no_base64_is_one_as_it_stands(void **state)
{
    (void)state;
    size_t len = 0;
    char *key CLEANUP_FREE = standard_webhook_key("whsec_!", &len);
    assert_int_equal(len, 7);
    assert_string_equal(key, "whsec_!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_a_key_that_is_no_base64_is_one_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
