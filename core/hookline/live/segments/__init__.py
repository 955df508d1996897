"""The files of a prediction log: lines while they are written, Parquet afterwards, and which of both count."""
