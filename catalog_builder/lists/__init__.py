"""What a shop gives: product lists and labelled queries."""
