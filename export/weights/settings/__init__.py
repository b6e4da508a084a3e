"""What a checkpoint does not hold itself: its network, pixels and activation, from files beside it or by hand."""
