"""Sorted arrays in, arrays out: the arithmetic of survival, without frames or checks."""
