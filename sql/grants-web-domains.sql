-- Lets super admins add and remove domains in the portal. Only with the setting
-- manage_domains, after grants-web.sql, and again each time that was loaded:
--
--   mariadb mail < grants-web-domains.sql
--
-- Who takes the portal's host over can then make this host take mail for any
-- domain in the world, which senders on it are not aware of. For an account of
-- another name or host, as in grants-web.sql:
--
--   sed "s/'pymailadmin_web'@'%'/'portal'@'10.0.0.2'/" grants-web-domains.sql |
--     mariadb mail

GRANT EXECUTE ON PROCEDURE pymailadmin_domain_add TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_domain_remove TO 'pymailadmin_web'@'%';
