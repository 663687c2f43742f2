# shellcheck shell=bash disable=SC2034 # the lists are used by the scripts that source this file
# What ./lab and ./test share: the lists of Debian packages, and how to install and build. Sourced from the root folder.

build_packages=(g++ cmake ninja-build pkg-config
  libhwy-dev libcli11-dev libfmt-dev nlohmann-json3-dev zlib1g-dev libmd-dev)
run_packages=(gnuplot-nox curl ca-certificates)
fallback_data_packages=(dataset-fashion-mnist)
test_packages=(libgtest-dev googletest
  clang clang-format clang-tidy libclang-rt-14-dev shellcheck
  python3 python3-numpy python3-sklearn python3-torch python3-onnx libopenblas0-pthread
  chromium poppler-utils)

# For ONNX Runtime, which comes from npm; whoever has node and npm from elsewhere keeps them.
node_packages=(nodejs npm)

say() { printf '%s\n' "$*" >&2; }

# require_packages NAME...: installs those that are missing, or ends with the list when that is not possible.
require_packages() {
  local missing
  missing=$(missing_packages "$@")
  [[ -z $missing ]] && return
  # shellcheck disable=SC2086 # one word for each package
  set -- $missing
  if ! command -v apt-get > /dev/null; then
    say "These packages are needed, and there is no apt-get here to install them (names as in Debian 12): $*"
    exit 2
  fi
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo > /dev/null; then
      say "These packages are missing, and neither root nor sudo is here to install them. Ask an administrator for:"
      say "  apt-get install --no-install-recommends $*"
      exit 2
    fi
    as_root=(sudo)
  fi
  say "Installing $# Debian packages: $*"
  apt_get update -q
  apt_get install -q -y --no-install-recommends "$@"
}

apt_get() {
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >&2; then
    say "apt-get $1 failed (its reason stands above). These packages are needed: $missing"
    exit 2
  fi
}

missing_packages() {
  local installed=" " name
  if command -v dpkg-query > /dev/null; then
    # An unknown package makes dpkg-query fail; it still prints the others.
    # shellcheck disable=SC2016 # dpkg-query fills in ${...}, not the shell
    installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2> /dev/null || true)"
  fi
  for name in "$@"; do
    [[ $installed == *" installed:$name "* ]] || printf '%s ' "$name"
  done
}

# configure PRESET TESTS: TESTS (ON or OFF) may switch tests on in a folder that has none, but never off.
configure() {
  local folder=build/$1
  if [[ ! -f $folder/build.ninja ]]; then
    cmake --preset "$1" "-DNIBBLE_TESTS=$2" >&2
  elif [[ $2 == ON ]] && grep -q '^NIBBLE_TESTS:BOOL=OFF' "$folder/CMakeCache.txt"; then
    cmake --preset "$1" -DNIBBLE_TESTS=ON >&2
  fi
}

# build PRESET [TARGET]: silent when there is nothing to do.
build() {
  cmake --build --preset "$1" ${2:+--target "$2"} | sed -u '/no work to do/d; /Re-checking globbed/d' >&2
}
