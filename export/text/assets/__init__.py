"""Writers of tokenizer assets; the only code here that imports a tokenizer's reference library."""
