"""Tests of the data area: what is loaded is what was in the file, or nothing is."""
