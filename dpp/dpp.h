/* dpp.h - the letter: MCData messages, their protection, their keys. Includes the rest. */
#ifndef DPP_DPP_H
#define DPP_DPP_H

#include "dpp/cur.h"
#include "dpp/err.h"
#include "dpp/keys/key.h"
#include "dpp/keys/keyfile.h"
#include "dpp/keys/role.h"
#include "dpp/keys/store.h"
#include "dpp/sds/ie.h"
#include "dpp/sds/info.h"
#include "dpp/sds/msg.h"
#include "dpp/sds/print.h"
#include "dpp/seal/frame.h"
#include "dpp/seal/kdf.h"
#include "dpp/seal/payload.h"
#include "dpp/seal/replay.h"
#include "dpp/seal/seal.h"
#include "dpp/seal/signalling.h"

#endif
