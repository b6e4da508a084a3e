"""What other libraries answer: networks in the place of ones that are written here, and token ids."""
