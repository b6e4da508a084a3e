"""Data and sentences enter; the text tower of demo-world leaves, trained, and its recall on the sample shop."""
