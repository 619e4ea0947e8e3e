#ifndef MAIL_CRYPT_COMPAT_H
#define MAIL_CRYPT_COMPAT_H

/* What must be known of Dovecot's mail_crypt plugin, whose headers are not
   installed; read in 2.4.1, src/plugins/mail-crypt/. A test pins it against
   keys made by the real plugin.

   In the attribute dict, for the mailbox with GUID <guid> (lower case hex):
   priv/<guid>/<scope>privkeys/<id>    a wrapped private key
   shared/<guid>/<scope>pubkeys/<id>   its public key
   shared/<guid>/<scope>active         the id of the key new mail is for
   where <scope> is one of the two prefixes below. User keys hang on INBOX.
   Folder keys are wrapped to the user's public key, user keys with the key
   password. shared/<guid>/<box scope>privkeys/<user>/<id> are folder keys
   shared with other users. */

#include "mailbox-attribute.h"

#define MAIL_CRYPT_BOX_SCOPE MAILBOX_ATTRIBUTE_PREFIX_DOVECOT_PVT "crypt/"
#define MAIL_CRYPT_USER_SCOPE \
	MAILBOX_ATTRIBUTE_PREFIX_DOVECOT_PVT_SERVER \
	MAILBOX_ATTRIBUTE_PREFIX_DOVECOT_PVT "crypt/"

#define MAIL_CRYPT_ACTIVE "active"
#define MAIL_CRYPT_PUBKEYS "pubkeys/"
#define MAIL_CRYPT_PRIVKEYS "privkeys/"

#define MAIL_CRYPT_PASSWORD_CIPHER "aes-256-ctr"
#define MAIL_CRYPT_KEY_CIPHER "ecdh-aes-256-ctr"
#define MAIL_CRYPT_ID_ALGORITHM "sha256"
#define MAIL_CRYPT_KEY_FORMAT DCRYPT_FORMAT_DOVECOT

#endif
