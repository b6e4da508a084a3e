"""Golden searches of catalogs with a first pass, for the ports."""
