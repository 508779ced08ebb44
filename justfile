# The few commands people use. `just --list` shows them.

# Hunt through the demonstration data.
demo:
    cargo run --release --bin bartizan -- demo

# All tests of the project itself; nothing outside of the repository is needed.
test:
    cargo test --workspace

# Format, lints and documentation, as the gate checks them.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Runs over conformance data that is not part of the repository; DIR holds its folders `data` and `tools`.
conformance DIR="../shared":
    conformance/run "{{DIR}}"

# Measures `hunt` against the limit of the machine, in one run.
bench EVENTS="200000":
    bench/hunt "{{EVENTS}}"

# Builds the fuzz targets; run one with `cargo fuzz run NAME` (nightly).
fuzz-build:
    cargo build --manifest-path fuzz/Cargo.toml
