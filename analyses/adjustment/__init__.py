"""What comparing prognosis fairly needs: confounding, and treatments that start late."""
