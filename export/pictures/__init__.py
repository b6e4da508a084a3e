"""Any picture file to the encoder's square of bytes: the reference for every platform."""
