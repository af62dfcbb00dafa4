"""Measurements: `./dev bench spine` prints every figure beside its target (docs/benchmarks.md says how)."""
