/* One CSK upload opened with the relay's keys: what is taken, and every reason why not. Profile
 * section 6, ts33180#5.4. */
#include "tests/relay/upload_kit.h"

static struct relay_upload *job(const struct kit_text *text, const char *from)
{
    struct relay_upload *upload = calloc(1, sizeof *upload);

    assert_non_null(upload);
    assert_in_range(text->n, 1, sizeof upload->p);
    upload->n = text->n;
    memcpy(upload->p, text->p, text->n);
    upload->now_s = REALM_NOW_S;
    snprintf(upload->initiator, sizeof upload->initiator, "%s", from);
    return upload;
}

static void good(void **state)
{
    const struct upload_kms *kms = upload_kms();
    struct kit_text text = upload_make(&(struct upload_draft){
        .from = kms->alice, .id = KIT_CSK, .time_s = REALM_NOW_S - 5, .expiry_s = REALM_NOW_S + 9});
    struct relay_upload *upload = job(&text, SIM_ALICE);
    size_t n;

    (void)state;
    relay_upload_open(kms->relay, upload);
    assert_int_equal(upload->err, 0);
    assert_int_equal(upload->time_s, REALM_NOW_S - 5);
    assert_int_equal(dpp_key_id(upload->key), KIT_CSK);
    assert_int_equal(dpp_key_role(upload->key), DPP_ROLE_CSK);
    assert_int_equal(dpp_key_expiry_s(upload->key), REALM_NOW_S + 9);
    assert_memory_equal(dpp_key_octets(upload->key, &n), KIT_KEY, sizeof KIT_KEY);
    assert_int_equal(n, sizeof KIT_KEY);
    relay_upload_free(upload);
    free(text.p);
}

/* Each leaves no key behind. */
static void refusals(void **state)
{
    const struct upload_kms *kms = upload_kms();
    const struct {
        struct upload_draft draft;
        const char *from; /* NULL: alice */
        bool no_ring;
        size_t flip; /* counted from the end: the octet that is changed; 0: none */
        int err;
    } rows[] = {
        {.draft = {.from = kms->alice, .id = KIT_CSK},
         .no_ring = true,
         .err = RELAY_E_SDS_MIKEY_UPLOAD},
        {.draft = {.from = kms->bob, .id = KIT_CSK}, .err = DPP_E_MIKEY_INITIATOR},
        {.draft = {.from = kms->alice, .id = KIT_CSK},
         .from = SIM_BOB,
         .err = DPP_E_MIKEY_INITIATOR},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .to = SIM_BOB}, .err = DPP_E_MIKEY_RESPONDER},
        {.draft = {.from = kms->alice, .id = KIT_CSK}, .flip = 1, .err = DPP_E_MIKEY_SIGN},
        {.draft = {.from = kms->alice, .id = KIT_CSK}, .flip = 300, .err = DPP_E_MIKEY_SIGN},
        {.draft = {.from = kms->alice,
                   .id = KIT_CSK,
                   .time_s = REALM_NOW_S - DPP_MIKEY_WINDOW_S - 1},
         .err = DPP_E_MIKEY_TIME},
        {.draft = {.from = kms->alice,
                   .id = KIT_CSK,
                   .time_s = REALM_NOW_S + DPP_MIKEY_WINDOW_S + 1},
         .err = DPP_E_MIKEY_TIME},
        {.draft = {.from = kms->alice, .id = KIT_PCK}, .err = DPP_E_MIKEY_TAG},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .is_revoked = true},
         .err = DPP_E_MIKEY_REVOKED},
        {.draft = {.from = kms->alice, .id = KIT_CSK, .expiry_s = REALM_NOW_S},
         .err = DPP_E_KEY_EXPIRED},
    };
    size_t used = CRYPTO_secure_used();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kit_text text = upload_make(&rows[i].draft);
        if (rows[i].flip)
            text.p[text.n - rows[i].flip] ^= 1;
        struct relay_upload *upload = job(&text, rows[i].from ? rows[i].from : SIM_ALICE);
        relay_upload_open(rows[i].no_ring ? NULL : kms->relay, upload);
        if (upload->err != rows[i].err)
            fail_msg("row %zu: %s, want %s", i, relay_err_row(upload->err)->name,
                     relay_err_row(rows[i].err)->name);
        assert_null(upload->key);
        relay_upload_free(upload);
        assert_int_equal(CRYPTO_secure_used(), used);
        free(text.p);
    }
}

/* A key whose job nobody waits for any more is wiped with it. */
static void freed_with_its_key(void **state)
{
    const struct upload_kms *kms = upload_kms();
    struct kit_text text = upload_make(&(struct upload_draft){.from = kms->alice, .id = KIT_CSK});
    struct relay_upload *upload = job(&text, SIM_ALICE);
    size_t used = CRYPTO_secure_used();

    (void)state;
    relay_upload_open(kms->relay, upload);
    assert_int_equal(upload->err, 0);
    assert_true(CRYPTO_secure_used() > used);
    relay_upload_free(upload);
    assert_int_equal(CRYPTO_secure_used(), used);
    relay_upload_free(NULL);
    free(text.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(refusals),
        cmocka_unit_test(freed_with_its_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
