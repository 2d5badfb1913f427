# shellcheck shell=bash disable=SC2034
# The Rust toolchains, by rustup. Source it after common.sh.
#   rust_stable   host tests, lints and WebAssembly modules: `cargo +$RUST_STABLE ..`
#   rust_nightly  the on-chain program: `cargo +$RUST_NIGHTLY ..`, with std's sources
#   rust_linker   nightly and the on-chain linker, as $SBPF_LINKER
#   rust_localnet the local node, which `worktab localnet` builds: its toolchain and the Debian packages it needs

RUST_STABLE=1.95.0
RUST_NIGHTLY=nightly-2026-10-20
RUST_LOCALNET=1.99.0
SBPF_LINKER_VERSION=0.2.6
SBPF_LINKER=$CACHE/sbpf-linker-$SBPF_LINKER_VERSION-$RUST_NIGHTLY/bin/sbpf-linker

need_rustup() {
  command -v rustup >/dev/null || die "rustup is missing: it brings the Rust compilers. Install it as rustup.rs tells, open a new shell and run this again"
  command -v cc >/dev/null || debian_packages "A C linker" gcc libc6-dev
}

# has_toolchain NAME COMPONENT..: whether the toolchain is there with all of these components.
has_toolchain() {
  local name=$1 installed component
  shift
  # Asked about a toolchain it lacks, rustup may install all of it, documentation included.
  installed=$(RUSTUP_AUTO_INSTALL=0 rustup component list --installed --toolchain "$name" 2>/dev/null) || return 1
  for component in "$@"; do
    grep -q "^$component" <<<"$installed" || return 1
  done
}

install_toolchain() {
  local name=$1
  shift
  step "Installing Rust $name (once, about a minute)"
  rustup --quiet toolchain install "$name" --profile minimal --no-self-update "$@" >/dev/null
}

rust_stable() {
  need_rustup
  has_toolchain "$RUST_STABLE" rustfmt clippy rust-std-wasm32-unknown-unknown ||
    once rustup install_toolchain "$RUST_STABLE" -c rustfmt -c clippy -t wasm32-unknown-unknown
}

rust_nightly() {
  need_rustup
  has_toolchain "$RUST_NIGHTLY" rust-src || once rustup install_toolchain "$RUST_NIGHTLY" -c rust-src
}

install_linker() {
  local root
  root=$(dirname "$(dirname "$SBPF_LINKER")")
  [[ -x $SBPF_LINKER ]] && return
  step "Building sbpf-linker $SBPF_LINKER_VERSION (once, about three minutes)"
  cargo "+$RUST_NIGHTLY" install sbpf-linker --version "$SBPF_LINKER_VERSION" --locked --quiet --root "$root" >&2
}

rust_linker() {
  rust_nightly
  [[ -x $SBPF_LINKER ]] || once sbpf-linker install_linker
}

rust_localnet() {
  need_rustup
  has_toolchain "$RUST_LOCALNET" || once rustup install_toolchain "$RUST_LOCALNET"
  command -v pkg-config >/dev/null || debian_packages "pkg-config" pkg-config
  command -v "${PROTOC:-protoc}" >/dev/null || debian_packages "protoc, the Protocol Buffers compiler," protobuf-compiler
  pkg-config --exists openssl || debian_packages "OpenSSL's development files" libssl-dev
  [[ $(uname) != Linux ]] || pkg-config --exists libudev || debian_packages "udev's development files" libudev-dev
}
