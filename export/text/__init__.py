"""Texts to token ids: the reference tokenizers, which read only the asset."""
