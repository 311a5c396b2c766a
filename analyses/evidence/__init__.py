"""What others have found, and what several studies or sites say together."""
