"""Readers of file formats: each turns a file into headings and a table of text."""
