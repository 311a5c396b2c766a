"""Missing data: who lacks what, values drawn for them, and answers pooled over the draws."""
