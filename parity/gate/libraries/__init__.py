"""Networks of other libraries that answer in the place of ones that are written in this repository."""
