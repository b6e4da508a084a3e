"""Sample pictures and texts for the gate."""
