"""Cells of a product list, as shop systems write them: the prices, texts, categories and dates that they mean."""
