"""One question a file: a table and column names in, a frozen result out."""
