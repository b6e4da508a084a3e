"""A file that a shop's system wrote, of any kind: what it holds as a table of named columns."""
