"""What tests share: each helper once, by subject."""
