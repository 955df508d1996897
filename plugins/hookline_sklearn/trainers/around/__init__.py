"""Trainers around another: what it learns, or what it says, is changed."""
