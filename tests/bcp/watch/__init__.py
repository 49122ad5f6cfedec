"""Tests of bcp/watch."""
