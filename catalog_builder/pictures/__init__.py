"""Names and web addresses of pictures, as lists give them: the files that they stand for."""
