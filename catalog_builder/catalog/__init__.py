"""The catalog file and its search: the twin of the apps' search modules."""
