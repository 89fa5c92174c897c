/* selftest_builtin.c - known answers that need no file. Published ones name their publication; ours
 * were computed with Python's hashlib, hmac and cryptography, not with OpenSSL's C API. */
#include "relay/cmd/selftest.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "dpp/keys/key.h"
#include "dpp/keys/ring.h"
#include "dpp/seal/seal.h"

#define GCM_PLAIN                                                                                  \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                             \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define OURS    "ours; checked with Python hashlib, hmac and cryptography"
#define LETTER  "the letter, not the envelope"

/* The two users' key of all rows of ours: f0 f1 ... ff */
static void make_dppk(uint8_t dppk[16])
{
    for (int i = 0; i < 16; i++)
        dppk[i] = (uint8_t)(0xf0 + i);
}

static size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
    int n = relay_selftest_hex(hex, strlen(hex), out, cap);

    return n < 0 ? 0 : (size_t)n;
}

static void report(struct relay_selftest *test, const char *name, const char *source, bool good)
{
    relay_selftest_report(test, name, source, good ? RELAY_SELFTEST_PASS : RELAY_SELFTEST_FAIL);
}

static void hashes(struct relay_selftest *test)
{
    static const struct {
        const char *name, *source, *key, *text, *out;
    } rows[] = {
        {"sha-256.abc", "FIPS 180-2 appendix B.1", NULL, "616263",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"hmac-sha-256.1", "RFC 4231 section 4.2", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
         "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"hmac-sha-256.2", "RFC 4231 section 4.3", "4a656665",
         "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t key[64], text[64], expected[32], out[32];
        size_t text_n = unhex(rows[i].text, text, sizeof text);
        size_t key_n = rows[i].key ? unhex(rows[i].key, key, sizeof key) : 0;
        bool good = unhex(rows[i].out, expected, sizeof expected) == sizeof expected;
        good = good &&
               (rows[i].key ? HMAC(EVP_sha256(), key, (int)key_n, text, text_n, out, NULL) != NULL
                            : EVP_Digest(text, text_n, out, NULL, EVP_sha256(), NULL) == 1);
        report(test, rows[i].name, rows[i].source, good && memcmp(out, expected, 32) == 0);
    }
}

/* IVs of other lengths than 12 octets go through GHASH: what a protected payload depends on. */
static const struct gcm_row {
    const char *name, *source, *key, *iv, *out;
} gcm_rows[] = {
    {"gcm-128.iv-8", "McGrew and Viega, The Galois/Counter Mode of Operation (GCM), test case 5",
     "feffe9928665731c6d6a8f9467308308", "cafebabefacedbad",
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
     "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f45983612d2e7"
     "9e3b0785561be14aaca2fccb"},
    {"gcm-128.iv-60", "McGrew and Viega, The Galois/Counter Mode of Operation (GCM), test case 6",
     "feffe9928665731c6d6a8f9467308308",
     "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728"
     "c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
     "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca7"
     "01e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5619cc5ae"
     "fffe0bfa462af43c1699d050"},
    {"gcm-256.iv-8", "McGrew and Viega, The Galois/Counter Mode of Operation (GCM), test case 17",
     "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbad",
     "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0"
     "feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f47c9b1f3a337dbf"
     "46a792c45e454913fe2ea8f2"},
    {"gcm-128.iv-16", "ours, the same octets with a 16-octet IV; checked with Python cryptography",
     "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888cafebabe",
     "4e90d8ffce1076a4e2a4b59a96628a4f4fbb7722e0c1dd96ba8048d73c4830c8"
     "2d9cf95fe85002014d36b310e688711800ca92db3943c59c074252c9f11b96da"
     "44c6039abafbb406aeb2e60a"},
    {"gcm-256.iv-16", "ours, the same octets with a 16-octet IV; checked with Python cryptography",
     "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888cafebabe",
     "ab6ae75fe3247e1919fa297b5b47ebf53c0beada201d62d65e512a60d75eb861"
     "260ea6279444b8e6bc5639d6e622e718b6a58e6facf5a769be198f89eb7614b5"
     "e20a2f6812e4c338eeac1191"},
};

static bool is_gcm_right(const struct gcm_row *row)
{
    uint8_t key[32], iv[64], plain[64], aad[32], expected[80], out[80];
    size_t key_n = unhex(row->key, key, sizeof key), iv_n = unhex(row->iv, iv, sizeof iv);
    size_t plain_n = unhex(GCM_PLAIN, plain, sizeof plain);
    size_t aad_n = unhex(GCM_AAD, aad, sizeof aad);
    size_t n = unhex(row->out, expected, sizeof expected);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done = 0;
    bool good = ctx && n == plain_n + 16 &&
                EVP_EncryptInit_ex(ctx, key_n == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL,
                                   NULL, NULL) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv_n, NULL) == 1 &&
                EVP_EncryptInit_ex(ctx, NULL, NULL, key, iv) == 1 &&
                EVP_EncryptUpdate(ctx, NULL, &done, aad, (int)aad_n) == 1 &&
                EVP_EncryptUpdate(ctx, out, &done, plain, (int)plain_n) == 1 &&
                EVP_EncryptFinal_ex(ctx, out + plain_n, &done) == 1 &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + plain_n) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return good && memcmp(out, expected, n) == 0;
}

