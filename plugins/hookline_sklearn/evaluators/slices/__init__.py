"""How good the answers are for rows of one sort: searched for, and measured."""
