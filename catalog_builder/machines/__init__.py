"""A list's pictures, embedded on several machines."""
