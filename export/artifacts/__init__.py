"""The contents of dist/<model>/: manifest, receipts, and the folder itself."""
