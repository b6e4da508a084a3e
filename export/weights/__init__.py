"""Models and their weights: the table, the hub, checkpoint files, networks, and the two encoders as exported."""
