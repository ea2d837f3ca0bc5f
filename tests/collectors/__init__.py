"""Tests of the collectors: recorded replies, and the real server behind each."""
