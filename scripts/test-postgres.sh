#!/bin/sh
# A throw-away PostgreSQL server for the tests.
#
#   scripts/test-postgres.sh start   starts it (or finds it running) and prints its URL, for EXHIBIT_TEST_POSTGRES
#   scripts/test-postgres.sh stop    stops it and removes its files
#
# It listens on the loopback address alone and trusts everybody there: for tests only. EXHIBIT_TEST_POSTGRES_PORT (54329)
# and EXHIBIT_TEST_POSTGRES_DIR choose another port and place. If PostgreSQL is missing, it is installed with apt where that
# is possible; elsewhere the script says what is needed. What it does goes to standard error, the URL to standard output.
set -eu

port=${EXHIBIT_TEST_POSTGRES_PORT:-54329}
dir=${EXHIBIT_TEST_POSTGRES_DIR:-${TMPDIR:-/tmp}/exhibit-test-postgres-$port}

say() { echo "test-postgres: $*" >&2; }

# bin finds the newest PostgreSQL programs.
bin() {
	if command -v initdb >/dev/null 2>&1; then
		dirname "$(command -v initdb)"
		return
	fi
	for d in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
		if [ -x "$d/initdb" ]; then
			echo "$d"
			return
		fi
	done
}

install() {
	if ! command -v apt-get >/dev/null 2>&1; then
		say "PostgreSQL is needed (initdb, pg_ctl). Install it and run this again."
		exit 1
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
	fi
	say "installing PostgreSQL with apt"
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends postgresql >&2
}

# as runs PostgreSQL's programs, which refuse to run as root.
as() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

start() {
	programs=$(bin)
	if [ -z "$programs" ]; then
		install
		programs=$(bin)
	fi
	if [ ! -d "$dir/data" ]; then
		say "making a server in $dir"
		mkdir -p "$dir"
		if [ "$(id -u)" = 0 ]; then
			chown postgres "$dir"
		fi
		as "$programs/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C >"$dir.log" 2>&1
	fi
	if ! as "$programs/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
		say "starting it on port $port"
		as "$programs/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
			-o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200" start >&2
	fi
	echo "postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
}

stop() {
	programs=$(bin)
	if [ -d "$dir/data" ]; then
		as "$programs/pg_ctl" -D "$dir/data" -m immediate stop >&2 || say "it was not running"
		rm -rf "$dir" "$dir.log"
	fi
}

case ${1:-} in
start) start ;;
stop) stop ;;
*)
	say "usage: $0 start|stop"
	exit 2
	;;
esac
