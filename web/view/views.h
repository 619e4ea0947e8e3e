#ifndef VIEWS_H
#define VIEWS_H

/* All views, for those who make pages. */

#include "views-account.h"
#include "views-admin.h"
#include "views-administration.h"
#include "views-alias.h"
#include "views-error.h"
#include "views-join.h"
#include "views-list.h"
#include "views-login.h"
#include "views-mailbox.h"

#endif
