"""A product list and its vectors to a catalog file, with its measurements and its page."""