static void kdfs(struct relay_selftest *test)
{
    uint8_t dppk[16], expected[32], out[32];
    uint32_t id;

    make_dppk(dppk);
    bool good = unhex("dccac6b92d8aa7b6b62fd9297a5b609568740da6768b16a333fd28c8b896f915", expected,
                      32) == 32;
    report(test, "kdf.dpck-256 (TS 33.180 F.1.5)", OURS,
           good && dpp_kdf_dpck(dppk, 16, 0x12345678, DPP_ALG_AES_256_GCM, out) == 32 &&
               memcmp(out, expected, 32) == 0);
    report(test, "kdf.dpck-128 (TS 33.180 F.1.5)", OURS,
           good && dpp_kdf_dpck(dppk, 16, 0x12345678, DPP_ALG_AES_128_GCM, out) == 16 &&
               memcmp(out, expected + 16, 16) == 0);
    report(test, "kdf.guk-id (TS 33.180 F.1.3)", OURS,
           dpp_kdf_guk_id(dppk, 16, 0x0abcdef0, "sip:dora@iops.example", &id) == 0 &&
               id == 0x0c088c90);
    good = unhex("33da1c02fb8b44146f495a5ac7a321b0ca729c63c837429f8a9f45b12c898444", expected,
                 32) == 32;
    report(test, "kdf.uid (TS 33.180 F.2.1)", OURS,
           good &&
               dpp_kdf_uid("sip:dora@iops.example", "kms.iops.example", 86400, 0, 20000, out) ==
                   0 &&
               memcmp(out, expected, 32) == 0);
    /* the standard's worked example: NTP time 3599719634, which lies in period 1388 */
    struct dpp_kms_cert cert = {.period_s = 2592000};
    uint64_t period_no = dpp_ring_period(&cert, INT64_C(3599719634) - DPP_RING_NTP_UNIX);
    good = unhex("3a81fb14c3b1d0fe43c9c577104d55a6d81788bfd2f09743c4557746a5a0353b", expected,
                 32) == 32;
    report(test, "kdf.uid.example", "TS 33.180 F.2.1.2",
           good && period_no == 1388 &&
               dpp_kdf_uid("sip:user@example.org", "kms.example.org", cert.period_s, 0, period_no,
                           out) == 0 &&
               memcmp(out, expected, 32) == 0);
}

/* One protected frame: it opens, closing gives the same octets, and with one bit changed anywhere
 * in header, ciphertext or tag it does not open. */
static bool is_frame_right(const char *hex, uint32_t id, enum dpp_use use, int alg)
{
    struct dpp_key *key = NULL;
    struct dpp_seal seal = {0};
    struct dpp_frame head;
    uint8_t dppk[16], frame[128], again[128], plain[128];
    size_t n = unhex(hex, frame, sizeof frame);
    ssize_t letter_n = sizeof LETTER - 1;

    make_dppk(dppk);
    bool good =
        n > 0 && dpp_key_new(&key, id, dppk, sizeof dppk, 0, 0) == 0 &&
        dpp_seal_init(&seal, key, id, use, alg) == 0 &&
        dpp_seal_open(&seal, frame, n, plain, sizeof plain, &head) == letter_n &&
        memcmp(plain, LETTER, (size_t)letter_n) == 0 &&
        dpp_seal_close(&seal, &head, plain, (size_t)letter_n, again, sizeof again) == (ssize_t)n &&
        memcmp(frame, again, n) == 0;
    for (size_t i = 0; good && i < n; i++) {
        if (i == 32) /* the IEI, which is outside the AAD */
            continue;
        frame[i] ^= 1;
        good = dpp_seal_open(&seal, frame, n, plain, sizeof plain, NULL) < 0;
        frame[i] ^= 1;
    }
    dpp_seal_done(&seal);
    dpp_key_free(key);
    return good;
}

void relay_selftest_builtin(struct relay_selftest *test)
{
    hashes(test);
    for (size_t i = 0; i < sizeof gcm_rows / sizeof gcm_rows[0]; i++)
        report(test, gcm_rows[i].name, gcm_rows[i].source, is_gcm_right(&gcm_rows[i]));
    kdfs(test);
    report(test, "frame.pck-aes-128-gcm (TS 33.180 8.5.4.1)", OURS,
           is_frame_right("430065f0c2a0000000070001000102030405060708090a0b0c0d0e0f12345678"
                          "00002c6992c792c2b317f63f8eb14b0ba761409adb42559f596aae9f2126344f"
                          "3b33ee48d8e5e1856ae26e2d5a7567",
                          0x12345678, DPP_USE_ONE, DPP_ALG_AES_128_GCM));
    report(test, "frame.csk-aes-256-gcm (TS 33.180 8.5.4.1)", OURS,
           is_frame_right("430065f0c2a0000000070002000102030405060708090a0b0c0d0e0f22345678"
                          "00002ce565943cc2398d1d1b0090c0db044238f0f476c8540938cdba45c2007f"
                          "3c33cc921d724031bfb6735559702b",
                          0x22345678, DPP_USE_SIGNALLING, DPP_ALG_AES_256_GCM));
}
