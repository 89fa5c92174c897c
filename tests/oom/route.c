/* route.c - the tables of relay/route with every allocation refused in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/err.h"
#include "relay/route/peer.h"
#include "tests/oom/oom.h"

static void test_peers(void **state)
{
    static const struct relay_peer_conf confs[] = {{.name = "a.example"}, {.name = "b.example"}};
    struct relay_peers peers;
    long refusals = 0;

    (void)state;
    for (long i = 0;; i++) {
        oom_start(i);
        int err = relay_peers_init(&peers, confs, 2);
        if (!oom_stop()) {
            assert_int_equal(err, 0);
            break;
        }
        refusals++;
        assert_int_equal(err, RELAY_E_NOMEM);
        assert_int_equal(peers.n, 0);
        relay_peers_done(&peers);
    }
    assert_int_equal(refusals, 1);
    assert_int_equal(peers.n, 2);
    assert_ptr_equal(peers.v[1].conf, &confs[1]);
    relay_peers_done(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
