"""Indicators that several collectors bring under one name, so that one check and one page serve them all."""
