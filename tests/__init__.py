"""Tests; the folders mirror the packages. Names are sentences."""
