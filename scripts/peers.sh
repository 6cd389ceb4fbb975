#!/usr/bin/env bash
# Installs the real clients and servers that the tests run against (Debian packages). Needs root; says so otherwise.
set -euo pipefail
packages=(spamassassin spamd spamc rspamd swaks redis-server clamav-daemon rbldnsd dnsutils postfix procmail zstd bogofilter
  dovecot-imapd dovecot-sieve curl libmariadb3 libidn12 libspf2-2 libpq5 libsasl2-2 libperl5.36 libldap-2.5-0 libgnutls-dane0
  libmail-spf-perl libmail-dkim-perl libmail-dmarc-perl)
if [ "$(id -u)" -ne 0 ]; then
  echo "npm run peers installs Debian packages: run it as root, or: apt-get install --no-install-recommends ${packages[*]}" >&2
  exit 77
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null
# Exim conflicts with Postfix as a package: its files are unpacked beside the system and used from there.
exim="${HAMD_EXIM_DIR:-/opt/hamd-peers/exim}"
if [ ! -x "$exim/usr/sbin/exim4" ]; then
  work="$(mktemp -d)"
  mkdir -p "$exim"
  (cd "$work" && apt-get download -qq exim4-daemon-heavy exim4-base && for deb in ./*.deb; do dpkg-deb -x "$deb" "$exim"; done)
  rm -rf "$work"
fi
missing="$(ldd "$exim/usr/sbin/exim4" | awk '/not found/ {print $1}')"
[ -z "$missing" ] || { echo "exim4 lacks libraries: $missing" >&2; exit 70; }
# The Exim daemon refuses to start without its compiled-in account.
getent passwd Debian-exim >/dev/null || useradd --system --home-dir /var/spool/exim4 --no-create-home --user-group Debian-exim
