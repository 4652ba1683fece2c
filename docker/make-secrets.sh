#!/bin/sh
# Makes the passwords of all servers, and the addresses that hold them: docker/secrets, which is never committed.
#   sh docker/make-secrets.sh [FOLDER]
# What is there already stays: remove a file, and what belongs to it, to have it made anew.
set -eu

folder=${1:-$(dirname "$0")/secrets}
here=$(cd "$(dirname "$0")" && pwd)
# Only the owner gets in. The files are readable by all, since each container has a user of its own.
mkdir -p "$folder"
chmod 0700 "$folder"
cd "$folder"

password() { # NAME: a password that needs no escaping in an address
    [ -s "$1" ] || openssl rand -hex 24 >"$1"
    cat "$1"
}

write() { # NAME TEXT
    [ -s "$1" ] || printf '%s\n' "$2" >"$1"
}

salted() { # PASSWORD: as RabbitMQ keeps it, the salt and the SHA-256 of salt and password
    salt=$(mktemp)
    openssl rand 4 >"$salt"
    { cat "$salt"; { cat "$salt"; printf %s "$1"; } | openssl dgst -sha256 -binary; } | openssl base64 -A
    rm "$salt"
}

digest() { # PASSWORD: as Redis keeps it
    printf %s "$1" | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

password mysql_root_password >/dev/null
write database_url "mysql://penchant:$(password mysql_password)@mysql/penchant"
write setup_database_url "mysql://penchant_setup:$(password mysql_setup_password)@mysql/penchant"

[ -s mongodb_keyfile ] || openssl rand -base64 96 >mongodb_keyfile
password mongodb_root_password >/dev/null
write mongodb_url "mongodb://penchant:$(password mongodb_password)@mongodb/penchant?replicaSet=rs0"
write setup_mongodb_url "mongodb://penchant_setup:$(password mongodb_setup_password)@mongodb/penchant?replicaSet=rs0"

write rabbitmq_dsn "amqp://penchant:$(password rabbitmq_password)@rabbitmq/%2f"
write shop_rabbitmq_dsn "amqp://shop:$(password rabbitmq_shop_password)@rabbitmq/%2f"
if [ ! -s rabbitmq_definitions.json ]; then
    sed -e "s|@PENCHANT@|$(salted "$(password rabbitmq_password)")|" \
        -e "s|@SHOP@|$(salted "$(password rabbitmq_shop_password)")|" \
        -e "s|@OPERATOR@|$(salted "$(password rabbitmq_operator_password)")|" \
        "$here/rabbitmq/definitions.json" >rabbitmq_definitions.json
fi

write redis_url "redis://penchant:$(password redis_password)@redis/0"
# The rights of docs/security.md: a test holds them against each other.
write redis_users.acl "user default off
user penchant on #$(digest "$(password redis_password)") resetkeys ~penchant:* -@all +@connection +multi +exec +mget +mset +eval +incr +expire +type +unlink +time +zadd +zcard +zpopmin +info +scan"

write neo4j_auth "neo4j/$(password neo4j_password)"
write neo4j_url "bolt://neo4j:$(password neo4j_password)@neo4j"

write qdrant_url "http://:$(password qdrant_api_key)@qdrant:6333"
password qdrant_read_only_api_key >/dev/null

password grafana_password >/dev/null
write prometheus_key "the key of Prometheus, of the scope admin: see docs/quickstart.md"
[ -e api_keys ] || printf '# One line a key: see docs/quickstart.md.\n' >api_keys
chmod 0644 ./*
