"""Side-by-side runs; each prints ratios."""
