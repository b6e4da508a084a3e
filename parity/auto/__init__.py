"""PRECISION=auto: the smallest encoders that pass the gate."""
