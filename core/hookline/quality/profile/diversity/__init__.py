"""How varied a table is: balance, concentration, combinations, gaps in time, near repeats, languages, and whom it stands for."""
