# Read by the image's own entry point when the data folder is new: a user for daily work besides that of `penchant setup`.
docker_process_sql <<SQL
CREATE USER 'penchant'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_password)';
GRANT SELECT, INSERT, UPDATE, DELETE ON penchant.* TO 'penchant'@'%';
SQL
