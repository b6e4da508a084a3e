"""Texts to token ids: the reference tokenizers, which read the asset alone."""
