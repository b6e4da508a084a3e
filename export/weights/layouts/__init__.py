"""The layouts of checkpoint files: what a file stores, wrapper keys and prefixes, transformers' keys, and refusals."""
