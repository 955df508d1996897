"""The pages of `hookline ui`: models, runs and data in a browser, and what people do about them, on record."""
