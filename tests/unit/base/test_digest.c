#include "base/digest.h"
#include "unit.h"

#include <string.h>

static void test_known_answer(void **state)
{
    (void)state;
    struct digest digest = digest_of_bytes("abc", 3); /* FIPS 180-4 */
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct digest back;
    assert_int_equal(digest_from_hex(hex, &back), 0);
    assert_true(digest_equal(&digest, &back));
    assert_true(digest_from_hex("ba78", &back) < 0);
    hex[3] = 'g';
    assert_true(digest_from_hex(hex, &back) < 0);
}

/* RFC 4231, cases 2 and 6 (whose key is longer than a block), in one part and in several. */
static void test_hmac(void **state)
{
    (void)state;
    char long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    static const char text[] = "what do ya want for nothing?";
    static const char other[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    const struct digest_part key = {"Jefe", 4};
    const struct digest_part keys[] = {{long_key, sizeof long_key}};
    const struct digest_part whole[] = {{other, sizeof other - 1}};
    const struct digest_part parts[] = {{text, 5}, {text + 5, 0}, {text + 5, sizeof text - 6}};
    struct digest digest = digest_hmac(&key, parts, 3);
    char hex[DIGEST_HEX_SIZE];
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    struct digest changed = digest;
    assert_true(digest_equal_constant_time(&digest, &changed));
    changed.bytes[31] ^= 1;
    assert_false(digest_equal_constant_time(&digest, &changed));
    digest = digest_hmac(keys, whole, 1);
    digest_to_hex(&digest, hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_json_spelling_does_not_matter(void **state)
{
    (void)state;
    json_t *a = json_loads("{\"b\": [1, 2], \"a\": \"\\u00e4\"}", 0, NULL);
    json_t *b = json_loads("{\"a\":\"\xc3\xa4\",\"b\":[1,2]}", 0, NULL);
    json_t *c = json_loads("{\"a\":\"\xc3\xa4\",\"b\":[2,1]}", 0, NULL);
    struct digest da = digest_of_json(a);
    struct digest db = digest_of_json(b);
    struct digest dc = digest_of_json(c);
    assert_true(digest_equal(&da, &db));
    assert_false(digest_equal(&da, &dc));
    json_decref(a);
    json_decref(b);
    json_decref(c);
}

static void test_ids_follow_their_seed(void **state)
{
    (void)state;
    struct id_source one = {.seed = 7};
    struct id_source two = {.seed = 7};
    struct id_source other = {.seed = 8};
    char a[ID_HEX_SIZE], b[ID_HEX_SIZE], c[ID_HEX_SIZE];
    id_draw_hex(&one, a);
    id_draw_hex(&two, b);
    id_draw_hex(&other, c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_int_equal(strlen(a), 32);
    id_draw_hex(&one, b);
    assert_string_not_equal(a, b);
    assert_true(id_draw_number(&one) >= 1000000000000000000ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_json_spelling_does_not_matter),
        cmocka_unit_test(test_ids_follow_their_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
