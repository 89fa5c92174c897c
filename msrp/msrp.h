/* msrp.h - the MSRP envelope (RFC 4975, RFC 4976), all of it.
 *
 * The one header other folders need. The library uses libc only, allocates nothing, keeps no
 * state of its own and touches no clock, file, socket or random source. All text is borrowed:
 * every span points into octets that the caller holds. */
#ifndef MSRP_MSRP_H
#define MSRP_MSRP_H

#include "msrp/digest.h"
#include "msrp/err.h"
#include "msrp/head.h"
#include "msrp/join.h"
#include "msrp/mime.h"
#include "msrp/path.h"
#include "msrp/range.h"
#include "msrp/reader.h"
#include "msrp/report.h"
#include "msrp/sdp.h"
#include "msrp/split.h"
#include "msrp/str.h"
#include "msrp/uri.h"
#include "msrp/writer.h"

#endif
