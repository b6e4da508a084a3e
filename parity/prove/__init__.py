"""An export enters; proof that a Mac, an emulator or a phone gives its embeddings leaves: `python -m parity.prove`."""
