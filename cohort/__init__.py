"""A registry file becomes an analysable cohort."""
