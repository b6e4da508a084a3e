"""The gate: every artefact against float32 PyTorch."""
