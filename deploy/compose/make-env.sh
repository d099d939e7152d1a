#!/bin/sh
# Makes deploy/compose/.env from the example, with secrets of its own: make-env.sh [rabbitmq]
set -eu
umask 077
cd "$(dirname "$0")"

if [ -e .env ]; then
  echo "deploy/compose/.env is there already; take it away first to make another." >&2
  exit 1
fi

hex() {
  od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}

cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=')
rabbitmq=$(hex 16)
profile=kafka
log=$(sed -n 's/^APURA_LOG=//p' .env.example)
if [ "${1:-kafka}" = rabbitmq ]; then
  profile=rabbitmq
  log=amqp://apura:$rabbitmq@rabbitmq:5672
fi

sed -e "s|^COMPOSE_PROFILES=.*|COMPOSE_PROFILES=$profile|" \
  -e "s|^APURA_LOG=.*|APURA_LOG=$log|" \
  -e "s|^APURA_ADMIN_TOKEN=.*|APURA_ADMIN_TOKEN=$(hex 24)|" \
  -e "s|^APURA_SECRET=.*|APURA_SECRET=$(hex 32)|" \
  -e "s|^POSTGRES_PASSWORD=.*|POSTGRES_PASSWORD=$(hex 16)|" \
  -e "s|^RABBITMQ_PASSWORD=.*|RABBITMQ_PASSWORD=$rabbitmq|" \
  -e "s|^KAFKA_CLUSTER_ID=.*|KAFKA_CLUSTER_ID=$cluster|" \
  .env.example >.env
echo "deploy/compose/.env holds the settings, and the operators' token as APURA_ADMIN_TOKEN."
