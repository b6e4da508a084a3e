"""What a catalog is searched by beside its vectors: words, keys such as barcodes, and columns to filter by."""
