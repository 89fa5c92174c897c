/* dpp.h - the letter: MCData messages, their protection, their keys. Includes the rest. */
#ifndef DPP_DPP_H
#define DPP_DPP_H

#include "dpp/cur.h"
#include "dpp/err.h"
#include "dpp/sds/ie.h"
#include "dpp/sds/info.h"
#include "dpp/sds/msg.h"
#include "dpp/sds/print.h"

#endif
