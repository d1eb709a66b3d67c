# shellcheck shell=bash
# Shared by check-toaster and check-deploys: the network TOASTER with Redis and a simulated VK on a Docker engine,
# and the count of what arrives. Source it in the folder of the repository.
#
# Requires an empty Docker engine, and leaves it empty. Skips the check if no engine answers, or with
# TOASTER_CHECK=skip.

check=$(basename "$0")
say() { printf '   %s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$check" "$*" >&2
    docker logs --tail 20 "$service" >&2 || true
    exit 1
}
skip() {
    printf '%s: SKIPPED, %s\n' "$check" "$*"
    exit 0
}

[ "${TOASTER_CHECK:-}" != skip ] || skip "TOASTER_CHECK=skip"
docker version >/dev/null 2>&1 || skip "no Docker engine answers"
command -v dpkg-query >/dev/null || skip "base images can be made on Debian only"

service=service.event-fetcher
vk=http://172.18.0.30:5000
runtime=gcr.io/distroless/cc-debian12:latest
export DOCKER_BUILDKIT=0 GROUPID=218730916 TOKEN=vk1.a.token-of-the-check
work=$(mktemp -d)

# Everything that a check creates has one of these labels: scripts/base-images sets the first on the base images,
# from which all other images and containers inherit it; Compose sets the second.
project=toaster-check
labels=(event-fetcher.check "com.docker.compose.project=$project")
sweep() {
    local label
    for label in "${labels[@]}"; do
        docker ps --all --quiet --filter "label=$label" | xargs --no-run-if-empty docker rm --force --volumes
        docker network ls --quiet --filter "label=$label" | xargs --no-run-if-empty docker network rm
        docker volume ls --quiet --filter "label=$label" | xargs --no-run-if-empty docker volume rm
        # Removing an image may remove its parents, which then no longer exist when their turn comes.
        docker image ls --all --quiet --filter "label=$label" |
            xargs --no-run-if-empty docker image rm --force 2>/dev/null || true
    done >/dev/null
}
clean_up() {
    # Stops what still runs when the check is interrupted, usually a build.
    pkill --parent $$ || true
    rm -rf "$work"
    sweep
}
trap clean_up EXIT
# Removes what an interrupted run left behind.
sweep

in_the_way=$(
    docker ps --all --format 'container {{.Names}}'
    docker image ls --format 'image {{.Repository}}:{{.Tag}}'
    docker network ls --filter type=custom --format 'network {{.Name}}'
)
if [ -n "$in_the_way" ]; then
    printf '%s\n' "$in_the_way" >&2
    echo "$check: the Docker engine is in use; empty it, or set TOASTER_CHECK=skip" >&2
    exit 1
fi

# --- the environment of the service -----------------------------------------------------------------
cargo build --quiet --locked --package vk-simulator
simulator=$(realpath "${CARGO_TARGET_DIR:-target}/debug/vk-simulator")
start_vk() {
    docker run --detach --name vk --network TOASTER --ip 172.18.0.30 \
        --volume "$simulator:/vk-simulator:ro" "$runtime" /vk-simulator \
        --host 172.18.0.30 --api-port 5000 --poll-port 5001 --group-id "$GROUPID" --token "$TOKEN" \
        >/dev/null
}
start_network() {
    docker network create --label "${labels[0]}" --driver bridge \
        --subnet 172.18.0.0/24 --gateway 172.18.0.1 TOASTER >/dev/null
    docker run --detach --name redis --network TOASTER --ip 172.18.0.40 redis:7 \
        redis-server --appendonly yes --protected-mode no >/dev/null
    start_vk
}
redis() { docker exec redis redis-cli "$@"; }

# --- what is checked --------------------------------------------------------------------------------
# The updates sent so far; the simulator's queue begins at 1000.
sent() { generate 0 | jq '.ts - 1000'; }
generate() {
    curl --silent --show-error --fail --retry 10 --retry-connrefused --request POST "$vk/control/generate?n=$1"
}
send() { generate "$1" >/dev/null; }
position() { redis hget "{toaster}:position:$GROUPID" ts; }
on_the_bus() {
    local stream
    {
        for stream in message command button reaction dead-letter; do redis xlen "{toaster}:$stream"; done
        redis hvals "{toaster}:skipped:$GROUPID"
    } | awk '{ sum += $1 } END { print sum + 0 }'
}
duplicates() {
    local stream
    for stream in message command button reaction; do
        redis --raw xrange "{toaster}:$stream" - + | grep -A1 -x event_id | grep -v -x -e event_id -e --
    done | sort | uniq --repeated | wc -l
}
# within SECONDS WHAT COMMAND...
within() {
    local seconds=$1 what=$2
    shift 2
    for ((i = 0; i < seconds * 4; i++)); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.25
    done
    fail "not within $seconds s: $what"
}
arrived() { [ "$(position)" = "$((1000 + $(sent)))" ]; }
all_there() {
    within 60 "all events are on the bus" arrived
    local sent
    sent=$(sent)
    [ "$(on_the_bus)" = "$sent" ] || fail "sent $sent, on the bus $(on_the_bus)"
    [ "$(duplicates)" = 0 ] || fail "$(duplicates) events are on the bus twice"
    say "$1: sent $sent, on the bus $sent, lost 0, duplicated 0"
}
has_position() { [ -n "$(position)" ]; }
