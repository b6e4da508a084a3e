"""Exported models, a product list and queries enter; a table and a page leave that compare the models."""
