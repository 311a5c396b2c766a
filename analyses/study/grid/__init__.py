"""The sensitivity grid of a study: every choice crossed with every other, one estimate each."""
