"""Stage 2: dist/<model>/ enters, parity.json and a verdict leave. Run as `python -m parity` from the root."""
