"""What transforms did to rows, on record."""
