#include "db.h"
#include "settings.h"

void db_settings_init(struct db_settings *db_set, const struct settings *set)
{
	*db_set = (struct db_settings){
		.socket = set->database_socket,
		.host = set->database_host,
		.port = set->database_port,
		.name = set->database_name,
		.user = set->database_user,
		.password = set->database_password,
		.tls_ca = set->database_tls_ca,
		.tls_cert = set->database_tls_cert,
		.tls_key = set->database_tls_key,
	};
}
