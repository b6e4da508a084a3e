"""Catalogs that follow one another: what stays in its place, and the small file that makes one of the other."""
