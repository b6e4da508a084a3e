"""A product list and its vectors enter; a catalog file, its measurements and its page leave."""
