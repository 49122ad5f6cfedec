"""Promises every implementation of a contract keeps; a room's tests subclass them."""
