"""What watching finds: windows, alarms, and what is to be told of them."""
