"""What lies in dist/<model>/: manifest, receipts, and the folder itself."""
