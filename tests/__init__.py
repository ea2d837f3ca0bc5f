"""Tests of the console; the folders mirror the packages."""
