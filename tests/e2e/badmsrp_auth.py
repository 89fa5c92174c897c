"""badmsrp_auth - faults of AUTH: rows 52-56 and 58."""
from badmsrp import END, Step, fault
from throwaway import NAME, b64

CHALLENGE = f'WWW-Authenticate: Bearer realm="{NAME}", scope="3gpp:mc:data_service"'
INVALID = CHALLENGE + ', error="invalid_token"\r\n'
CHALLENGE += "\r\n"
AUTH = "MSRP {T} AUTH\r\nTo-Path: {A}\r\nFrom-Path: {F}\r\n{V}"
ME = "sip:bad@iops.example"


def auth(row, name, lines, code, reason, more="", **also):
    """The same words from somebody with a session, which stays, and from a stranger."""
    for who in ("user", "stranger"):
        fault(row, f"{name}, {who}", Step(AUTH + lines + END, code, reason, own="{A}", method="AUTH", more=more, **also),
              who=who)


def token(name, reason, code=401, row=53, **claims):
    def say(case):
        line = f"Authorization: Bearer {case.stage.site.token(**{'mcdata_id': ME, **claims})}\r\n"
        return case.fill(AUTH + line + END).encode()
    for who in ("user", "stranger"):
        fault(row, f"{name}, {who}", Step(say, code, reason, own="{A}", method="AUTH",
                                          more=INVALID if code == 401 else ""), who=who)


auth(52, "no credentials", "", 401, "auth_none", CHALLENGE)
auth(53, "no token", "Authorization: Bearer x\r\n", 401, "jws_form", INVALID)
auth(53, "not base64", "Authorization: Bearer a.b!.c\r\n", 401, "jws_base64", INVALID)
auth(53, "alg none", "Authorization: Bearer " + b64(b'{"alg":"none"}') + "." + b64(b"{}") + ".AAAA\r\n", 401,
     "jws_alg_barred", INVALID)
auth(53, "alg HS256", "Authorization: Bearer " + b64(b'{"alg":"HS256","kid":"site-1"}') + "." + b64(b"{}") + ".AAAA\r\n",
     401, "jws_alg_barred", INVALID)
auth(53, "unknown key", "Authorization: Bearer " + b64(b'{"alg":"ES256","kid":"other"}') + "." + b64(b"{}") + "." +
     "A" * 86 + "\r\n", 401, "jws_kid", INVALID)
auth(53, "wrong signature", "Authorization: Bearer " + b64(b'{"alg":"ES256","kid":"site-1","typ":"at+jwt"}') + "." +
     b64(b"{}") + "." + b64(b"\x01" * 64) + "\r\n", 401, "jws_sig", INVALID)
auth(53, "signature of zeros", "Authorization: Bearer " + b64(b'{"alg":"ES256","kid":"site-1","typ":"at+jwt"}') + "." +
     b64(b"{}") + "." + "A" * 86 + "\r\n", 401, "jws_sig_range", INVALID)
token("expired", "claim_exp", exp=1_000_000_000)
token("no expiry", "claim_exp_none", exp=None)
token("from tomorrow", "claim_nbf", nbf=4_000_000_000)
token("issued tomorrow", "claim_iat", iat=4_000_000_000)
token("another issuer", "claim_iss", iss="https://elsewhere.example")
token("another audience", "claim_aud", aud="elsewhere")
token("scope is not a whole word", "claim_scope", 403, 54, scope="3gpp:mc:data_services")
token("no client", "claim_client", 403, 54, client_id=None)
token("no MCData ID", "claim_mcdata_id", 403, 54, mcdata_id=None)
token("MCData ID is no URI", "claim_mcdata_uri", 403, 54, mcdata_id="bad")
token("another domain", "iops_domain", 403, 54, mcdata_id="sip:bad@elsewhere.example")
token("mcvideo_id", "iops_mcvideo", 403, 54, mcvideo_id="sip:a@b")
token("mcrec_id", "iops_mcrec", 403, 54, mcrec_id="sip:a@b")


def other_user(case):
    return case.fill(AUTH + f"Authorization: Bearer {case.stage.site.token_of('victim')}\r\n" + END).encode()


fault(54, "another user on this connection", Step(other_user, 403, "auth_other_user", own="{A}", method="AUTH"))
GOOD = "Authorization: Bearer {K}\r\n"
auth(55, "Expires too low", "Expires: 59\r\n" + GOOD, 423, "auth_expires_low", "Min-Expires: 60\r\n")
auth(55, "Expires 0", "Expires: 0\r\n" + GOOD, 423, "auth_expires_low", "Min-Expires: 60\r\n")
auth(55, "Expires too high", "Expires: 86401\r\n" + GOOD, 423, "auth_expires_high", "Max-Expires: 86400\r\n")
for value in ("soon", "-1", "60.5", "60 ", "0x60", "99999999999999999999999"):
    auth(56, f"Expires: {value}", f"Expires: {value}\r\n" + GOOD, 400, "auth_expires_nan")
auth(58, "Basic", "Authorization: Basic YTpi\r\n", 401, "auth_scheme", CHALLENGE)
auth(58, "no scheme", "Authorization: {K}\r\n", 401, "auth_scheme", CHALLENGE)
auth(10, "Authorization twice", GOOD + GOOD, 400, "msrp_dup_header")
auth(10, "Expires twice", "Expires: 60\r\nExpires: 60\r\n" + GOOD, 400, "msrp_dup_header")
fault(13, "AUTH to a session", Step(AUTH.replace("{A}", "{U}") + GOOD + END, 481, "session", method="AUTH"))
fault(49, "AUTH with a body", Step(AUTH + GOOD + "Content-Type: text/plain\r\n\r\n" + "x" * 10241 + "\r\n" + END, 400,
                                   "msrp_body_long", own="{A}", method="AUTH"))
fault(49, "AUTH continued", Step(AUTH + GOOD + "-------{T}+\r\n", 400, "msrp_flag", own="{A}", method="AUTH"))
