/* kms_kit.h - a security domain with fixed masters, for tests. */
#ifndef TESTS_RELAY_KMS_KIT_H
#define TESTS_RELAY_KMS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dpp/keys/key.h"
#include "dpp/keys/ring.h"
#include "relay/kms/domain.h"

#define NOW 1795521600 /* 2026-11-24T12:00:00Z */

static const struct dpp_kms_cert plan = {
    .kms_uri = "kms.iops.example",
    .period_s = 2592000,
    .from_s = NOW - 90 * 86400,
    .to_s = NOW + 365 * 86400,
};

static inline struct relay_domain *make_domain(uint8_t fill)
{
    uint8_t random[RELAY_DOMAIN_RANDOM];
    struct relay_domain *domain;

    memset(random, fill, sizeof random);
    assert_int_equal(relay_domain_new(&domain, &plan, random), 0);
    return domain;
}

static inline int set_up(void **state)
{
    (void)state;
    return dpp_keys_init(5 * DPP_RING_SET_OCTETS) == DPP_E_SECURE_HEAP;
}

#endif
